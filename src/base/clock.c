#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define FORMAT_MAX_US (INT64_C(253402300799999999)) /* the last one of the year 9999 */

static _Atomic int64_t shift_us;

int64_t clock_now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000 +
         atomic_load_explicit(&shift_us, memory_order_relaxed);
}

int64_t clock_now(void) {
  return clock_now_us() / 1000000;
}

int64_t clock_real(void) {
  return (int64_t)time(NULL);
}

uint64_t clock_mono_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_age_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000 +
         (uint64_t)atomic_load_explicit(&shift_us, memory_order_relaxed);
}

void clock_shift(int64_t seconds) {
  atomic_store_explicit(&shift_us, seconds * 1000000, memory_order_relaxed);
}

void clock_format(int64_t us, char out[static 28]) {
  if (us < 0)
    us = 0;
  if (us > FORMAT_MAX_US)
    us = FORMAT_MAX_US;
  time_t s = (time_t)(us / 1000000);
  struct tm tm;
  char day[20];
  gmtime_r(&s, &tm);
  strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
  snprintf(out, 28, "%s.%06uZ", day, (unsigned)(us % 1000000));
}
