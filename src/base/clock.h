/*
 * Time. clock_now() is Unix seconds as the API shows them; clock_shift() moves it, for tests of
 * expiry, rotation and retention only (the configuration key that reaches it is refused outside the
 * test section). Monotonic time is never moved. Any thread.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now(void); /* Unix seconds */
int64_t clock_real(
  void); /* Unix seconds, never moved: for certificates, which others judge by their clocks */
int64_t clock_now_us(void);   /* Unix microseconds */
uint64_t clock_mono_us(void); /* monotonic microseconds */
/* Microseconds for lifetimes of what is kept in memory: nobody sets them, sleep of the machine
 * counts, clock_shift() moves them. */
uint64_t clock_age_us(void);
void clock_shift(int64_t seconds);
/* "2026-11-24T08:04:06.123456Z"; a time outside the years 1970 to 9999 is shown as the nearest one
 * inside. */
void clock_format(int64_t us, char out[static 28]);

#endif
