#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int start(void **state) {
  bool locked;
  return crypto_init(HEAP_SIZE, &locked) == OK ? 0 : -1;
}

static err_t kek(const char *key_id, uint8_t out[static SHA256_SIZE]) {
  return crypto_sha256(bytes_str(key_id), out);
}

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct fake_vault *v = ctx;
  AUTO_BUF sealed = BUF_EMPTY;
  uint8_t k[SHA256_SIZE];
  v->asked++;
  if (v->answer != OK)
    FAIL(v->answer, "as the test has it");
  *out = (struct wrapped){ .alg = "A256KW", .size = plain.size + SEAL_OVERHEAD };
  (void)snprintf(out->key_id, sizeof out->key_id, "https://vault.test/keys/%s/%032x", key,
                 v->version);
  TRY(kek(out->key_id, k));
  TRY(crypto_seal(bytes_of(k, sizeof k), (struct bytes){ 0 }, plain, &sealed));
  memcpy(out->data, sealed.data, sealed.size);
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  struct fake_vault *v = ctx;
  uint8_t k[SHA256_SIZE];
  v->asked++;
  if (v->answer != OK)
    FAIL(v->answer, "as the test has it");
  TRY(kek(w->key_id, k));
  err_t e =
    crypto_open_secret(bytes_of(k, sizeof k), (struct bytes){ 0 }, bytes_of(w->data, w->size), out);
  return e == ERR_CORRUPT ? ERR_WRONG_KEY : e;
}

struct key_service fake_service(struct fake_vault *v) {
  return (struct key_service){ .ctx = v, .wrap = wrap, .unwrap = unwrap };
}

struct key_cache *fake_keys(struct fake_vault *v) {
  struct key_cache *keys = NULL;
  struct key_service s = fake_service(v);
  *v = (struct fake_vault){ .version = 1 };
  assert_ok(key_cache_new(&s, NULL, &keys));
  return keys;
}

int empty_file(void) {
  int fd = memfd_create("test", MFD_CLOEXEC);
  assert_true(fd >= 0);
  return fd;
}

int file_of(struct bytes content) {
  int fd = empty_file();
  for (size_t done = 0; done < content.size;) {
    ssize_t n = pwrite(fd, content.data + done, content.size - done, (off_t)done);
    assert_true(n > 0);
    done += (size_t)n;
  }
  return fd;
}

struct rooms {
  uint8_t *of[16];
  unsigned next;
};

static uint8_t *room(struct rooms *rooms, size_t size) {
  uint8_t **r = &rooms->of[rooms->next++ % 16];
  free(*r);
  *r = malloc(size + 1);
  assert_non_null(*r);
  return *r;
}

struct bytes file_bytes(int fd) {
  static struct rooms rooms;
  struct stat st;
  assert_int_equal(fstat(fd, &st), 0);
  size_t size = (size_t)st.st_size, done = 0;
  uint8_t *out = room(&rooms, size);
  for (ssize_t n; done < size && (n = pread(fd, out + done, size - done, (off_t)done)) > 0;)
    done += (size_t)n;
  assert_int_equal(done, size);
  return bytes_of(out, size);
}

void file_rewind(int fd) {
  assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

struct bytes pattern(unsigned seed, size_t size) {
  static struct rooms rooms;
  uint8_t *out = room(&rooms, size);
  uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
  for (size_t i = 0; i < size; i++) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    out[i] = (uint8_t)(x >> 32);
  }
  return bytes_of(out, size);
}

struct payload *payload_of(int format) {
  struct payload *p = NULL;
  if (format == AGE)
    assert_ok(payload_new_age(pattern(1, 16), &p));
  else
    assert_ok(payload_new(pattern(1, 32), bytes_str("context"), &p));
  return p;
}

err_t run(const struct payload *p, bool seal, unsigned threads, struct bytes in,
          struct bytes *got) {
  struct stream_options o = { .threads = threads };
  int from = file_of(in), to = empty_file();
  err_t e = (seal ? stream_seal : stream_open)(p, &o, from, to);
  *got = file_bytes(to);
  close(from);
  close(to);
  return e;
}

struct bytes sealed_of(const struct payload *p, struct bytes plain) {
  struct bytes sealed;
  assert_ok(run(p, true, 1, plain, &sealed));
  assert_int_equal(sealed.size + payload_shape(p)->prefix,
                   payload_sealed_size(payload_shape(p), plain.size));
  return sealed;
}
