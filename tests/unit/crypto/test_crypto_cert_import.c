/* Imports and exports: PEM and PKCS#12, ours and others'. */
#include "cert_check.h"

#include "crypto/pem.h"
#include "crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>

static struct key *root_key, *rsa, *ec;
static struct buf root = BUF_EMPTY;
static struct cert_chain rsa_chain, ec_chain;

static void make_chain(struct key *k, struct cert_chain *chain) {
  struct cert_profile p = named("CN=leaf");
  struct buf der = BUF_EMPTY;
  assert_ok(cert_issue(root_key, buf_bytes(&root), k, &p, &der));
  const struct bytes both[] = { buf_bytes(&der), buf_bytes(&root) };
  assert_ok(cert_merge_chain(both, 2, k, chain));
  buf_free(&der);
}

static int start(void **state) {
  struct cert_profile r = authority("CN=Root");
  root_key = new_key(KEY_EC, 0, CURVE_P256);
  rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
  ec = new_key(KEY_EC, 0, CURVE_P384);
  assert_ok(cert_self_sign(root_key, &r, &root));
  make_chain(rsa, &rsa_chain);
  make_chain(ec, &ec_chain);
  return 0;
}

static int stop(void **state) {
  key_free(root_key);
  key_free(rsa);
  key_free(ec);
  buf_free(&root);
  cert_chain_free(&rsa_chain);
  cert_chain_free(&ec_chain);
  return 0;
}

/* What came in is the key and the chain given, and is released. */
static void assert_same(struct key *k, struct cert_chain *chain, const struct key *expected,
                        const struct cert_chain *expected_chain) {
  assert_true(key_is_private(k));
  assert_true(same_key(k, expected));
  assert_int_equal(chain->count, expected_chain->count);
  for (size_t i = 0; i < chain->count; i++)
    assert_bytes(buf_bytes(&chain->ders[i]), buf_bytes(&expected_chain->ders[i]));
  key_free(k);
  cert_chain_free(chain);
}

static void exports_come_back(void **state) {
  const struct key *keys[] = { rsa, ec };
  const struct cert_chain *chains[] = { &rsa_chain, &ec_chain };
  for (unsigned i = 0; i < 2; i++) {
    struct secret out = { 0 };
    struct key *k = NULL;
    struct cert_chain chain = { 0 };
    assert_ok(cert_export_pem(keys[i], chains[i], &out));
    assert_true(bytes_starts(secret_bytes(&out), "-----BEGIN PRIVATE KEY-----\n"));
    assert_memory_equal(out.data + out.size - 26, "-----END CERTIFICATE-----\n", 26);
    assert_ok(cert_import_pem(secret_bytes(&out), &k, &chain));
    assert_same(k, &chain, keys[i], chains[i]);
    secret_free(&out);
    assert_ok(cert_export_pkcs12(keys[i], chains[i], &out));
    assert_ok(cert_import_pkcs12(secret_bytes(&out), str(""), &k, &chain));
    assert_same(k, &chain, keys[i], chains[i]);
    secret_free(&out);
  }
}

static void exports_that_do_not_fit_are_refused(void **state) {
  struct secret out = { 0 };
  struct cert_chain none = { 0 };
  assert_err(cert_export_pem(rsa, &ec_chain, &out), ERR_BAD_PARAMETER);
  assert_err(cert_export_pkcs12(rsa, &ec_chain, &out), ERR_BAD_PARAMETER);
  assert_err(cert_export_pem(rsa, &none, &out), ERR_INTERNAL);
  assert_err(cert_export_pkcs12(rsa, &none, &out), ERR_INTERNAL);
  assert_null(out.data);
}

static void the_openssl_command_reads_pkcs12(void **state) {
  struct secret out = { 0 };
  char text[16384];
  if (!have_openssl())
    skip();
  assert_ok(cert_export_pkcs12(rsa, &rsa_chain, &out));
  assert_int_equal(
    pipe_to(secret_bytes(&out), "openssl pkcs12 -info -nodes -passin pass:", text, sizeof text), 0);
  assert_non_null(strstr(text, "MAC: sha256, Iteration 2048"));
  assert_non_null(strstr(text, "PBES2, PBKDF2, AES-256-CBC, Iteration 2048, PRF hmacWithSHA256"));
  assert_non_null(strstr(text, "-----BEGIN PRIVATE KEY-----"));
  struct key *k = NULL;
  struct cert_chain chain = { 0 };
  assert_ok(cert_import_pem(str(text), &k, &chain)); /* with its attributes in between */
  assert_same(k, &chain, rsa, &rsa_chain);
  secret_free(&out);
}

static void put_pem(const char *label, struct bytes der, struct buf *text) {
  struct secret pem = { 0 };
  assert_ok(pem_write(label, der, &pem));
  buf_put_bytes(text, secret_bytes(&pem));
  secret_free(&pem);
}

static void put_traditional(const struct key *k, struct buf *text) {
  unsigned char *der = NULL;
  int n = i2d_PrivateKey(key_evp(k), &der);
  assert_true(n > 0);
  put_pem(key_spec(k)->type == KEY_RSA ? "RSA PRIVATE KEY" : "EC PRIVATE KEY",
          bytes_of(der, (size_t)n), text);
  OPENSSL_free(der);
}

static void put_pkcs8(const struct key *k, struct buf *text) {
  struct secret der = { 0 };
  assert_ok(key_export(k, &der));
  put_pem("PRIVATE KEY", secret_bytes(&der), text);
  secret_free(&der);
}

static void put_certificate(const struct cert_chain *c, size_t i, struct buf *text) {
  put_pem("CERTIFICATE", buf_bytes(&c->ders[i]), text);
}

static void pem_in_any_order(void **state) {
  const struct key *keys[] = { rsa, ec };
  const struct cert_chain *chains[] = { &rsa_chain, &ec_chain };
  for (unsigned i = 0; i < 2; i++) {
    struct buf text = BUF_EMPTY;
    struct key *k = NULL;
    struct cert_chain chain = { 0 };
    buf_put_str(&text, "Bag Attributes\n    localKeyID: 01\n");
    put_certificate(chains[i], 1, &text);
    put_pem("EC PARAMETERS", hex("06082a8648ce3d030107"), &text);
    put_traditional(keys[i], &text);
    put_certificate(chains[i], 0, &text);
    assert_ok(cert_import_pem(buf_bytes(&text), &k, &chain));
    assert_same(k, &chain, keys[i], chains[i]);
    buf_free(&text);
  }
}

static void assert_pem_refused(struct buf *text, const char *says) {
  struct key *k = NULL;
  struct cert_chain chain = { 0 };
  err_t e = cert_import_pem(buf_bytes(text), &k, &chain);
  if (!strstr(err_text(e), says))
    fail_msg("'%s' says nothing of '%s'", err_text(e), says);
  assert_err(e, ERR_BAD_PARAMETER);
  assert_null(k);
  assert_int_equal(chain.count, 0);
  buf_free(text);
}

static void pem_with_missing_parts_is_refused(void **state) {
  struct buf text = BUF_EMPTY;
  assert_pem_refused(&text, "no private key");
  buf_put_str(&text, "no PEM at all");
  assert_pem_refused(&text, "no private key");
  put_certificate(&rsa_chain, 0, &text);
  assert_pem_refused(&text, "no private key");
  put_pkcs8(rsa, &text);
  assert_pem_refused(&text, "no X.509 certificate");
  put_pkcs8(rsa, &text);
  put_certificate(&ec_chain, 0, &text);
  assert_pem_refused(&text, "does not match the public part of the specified private key");
  put_pkcs8(rsa, &text);
  put_pkcs8(ec, &text);
  put_certificate(&ec_chain, 0, &text);
  assert_pem_refused(&text, "more than one private key");
  for (unsigned i = 0; i <= BUNDLE_MAX; i++)
    put_certificate(&ec_chain, 0, &text);
  assert_pem_refused(&text, "more than 8 certificates");
}

static void malformed_pem_is_refused(void **state) {
  struct buf text = BUF_EMPTY;
  put_pkcs8(ec, &text);
  text.size -= 30;
  put_certificate(&ec_chain, 0, &text);
  assert_pem_refused(&text, "malformed");
  put_pkcs8(ec, &text);
  buf_put_str(&text, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
  assert_pem_refused(&text, "malformed");
  put_pkcs8(ec, &text);
  buf_put_str(&text, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  assert_pem_refused(&text, "The certificate is malformed");
  put_pem("PRIVATE KEY", hex("3003020100"), &text);
  assert_pem_refused(&text, "private key is malformed");
  put_pem("ENCRYPTED PRIVATE KEY", hex("3003020100"), &text);
  assert_pem_refused(&text, "encrypted");
  buf_put_str(&text, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                     "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
                     "-----END RSA PRIVATE KEY-----\n");
  assert_pem_refused(&text, "encrypted");
  while (text.size <= CERT_PEM_MAX)
    put_certificate(&rsa_chain, 0, &text);
  assert_pem_refused(&text, "larger than");
}

static void weak_and_strange_private_keys_are_refused(void **state) {
  static const char *const says[] = { "Unsupported key size (1024)", "curve is not supported",
                                      "neither an RSA nor an EC key" };
  EVP_PKEY *pkeys[] = { EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
                        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp224r1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
  for (unsigned i = 0; i < 3; i++) {
    struct buf text = BUF_EMPTY;
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkeys[i], NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &data);
    buf_put(&text, data, (size_t)n);
    put_certificate(&rsa_chain, 0, &text);
    assert_pem_refused(&text, says[i]);
    BIO_free(bio);
    EVP_PKEY_free(pkeys[i]);
  }
}

struct pfx {
  const char *password;
  int key_nid, cert_nid, iterations, mac_iterations;
  const EVP_MD *md; /* NULL: no MAC */
};

/* A PKCS#12 of the RSA key, made by OpenSSL. */
static void make_pfx(const struct pfx *p, struct buf *out) {
  X509 *leaf = parsed(buf_bytes(&rsa_chain.ders[0])), *ca = parsed(buf_bytes(&root));
  STACK_OF(X509) *rest = sk_X509_new_null();
  sk_X509_push(rest, ca);
  PKCS12 *p12 = PKCS12_create(p->password, "name", key_evp(rsa), leaf, rest, p->key_nid,
                              p->cert_nid, p->iterations, -1, 0);
  assert_non_null(p12);
  if (p->md)
    assert_int_equal(PKCS12_set_mac(p12, p->password, -1, NULL, 0, p->mac_iterations, p->md), 1);
  int n = i2d_PKCS12(p12, NULL);
  assert_true(n > 0 && buf_reserve(out, (size_t)n));
  uint8_t *at = out->data;
  i2d_PKCS12(p12, &at);
  out->size = (size_t)n;
  sk_X509_pop_free(rest, X509_free);
  X509_free(leaf);
  PKCS12_free(p12);
}

static void pkcs12_of_others_is_read(void **state) {
  const int aes = NID_aes_256_cbc, des3 = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
  const struct pfx rows[] = {
    { "secret", aes, aes, 2048, 2048, EVP_sha256() },
    { "secret", NID_aes_128_cbc, NID_aes_192_cbc, 1, 1, EVP_sha512() },
    { "secret", des3, des3, 2048, 1, EVP_sha1() },
    { "secret", des3, -1, 2048, 2048, EVP_sha1() },
    { "secret", -1, -1, 2048, 2048, EVP_sha384() },
    { "", des3, des3, 2048, 2048, EVP_sha1() },
    { "", aes, aes, 2048, 2048, EVP_sha256() },
    { NULL, des3, des3, 2048, 2048, EVP_sha1() },
    { NULL, aes, aes, 2048, 2048, EVP_sha256() },
    { "caf\xc3\xa9 \xe2\x82\xac", aes, aes, 2048, 2048, EVP_sha256() },
    { "secret", aes, aes, 100000, 100000, EVP_sha256() },
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct buf pfx = BUF_EMPTY;
    struct key *k = NULL;
    struct cert_chain chain = { 0 };
    make_pfx(&rows[i], &pfx);
    assert_ok(cert_import_pkcs12(buf_bytes(&pfx), str(rows[i].password ? rows[i].password : ""), &k,
                                 &chain));
    assert_same(k, &chain, rsa, &rsa_chain);
    buf_free(&pfx);
  }
}

static void assert_pfx_refused(struct bytes pfx, struct bytes password, const char *says) {
  struct key *k = NULL;
  struct cert_chain chain = { 0 };
  err_t e = cert_import_pkcs12(pfx, password, &k, &chain);
  if (!strstr(err_text(e), says))
    fail_msg("'%s' says nothing of '%s'", err_text(e), says);
  assert_err(e, ERR_BAD_PARAMETER);
  assert_null(k);
  assert_int_equal(chain.count, 0);
}

static void passwords_that_are_wrong_are_named(void **state) {
  const struct pfx p = { "secret", NID_aes_256_cbc, NID_aes_256_cbc, 1, 1, EVP_sha256() };
  static const char *const wrong[] = { "", "Secret", "secret ", "secre", "\xff", "caf\xe9" };
  char *large = calloc(1, CERT_PASSWORD_MAX + 1);
  struct buf pfx = BUF_EMPTY;
  make_pfx(&p, &pfx);
  for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_pfx_refused(buf_bytes(&pfx), str(wrong[i]), "password");
  assert_pfx_refused(buf_bytes(&pfx), bytes_of("secret\0", 7), "password");
  assert_pfx_refused(buf_bytes(&pfx), bytes_of(large, CERT_PASSWORD_MAX + 1), "longer than");
  buf_free(&pfx);
  free(large);
}

static void costly_and_missing_protection_is_refused(void **state) {
  const int aes = NID_aes_256_cbc;
  const struct {
    struct pfx pfx;
    const char *says;
  } rows[] = {
    { { "a", aes, aes, 1, 1, NULL }, "no integrity code" },
    { { "a", aes, aes, 1, 1, EVP_md5() }, "md5" },
    { { "a", aes, aes, 1, 1000001, EVP_sha256() }, "iterations" },
    { { "a", aes, aes, 1000001, 1, EVP_sha256() }, "iterations" },
    { { "a", NID_aria_256_cbc, aes, 1, 1, EVP_sha256() }, "aria-256-cbc" },
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct buf pfx = BUF_EMPTY;
    make_pfx(&rows[i].pfx, &pfx);
    assert_pfx_refused(buf_bytes(&pfx), str("a"), rows[i].says);
    buf_free(&pfx);
  }
}

/* pbeWithSHA1And40BitRC2-CBC, what OpenSSL 1 protected certificates with: only the algorithm is
 * changed here, it is refused before anything is decrypted. */
static void rc2_is_refused_by_name(void **state) {
  const struct pfx p = { "", -1, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 1, 1, EVP_sha1() };
  struct buf pfx = BUF_EMPTY, changed = BUF_EMPTY;
  make_pfx(&p, &pfx);
  struct bytes des3 = hex("2a864886f70d010c0103");
  uint8_t *at = memmem(pfx.data, pfx.size, des3.data, des3.size);
  assert_non_null(at);
  at[des3.size - 1] = 6;
  const uint8_t *from = pfx.data;
  PKCS12 *p12 = d2i_PKCS12(NULL, &from, (long)pfx.size);
  assert_non_null(p12);
  assert_int_equal(PKCS12_set_mac(p12, "", 0, NULL, 0, 1, EVP_sha1()), 1);
  int n = i2d_PKCS12(p12, NULL);
  assert_true(buf_reserve(&changed, (size_t)n));
  uint8_t *to = changed.data;
  changed.size = (size_t)i2d_PKCS12(p12, &to);
  assert_pfx_refused(buf_bytes(&changed), str(""), "RC2");
  PKCS12_free(p12);
  buf_free(&pfx);
  buf_free(&changed);
}

static void malformed_pkcs12_is_refused(void **state) {
  static const char *const rows[] = { "",         "00",           "3000", "3080",
                                      "30800000", "3084ffffffff", "30",   "3003020103" };
  const struct pfx p = { "", NID_aes_256_cbc, NID_aes_256_cbc, 1, 1, EVP_sha256() };
  struct buf pfx = BUF_EMPTY;
  uint8_t *large = calloc(1, CERT_PKCS12_MAX + 1);
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_pfx_refused(hex(rows[i]), str(""), "");
  make_pfx(&p, &pfx);
  for (size_t n = 0; n < pfx.size; n++)
    assert_pfx_refused(bytes_of(pfx.data, n), str(""), "valid PKCS#12 format");
  buf_put_char(&pfx, 0);
  assert_pfx_refused(buf_bytes(&pfx), str(""), "valid PKCS#12 format");
  assert_pfx_refused(bytes_of(large, CERT_PKCS12_MAX + 1), str(""), "larger than");
  assert_pfx_refused(buf_bytes(&root), str(""), "valid PKCS#12 format");
  buf_free(&pfx);
  free(large);
}

static void damaged_pkcs12_never_comes_in(void **state) {
  const struct pfx p = { "", NID_aes_256_cbc, NID_aes_256_cbc, 1, 1, EVP_sha256() };
  struct buf pfx = BUF_EMPTY;
  make_pfx(&p, &pfx);
  /* The parameters of the MAC's hash, which OpenSSL does not look at: they stand before the MAC and
   * its salt. */
  size_t ignored = pfx.size - (2 + 34 + 10);
  assert_memory_equal(pfx.data + ignored, "\x05\x00\x04\x20", 4);
  for (size_t i = 40; i < pfx.size; i += 7) {
    if (i == ignored || i == ignored + 1)
      continue;
    struct key *k = NULL;
    struct cert_chain chain = { 0 };
    pfx.data[i] ^= 1;
    err_t e = cert_import_pkcs12(buf_bytes(&pfx), str(""), &k, &chain);
    pfx.data[i] ^= 1;
    assert_err(e, ERR_BAD_PARAMETER);
  }
  buf_free(&pfx);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(exports_come_back),
    cmocka_unit_test(exports_that_do_not_fit_are_refused),
    cmocka_unit_test(the_openssl_command_reads_pkcs12),
    cmocka_unit_test(pem_in_any_order),
    cmocka_unit_test(pem_with_missing_parts_is_refused),
    cmocka_unit_test(malformed_pem_is_refused),
    cmocka_unit_test(weak_and_strange_private_keys_are_refused),
    cmocka_unit_test(pkcs12_of_others_is_read),
    cmocka_unit_test(passwords_that_are_wrong_are_named),
    cmocka_unit_test(costly_and_missing_protection_is_refused),
    cmocka_unit_test(rc2_is_refused_by_name),
    cmocka_unit_test(malformed_pkcs12_is_refused),
    cmocka_unit_test(damaged_pkcs12_never_comes_in),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
