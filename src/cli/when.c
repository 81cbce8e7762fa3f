#include "cli/when.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define SPAN_MAX (200ull * 365) /* units */

void when_format(int64_t seconds, char out[static WHEN_SIZE]) {
  char precise[28];
  clock_format(seconds * 1000000, precise);
  memcpy(out, precise, WHEN_SIZE - 2);
  memcpy(out + WHEN_SIZE - 2, "Z", 2);
}

/* A number and the letter of its unit, one of those in units. */
static bool split(const char *text, const char *units, uint64_t *n, char *unit) {
  size_t size = strlen(text);
  if (size < 2 || !strchr(units, text[size - 1]))
    return false;
  *unit = text[size - 1];
  return bytes_to_u64(bytes_of(text, size - 1), SPAN_MAX, n) == OK && *n > 0;
}

static int64_t unit_seconds(char unit) {
  switch (unit) {
  case 's':
    return 1;
  case 'h':
    return 3600;
  case 'd':
    return 86400;
  case 'w':
    return 7 * 86400;
  default:
    return 365 * 86400;
  }
}

err_t when_parse_span(const char *option, const char *text, int64_t *seconds) {
  uint64_t n;
  char unit;
  if (!split(text, "shdwy", &n, &unit))
    FAIL(ERR_USAGE, "--%s takes a number and s, h, d, w or y, such as 90d, not '%s'", option, text);
  *seconds = (int64_t)n * unit_seconds(unit);
  return OK;
}

err_t when_parse(const char *option, const char *text, int64_t *out) {
  struct tm tm = { 0 };
  if (text[0] == '+') {
    int64_t span;
    TRY(when_parse_span(option, text + 1, &span));
    *out = clock_now() + span;
    return OK;
  }
  const char *rest = strptime(text, "%Y-%m-%d", &tm);
  if (rest && *rest == 'T')
    rest = strptime(rest, "T%H:%M:%SZ", &tm);
  if (!rest || *rest)
    FAIL(ERR_USAGE, "--%s takes 2027-01-31, 2027-01-31T10:00:00Z or +90d, not '%s'", option, text);
  *out = timegm(&tm);
  return OK;
}

err_t when_parse_period(const char *option, const char *text, char *out, size_t size) {
  uint64_t n;
  char unit;
  if (text[0] == 'P' && strlen(text) < size) {
    memcpy(out, text, strlen(text) + 1);
    return OK;
  }
  if (!split(text, "dwmy", &n, &unit))
    FAIL(ERR_USAGE, "--%s takes a number and d, w, m or y, such as 90d, or P90D, not '%s'", option,
         text);
  if (unit == 'w')
    n *= 7;
  snprintf(out, size, "P%llu%c", (unsigned long long)n,
           unit == 'y'   ? 'Y'
           : unit == 'm' ? 'M'
                         : 'D');
  return OK;
}
