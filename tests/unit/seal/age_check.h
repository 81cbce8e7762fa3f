/* What the tests of age share: files in memory, a vault that is none, an armor. */
#ifndef TEST_AGE_CHECK_H
#define TEST_AGE_CHECK_H

#include "../asserts.h"
#include "base/codec.h"
#include "crypto/crypto.h"
#include "seal/age_key.h"
#include "seal/bech32.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAP_SIZE (1u << 20)

static inline void start_crypto(void) {
  bool locked = false;
  mem_install_json();
  if (crypto_init(HEAP_SIZE, &locked) != OK)
    abort();
}

/* A file with these bytes, read from its start. */
static inline int file_of(struct bytes data) {
  int fd = memfd_create("test", MFD_CLOEXEC);
  if (fd < 0 || (data.size && write(fd, data.data, data.size) != (ssize_t)data.size) ||
      lseek(fd, 0, SEEK_SET) != 0)
    abort();
  return fd;
}

/* All of a file, which is closed. */
static inline struct buf content_of(int fd) {
  struct buf b = BUF_EMPTY;
  off_t size = lseek(fd, 0, SEEK_END);
  if (!buf_reserve(&b, (size_t)size + 1) || pread(fd, b.data, (size_t)size, 0) != size)
    abort();
  b.size = (size_t)size;
  close(fd);
  return b;
}

/* A vault that counts, and fails as it is told. */
#define FAKE_URL "https://vault.example:8443"
#define FAKE_VERSION "0123456789abcdef0123456789abcdef"
struct fake {
  unsigned wraps, unwraps;
  err_t fail;           /* what every request comes to */
  const char *fail_key; /* only those for this key */
  size_t answer;        /* bytes that unwrapping gives; 0: what was wrapped */
  const char *alg;      /* of its keys; NULL: A256KW */
};

static inline err_t fake_failure(const struct fake *f, const char *key) {
  if (f->fail == OK || (f->fail_key && !strstr(key, f->fail_key)))
    return OK;
  REFUSE(f->fail, "the fake says no");
}

static inline err_t fake_wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  struct fake *f = ctx;
  struct key_name k;
  f->wraps++;
  TRY(fake_failure(f, key));
  TRY(key_name_parse(key, &k));
  *out = (struct wrapped){ .size = plain.size + 8 };
  (void)snprintf(out->alg, sizeof out->alg, "%s", f->alg ? f->alg : "A256KW");
  (void)snprintf(out->key_id, sizeof out->key_id, FAKE_URL "/keys/%s/%s", k.name,
                 *k.version ? k.version : FAKE_VERSION);
  for (size_t i = 0; i < plain.size; i++)
    out->data[i] = plain.data[i] ^ 0x5a;
  memset(out->data + plain.size, k.name[0], 8);
  return OK;
}

static inline err_t fake_unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  struct fake *f = ctx;
  struct key_name k;
  f->unwraps++;
  TRY(fake_failure(f, w->key_id));
  TRY(key_name_parse(w->key_id, &k));
  if (w->size < 8 || w->data[w->size - 1] != (uint8_t)k.name[0])
    REFUSE(ERR_BAD_PARAMETER, "The parameter is incorrect.");
  TRY(secret_new(f->answer ? f->answer : w->size - 8, out));
  for (size_t i = 0; i < out->size; i++)
    out->data[i] = w->data[i] ^ 0x5a;
  return OK;
}

static inline struct key_service fake_service(struct fake *f) {
  return (
    struct key_service){ .ctx = f, .wrap = fake_wrap, .unwrap = fake_unwrap, .url = FAKE_URL };
}

/* A pair of keys as people have them. */
struct pair {
  char recipient[80], identity[96];
};
static inline struct pair new_pair(void) {
  struct pair p;
  struct secret private = { 0 };
  uint8_t public[X25519_SIZE];
  struct buf text = BUF_EMPTY;
  assert_ok(x25519_generate(&private, public));
  bech32_encode("age", bytes_of(public, sizeof public), &text);
  assert_ok(bytes_to_cstr(buf_bytes(&text), p.recipient, sizeof p.recipient));
  buf_clear(&text);
  bech32_encode("age-secret-key-", secret_bytes(&private), &text);
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] >= 'a')
      text.data[i] &= (uint8_t)~32;
  assert_ok(bytes_to_cstr(buf_bytes(&text), p.identity, sizeof p.identity));
  buf_free(&text);
  secret_free(&private);
  return p;
}

/* The same file in armor. */
static inline struct buf armor_of(struct bytes data, const char *eol) {
  struct buf b = BUF_EMPTY;
  buf_printf(&b, "-----BEGIN AGE ENCRYPTED FILE-----%s", eol);
  while (data.size) {
    size_t n = data.size < 48 ? data.size : 48;
    buf_put_b64(&b, bytes_of(data.data, n));
    buf_put_str(&b, eol);
    data = bytes_of(data.data + n, data.size - n);
  }
  buf_printf(&b, "-----END AGE ENCRYPTED FILE-----%s", eol);
  assert_ok(buf_ok(&b));
  return b;
}

#endif
