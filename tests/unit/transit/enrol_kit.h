/* A fake authority, and certificates that are kept from it. */
#ifndef TEST_TRANSIT_ENROL_KIT_H
#define TEST_TRANSIT_ENROL_KIT_H

#include "fake_ca.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "crypto/x509.h"
#include "transit/enrol.h"

#include <stdio.h>
#include <unistd.h>

#define DAY INT64_C(86400)

static struct fake_ca f;
static struct enrol *kept; /* ended before the authority, whatever a test comes to */
static const char *const web[] = { "web.example", "spiffe://example/web" };

static inline int start(void **state) {
  (void)state;
  clock_shift(0);
  fake_ca_start(&f);
  return 0;
}

static inline void close_kept(void) {
  enrol_free(TAKE(kept));
}

static inline int end(void **state) {
  (void)state;
  clock_shift(0);
  close_kept();
  fake_ca_stop(&f);
  return 0;
}

static inline struct enrol_options options(void) {
  return (struct enrol_options){ .profile = "server",
                                 .names = web,
                                 .name_count = 2,
                                 .subject = "OU=web",
                                 .state = f.state,
                                 .lists = true };
}

static inline void open_kept(void) {
  const struct enrol_options o = options();
  assert_ok(enrol_new(f.client, &o, 0, &kept));
}

/* What the certificate in use says. */
static inline void read_current(struct cert_info *info) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  AUTO_BUF der = BUF_EMPTY;
  assert_ok(x509_from_pem(buf_bytes(&now->chain_pem), &der));
  assert_ok(cert_matches_key(buf_bytes(&der), now->key));
  assert_ok(cert_read(buf_bytes(&der), info));
  assert_int_equal(info->is.not_after, now->not_after);
}

static inline struct bytes serial_of(const struct cert_info *info) {
  return bytes_of(info->serial, info->serial_size);
}

static inline void state_file(const char *name, char out[static 160]) {
  snprintf(out, 160, "%s/%s", f.state, name);
}

static inline void read_state(const char *name, struct buf *out) {
  char path[160];
  state_file(name, path);
  assert_ok(file_read(path, 1u << 20, out));
}

static inline void write_state(const char *name, struct bytes data) {
  char path[160];
  state_file(name, path);
  assert_ok(file_write_private(path, data));
}

static inline bool has_state(const char *name) {
  char path[160];
  state_file(name, path);
  return access(path, F_OK) == 0;
}

/* What changed() was told. */
struct told {
  _Atomic unsigned times;
  _Atomic size_t lists;
};
static inline void note_change(void *ctx, struct enrolled *now) {
  struct told *t = ctx;
  atomic_store(&t->lists, now->list_count);
  atomic_fetch_add(&t->times, 1);
}

#define wait_until(condition) \
  do { \
    unsigned waited_ = 0; \
    while (!(condition) && waited_++ < 3000) \
      usleep(10000); \
    if (!(condition)) \
      fail_msg("never: %s", #condition); \
  } while (0)

static inline struct enrol_status status(void) {
  struct enrol_status s;
  enrol_status(kept, &s);
  return s;
}

#endif
