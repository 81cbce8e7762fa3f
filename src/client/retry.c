#include "client/retry.h"

#include "base/clock.h"
#include "crypto/crypto.h"

#include <time.h>

#define FIRST_PAUSE_MS 100u
#define LAST_PAUSE_MS 4000u
#define LEAST_TIMEOUT_MS 1000u

void retry_begin(struct retry *r, const struct client_patience *p) {
  *r = (struct retry){ .patience = *p, .began_us = clock_mono_us() };
}

static uint64_t left_ms(const struct retry *r) {
  uint64_t used = (clock_mono_us() - r->began_us) / 1000;
  return used < r->patience.budget_ms ? r->patience.budget_ms - used : 0;
}

unsigned retry_timeout_ms(const struct retry *r) {
  uint64_t left = left_ms(r);
  if (r->tried == 0 || left >= r->patience.timeout_ms)
    return r->patience.timeout_ms;
  return left > LEAST_TIMEOUT_MS ? (unsigned)left : LEAST_TIMEOUT_MS;
}

/* Half of it is sure, half is chance: many that failed together do not come back together. */
static uint64_t pause_ms(const struct retry *r) {
  uint64_t pause = FIRST_PAUSE_MS;
  uint16_t random = 0;
  struct err_last last = *err_last();
  for (unsigned i = 1; i < r->tried && pause < LAST_PAUSE_MS; i++)
    pause *= 2;
  if (crypto_random(&random, sizeof random) != OK)
    err_restore(&last);
  return pause / 2 + pause * random / UINT16_MAX / 2;
}

/* A signal ends it. */
static void sleep_ms(uint64_t ms) {
  struct timespec t = { (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };
  nanosleep(&t, NULL);
}

bool retry_again(struct retry *r, unsigned wait_s) {
  r->tried++;
  uint64_t pause = pause_ms(r);
  if (pause < (uint64_t)wait_s * 1000)
    pause = (uint64_t)wait_s * 1000;
  if (r->tried >= r->patience.attempts || pause >= left_ms(r))
    return false;
  sleep_ms(pause);
  return true;
}
