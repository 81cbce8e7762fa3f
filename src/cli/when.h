/* Points in time and durations, as people write them on a command line. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include "base/bytes.h"

#define WHEN_SIZE 21 /* "2026-11-24T08:04:06Z" and a NUL */
void when_format(int64_t seconds, char out[static WHEN_SIZE]);

/* "2027-01-31", "2027-01-31T10:00:00Z" or, from now, "+90d" (s, h, d, w, y; a year is 365 days).
 * ERR_USAGE (FAILed, naming the option). */
err_t when_parse(const char *option, const char *text, int64_t *out);
/* "90d": whole seconds, hours, days, weeks or years. */
err_t when_parse_span(const char *option, const char *text, int64_t *seconds);
/* "P90D" as it is; "90d", "2w", "18m", "1y" as ISO 8601. */
err_t when_parse_period(const char *option, const char *text, char *out, size_t size);

#endif
