/* What the tests of certificates share. */
#ifndef TEST_CRYPTO_CERT_CHECK_H
#define TEST_CRYPTO_CERT_CHECK_H

#include "check.h"

#include "crypto/cert_evp.h"

#include <stdio.h>
#include <unistd.h>

#define NOW 1800000000 /* 2027 */
#define DAY 86400

static inline X509 *parsed(struct bytes der) {
  const uint8_t *p = der.data;
  X509 *x = d2i_X509(NULL, &p, (long)der.size);
  assert_non_null(x);
  assert_ptr_equal(p, der.data + der.size);
  return x;
}

/* Whether OpenSSL takes the certificate now, strictly, with our root. */
static inline bool trusted_by(struct bytes der, struct bytes root) {
  X509 *x = parsed(der), *anchor = parsed(root);
  X509_STORE *store = X509_STORE_new();
  X509_STORE_CTX *ctx = X509_STORE_CTX_new();
  assert_int_equal(X509_STORE_add_cert(store, anchor), 1);
  assert_int_equal(X509_STORE_CTX_init(ctx, store, x, NULL), 1);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(ctx),
                              X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_STORE_CTX_set_time(ctx, 0, NOW);
  bool ok = X509_verify_cert(ctx) == 1;
  X509_STORE_CTX_free(ctx);
  X509_STORE_free(store);
  X509_free(x);
  X509_free(anchor);
  ERR_clear_error();
  return ok;
}

static inline bool same_key(const struct key *a, const struct key *b) {
  char one[44], other[44];
  assert_ok(key_thumbprint(a, one));
  assert_ok(key_thumbprint(b, other));
  return strcmp(one, other) == 0;
}

static inline struct cert_profile named(const char *subject) {
  return (struct cert_profile){ .subject = subject,
                                .not_before = NOW - DAY,
                                .not_after = NOW + 365L * DAY };
}

static inline struct cert_profile authority(const char *subject) {
  struct cert_profile p = named(subject);
  p.ca = true;
  p.usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN;
  return p;
}

static inline bool have_openssl(void) {
  return system("openssl version >/dev/null 2>&1") == 0;
}

/* Gives the bytes to a shell command on standard input; its status, and what it wrote. */
static inline int pipe_to(struct bytes in, const char *command, char *out, size_t room) {
  char path[] = "/tmp/cert-check-XXXXXX", line[512];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, in.data, in.size), in.size);
  close(fd);
  snprintf(line, sizeof line, "%s <%s 2>&1", command, path);
  FILE *f = popen(line, "r");
  assert_non_null(f);
  size_t n = fread(out, 1, room - 1, f);
  out[n] = '\0';
  int status = pclose(f);
  unlink(path);
  return status;
}

#endif
