/* Each allocation of each operation fails once: the operation says so and leaks nothing (the
 * sanitizer build looks for leaks). */
#include "fixture.h"

#include "fault/oom.h"
#include "seal/xaes.h"

#include <unistd.h>

static struct fake_vault vault;
static struct bytes plain;
static struct buf sealed = BUF_EMPTY;
static int in, out, file;

static int prepare(void **state) {
  start(state);
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  plain = pattern(1, 40000);
  assert_ok(sealed_put(keys, "k", bytes_str("c"), plain, &sealed));
  in = file_of(plain);
  file = file_of(buf_bytes(&sealed));
  out = empty_file();
  return 0;
}

static int release(void **state) {
  buf_free(&sealed);
  close(in);
  close(file);
  close(out);
  return 0;
}

static err_t new_keys(struct key_cache **out_keys) {
  struct key_service s = fake_service(&vault);
  return key_cache_new(&s, NULL, out_keys);
}

static err_t seal(struct key_cache *keys);
static err_t put(struct key_cache *keys);
static err_t age(struct key_cache *keys);

/* OpenSSL's HKDF can do without some of what it asks for; the cache without keeping a fresh data
 * key for opening, too. */
static bool can_do_without(err_t (*work)(struct key_cache *keys)) {
  return work == age || work == seal || work == put;
}

/* The work is done again and again, with the next allocation failing each time. */
static void each_allocation_fails(err_t (*work)(struct key_cache *keys)) {
  for (int kind = OOM_ONE; kind <= OOM_ALL; kind++)
    for (unsigned long n = 1;; n++) {
      AUTO(key_cache) struct key_cache *keys = NULL;
      file_rewind(in);
      file_rewind(file);
      file_rewind(out);
      assert_ok(new_keys(&keys));
      oom_start(n, (enum oom)kind);
      err_t e = work(keys);
      if (!oom_stop()) {
        assert_ok(e);
        assert_true(n > 1);
        break;
      }
      if (e != OK || !can_do_without(work))
        assert_err(e, ERR_NOMEM);
    }
}

static err_t seal(struct key_cache *keys) {
  struct sealed_options o = { .context = bytes_str("c"), .stream = { .threads = 1 } };
  return sealed_seal(keys, "k", &o, in, out);
}

static err_t open_file(struct key_cache *keys) {
  struct sealed_options o = { .context = bytes_str("c"), .stream = { .threads = 1 } };
  return sealed_open(keys, &o, file, out);
}

static err_t put(struct key_cache *keys) {
  AUTO_BUF b = BUF_EMPTY;
  return sealed_put(keys, "k", bytes_str("c"), plain, &b);
}

static err_t get(struct key_cache *keys) {
  AUTO_BUF b = BUF_EMPTY;
  return sealed_get(keys, bytes_str("c"), buf_bytes(&sealed), &b);
}

static err_t read_piece(struct key_cache *keys) {
  AUTO(sealed_file) struct sealed_file *f = NULL;
  uint8_t piece[100];
  size_t got;
  TRY(sealed_file_open(keys, bytes_str("c"), file, &f));
  return sealed_file_read(f, 20000, piece, sizeof piece, &got);
}

static err_t reseal(struct key_cache *keys) {
  struct key_service s = fake_service(&vault);
  bool changed;
  vault.version++;
  return sealed_reseal(&s, "k", file, &changed);
}

/* OK means that what was sealed came out again: both keys are the right one. */
static err_t age(struct key_cache *keys) {
  AUTO(payload) struct payload *p = NULL, *q = NULL;
  struct stream_options o = { .threads = 1 };
  uint8_t key[16] = { 1 }, piece[100];
  uint64_t got;
  TRY(payload_new_age(bytes_of(key, sizeof key), &p));
  TRY(payload_open_age(bytes_of(key, sizeof key), payload_prefix(p), &q));
  if (ftruncate(out, 0) != 0 || pwrite(out, payload_prefix(p).data, 16, 0) != 16 ||
      lseek(out, 16, SEEK_SET) != 16)
    return ERR_OUTPUT;
  TRY(stream_seal(p, &o, in, out));
  struct stream_range r = { out, 0, 100, sizeof piece };
  return stream_read_range(q, &r, piece, &got);
}

static err_t records(struct key_cache *keys) {
  AUTO(xaes) struct xaes *x = NULL;
  AUTO_BUF a = BUF_EMPTY, b = BUF_EMPTY;
  uint8_t key[32] = { 1 };
  TRY(xaes_new(bytes_of(key, sizeof key), &x));
  TRY(xaes_seal(x, bytes_str("place"), plain, &a));
  return xaes_open(x, bytes_str("place"), buf_bytes(&a), &b);
}

#define TEST(work) \
  static void of_##work(void **state) { \
    each_allocation_fails(work); \
  }
TEST(seal)
TEST(open_file)
TEST(put)
TEST(get)
TEST(read_piece)
TEST(reseal)
TEST(age)
TEST(records)

/* Without memory for the other threads the caller does it all. */
static void threads_without_memory(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  for (unsigned long n = 1;; n++) {
    struct sealed_options o = { .context = bytes_str("c"), .stream = { .threads = 3 } };
    int big = file_of(pattern(1, 8 * BLOCK)), to = empty_file();
    oom_start(n, OOM_ONE);
    err_t e = sealed_seal(keys, "k", &o, big, to);
    bool failed = oom_stop();
    close(big);
    close(to);
    if (!failed)
      break;
    assert_true(e == OK || e == ERR_NOMEM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(of_seal),
    cmocka_unit_test(of_open_file),
    cmocka_unit_test(of_put),
    cmocka_unit_test(of_get),
    cmocka_unit_test(of_read_piece),
    cmocka_unit_test(of_reseal),
    cmocka_unit_test(of_age),
    cmocka_unit_test(of_records),
    cmocka_unit_test(threads_without_memory),
  };
  return cmocka_run_group_tests(tests, prepare, release);
}
