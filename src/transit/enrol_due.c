/* When a certificate is renewed, and how loudly it is told that it could not be. */
#include "base/clock.h"
#include "base/log.h"
#include "transit/enrol_internal.h"

#define RETRY_FIRST_S 5
#define RETRY_LAST_S 600

int64_t due_renewal(int64_t begin, int64_t end, uint16_t random) {
  int64_t life = end - begin;
  return begin + life / 3 * 2 - life / 10 * random / UINT16_MAX;
}

uint64_t due_retry_us(uint64_t failures, uint16_t random) {
  uint64_t seconds = RETRY_FIRST_S;
  for (uint64_t i = 1; i < failures && seconds < RETRY_LAST_S; i++)
    seconds *= 2;
  if (seconds > RETRY_LAST_S)
    seconds = RETRY_LAST_S;
  return seconds * 900000 + seconds * 200000 * random / UINT16_MAX;
}

enum due_stage due_stage(int64_t begin, int64_t end, int64_t now) {
  int64_t life = end - begin, left = end - now;
  if (left <= 0)
    return DUE_OVER;
  if (left <= life / 20)
    return DUE_LAST;
  return left <= life / 6 ? DUE_NEAR : DUE_FAILED;
}

void due_tell(enum due_stage *told, enum due_stage now, const char *what, int64_t end,
              const char *trouble) {
  static const struct {
    enum log_level level;
    const char *text;
  } stages[] = {
    [DUE_FAILED] = { LOG_LEVEL_WARN, "could not be renewed; it is good until" },
    [DUE_NEAR] = { LOG_LEVEL_WARN, "could still not be renewed, and ends at" },
    [DUE_LAST] = { LOG_LEVEL_ERROR, "could not be renewed and is about to end, at" },
    [DUE_OVER] = { LOG_LEVEL_ERROR, "could not be renewed and has ended, at" },
    [DUE_REVOKED] = { LOG_LEVEL_ERROR, "was revoked, and there is no new one yet in its place; "
                                       "it would have been good until" },
  };
  char until[28];
  if (now <= *told)
    return;
  *told = now;
  clock_format(end * 1000000, until);
  log_line(stages[now].level, "enrol", "%s %s %s: %s", what, stages[now].text, until, trouble);
}
