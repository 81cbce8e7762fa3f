/* How often, and how many: what a client has to wait for. */
#include "base/clock.h"
#include "vault/acme/state.h"

#define HOUR 3600

bool hourly_take(struct hourly *h, unsigned max, int64_t now, unsigned *wait) {
  if (now < h->start || now >= h->start + HOUR)
    *h = (struct hourly){ .start = now };
  *wait = (unsigned)(h->start + HOUR - now);
  if (h->count >= max)
    return false;
  h->count++;
  return true;
}

static err_t digest_of(const char *account, const char *name, uint8_t out[static SHA256_SIZE]) {
  const struct bytes parts[] = { bytes_str(account), bytes_str("/"), bytes_str(name) };
  return crypto_sha256_parts(parts, sizeof parts / sizeof *parts, out);
}

static struct failed *failed_find(struct acme *a, const uint8_t what[static SHA256_SIZE]) {
  for (size_t i = 0; i < ACME_FAILURES_KEPT; i++)
    if (a->failed[i].hour.count && memcmp(a->failed[i].what, what, SHA256_SIZE) == 0)
      return &a->failed[i];
  return NULL;
}

bool acme_may_try(struct acme *a, const char *account, const char *name, unsigned *wait) {
  uint8_t what[SHA256_SIZE];
  if (digest_of(account, name, what) != OK)
    return false;
  struct failed *f = failed_find(a, what);
  int64_t now = clock_now();
  *wait = HOUR;
  if (!f || now < f->hour.start || now >= f->hour.start + HOUR)
    return true;
  *wait = (unsigned)(f->hour.start + HOUR - now);
  return f->hour.count < ACME_FAILURES_HOURLY;
}

/* Where there is no more room the oldest is forgotten. */
void acme_count_failure(struct acme *a, const char *account, const char *name) {
  uint8_t what[SHA256_SIZE];
  unsigned wait;
  if (digest_of(account, name, what) != OK)
    return;
  struct failed *f = failed_find(a, what);
  for (size_t i = 0; !f && i < ACME_FAILURES_KEPT; i++)
    if (a->failed[i].hour.count == 0)
      f = &a->failed[i];
  if (!f) {
    f = &a->failed[0];
    for (size_t i = 1; i < ACME_FAILURES_KEPT; i++)
      if (a->failed[i].hour.start < f->hour.start)
        f = &a->failed[i];
  }
  if (f->hour.count == 0 || memcmp(f->what, what, SHA256_SIZE) != 0)
    *f = (struct failed){ 0 };
  memcpy(f->what, what, SHA256_SIZE);
  hourly_take(&f->hour, UINT32_MAX, clock_now(), &wait);
}

err_t acme_limited(struct acme_request *r, unsigned wait, const char *what) {
  r->retry_after = wait;
  PROBLEM(r, ERR_THROTTLED, "rateLimited", "Too many %s. Retry in %u seconds.", what, wait);
}
