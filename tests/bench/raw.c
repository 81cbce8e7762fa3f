#include "raw.h"

#include "child.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define WARM_NS UINT64_C(100000000)
#define MEASURE_NS UINT64_C(500000000)
#define ROUND 16 /* operations between looks at the clock */

struct raw {
  EVP_PKEY_CTX *sign, *verify;
  EVP_CIPHER *cipher;
  EVP_CIPHER_CTX *unwrap;
  uint8_t key[32], data[40], out[512];
  size_t out_size; /* of the signature that is verified */
};

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool begin_sign(struct raw *r, EVP_PKEY *key, bool rsa) {
  r->sign = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
  return r->sign && EVP_PKEY_sign_init(r->sign) == 1 &&
         (!rsa || EVP_PKEY_CTX_set_rsa_padding(r->sign, RSA_PKCS1_PADDING) == 1) &&
         EVP_PKEY_CTX_set_signature_md(r->sign, EVP_sha256()) == 1;
}

static bool begin_verify(struct raw *r, EVP_PKEY *key) {
  r->out_size = sizeof r->out;
  bool signed_once =
    begin_sign(r, key, false) && EVP_PKEY_sign(r->sign, r->out, &r->out_size, r->data, 32) == 1;
  r->verify = signed_once ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
  return r->verify && EVP_PKEY_verify_init(r->verify) == 1 &&
         EVP_PKEY_CTX_set_signature_md(r->verify, EVP_sha256()) == 1;
}

static bool begin_unwrap(struct raw *r) {
  int n;
  r->cipher = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
  r->unwrap = EVP_CIPHER_CTX_new();
  return r->cipher && r->unwrap &&
         EVP_EncryptInit_ex2(r->unwrap, r->cipher, r->key, NULL, NULL) == 1 &&
         EVP_EncryptUpdate(r->unwrap, r->data, &n, r->data, 32) == 1 && n == 40;
}

static bool begin(struct raw *r, enum raw_op op) {
  switch (op) {
  case RAW_RSA_2048_SIGN:
    return begin_sign(r, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048), true);
  case RAW_P256_SIGN:
    return begin_sign(r, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), false);
  case RAW_P256_VERIFY:
    return begin_verify(r, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
  default:
    return begin_unwrap(r);
  }
}

static bool once(struct raw *r) {
  size_t size = sizeof r->out;
  int n;
  if (r->verify)
    return EVP_PKEY_verify(r->verify, r->out, r->out_size, r->data, 32) == 1;
  if (r->sign)
    return EVP_PKEY_sign(r->sign, r->out, &size, r->data, 32) == 1;
  return EVP_DecryptInit_ex2(r->unwrap, r->cipher, r->key, NULL, NULL) == 1 &&
         EVP_DecryptUpdate(r->unwrap, r->out, &n, r->data, 40) == 1 && n == 32;
}

/* Runs for that much processor time; microseconds an operation, negative when one failed. */
static double run(struct raw *r, uint64_t ns) {
  uint64_t from = cpu_ns(), used = 0, count = 0;
  for (; used < ns; used = cpu_ns() - from)
    for (int i = 0; i < ROUND; i++, count++)
      if (!once(r))
        return -1;
  return (double)used / 1000 / (double)count;
}

int raw_main(const char *op) {
  struct raw r = { 0 };
  if (!begin(&r, (enum raw_op)atoi(op)) || run(&r, WARM_NS) < 0)
    return 1;
  dprintf(CHILD_OUT, "%.3f\n", run(&r, MEASURE_NS));
  return 0;
}

err_t raw_measure(enum raw_op op, double *us) {
  char number[16];
  struct child c;
  AUTO_BUF line = BUF_EMPTY;
  snprintf(number, sizeof number, "%d", (int)op);
  TRY(child_start((const char *const[]){ "/proc/self/exe", "--raw", number, NULL }, NULL, &c));
  err_t e = child_line(&c, 30000, &line);
  err_t ended = child_stop(&c, 0);
  TRY(e);
  TRY(ended);
  *us = buf_cstr(&line) ? atof((const char *)line.data) : -1;
  if (*us <= 0)
    FAIL(ERR_CRYPTO, "the raw operation failed");
  return OK;
}
