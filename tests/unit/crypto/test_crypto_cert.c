/* Certificates and requests: what is made is what OpenSSL takes, and is read back as it was said.
 */
#include "cert_check.h"

static const char *dns[] = { "example.com", "*.example.com" };
static const char *emails[] = { "me@example.com" };
static const char *upns[] = { "caf\xc3\xa9@example.com" };
static const char *uris[] = { "https://example.com/a" };
static const char *ips[] = { "192.0.2.1", "2001:db8::1" };
static const char *ekus[] = { "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.2.3.4" };
static const struct cert_profile full = {
  .subject = "CN=example.com, O=\"Contoso, Ltd.\", C=US",
  .sans = { [SAN_DNS] = { dns, 2 },
            [SAN_EMAIL] = { emails, 1 },
            [SAN_UPN] = { upns, 1 },
            [SAN_URI] = { uris, 1 },
            [SAN_IP] = { ips, 2 } },
  .ekus = { ekus, 3 },
  .usage = USAGE_DIGITAL_SIGNATURE | USAGE_KEY_ENCIPHERMENT | USAGE_DECIPHER_ONLY,
  .not_before = NOW - 600,
  .not_after = NOW + 365L * DAY,
};

static struct key *keys[5]; /* RSA and one of each curve */
static const int signatures[5] = { NID_sha256WithRSAEncryption, NID_ecdsa_with_SHA256,
                                   NID_ecdsa_with_SHA384, NID_ecdsa_with_SHA512,
                                   NID_ecdsa_with_SHA256 };
static struct buf ca = BUF_EMPTY;

static int start(void **state) {
  struct cert_profile root = authority("CN=Root");
  keys[0] = new_key(KEY_RSA, 2048, CURVE_NONE);
  for (unsigned c = CURVE_P256; c <= CURVE_P256K; c++)
    keys[c] = new_key(KEY_EC, 0, (enum key_curve)c);
  assert_ok(cert_self_sign(keys[1], &root, &ca));
  return 0;
}

static int stop(void **state) {
  for (unsigned i = 0; i < 5; i++)
    key_free(keys[i]);
  buf_free(&ca);
  return 0;
}

static void assert_texts(const struct cert_texts *got, const struct cert_texts *expected) {
  assert_int_equal(got->count, expected->count);
  for (size_t i = 0; i < got->count; i++)
    assert_string_equal(got->items[i], expected->items[i]);
}

static void assert_says(const struct cert_info *info, const struct cert_profile *p) {
  assert_string_equal(info->is.subject, p->subject);
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    assert_texts(&info->is.sans[kind], &p->sans[kind]);
  assert_texts(&info->is.ekus, &p->ekus);
  assert_int_equal(info->is.usage, p->usage);
  assert_int_equal(info->is.ca, p->ca);
}

static void self_signed_certificates_say_what_was_asked(void **state) {
  for (unsigned i = 0; i < 5; i++) {
    struct buf der = BUF_EMPTY;
    struct cert_info info = { 0 };
    uint8_t digest[SHA256_SIZE];
    assert_ok(cert_self_sign(keys[i], &full, &der));
    assert_ok(cert_read(buf_bytes(&der), &info));
    assert_says(&info, &full);
    assert_string_equal(info.issuer, full.subject);
    assert_int_equal(info.is.not_before, full.not_before);
    assert_int_equal(info.is.not_after, full.not_after);
    assert_true(same_key(info.public_key, keys[i]));
    assert_false(key_is_private(info.public_key));
    assert_int_equal(key_spec(info.public_key)->bits, key_spec(keys[i])->bits);
    assert_int_equal(key_spec(info.public_key)->curve, key_spec(keys[i])->curve);
    assert_int_equal(info.serial_size, 16);
    assert_true(info.serial[0] >= 0x40 && info.serial[0] < 0x80);
    assert_ok(crypto_sha1(buf_bytes(&der), digest));
    assert_memory_equal(digest, info.sha1, SHA1_SIZE);
    assert_ok(crypto_sha256(buf_bytes(&der), digest));
    assert_memory_equal(digest, info.sha256, SHA256_SIZE);
    X509 *x = parsed(buf_bytes(&der));
    assert_int_equal(X509_get_signature_nid(x), signatures[i]);
    assert_int_equal(X509_get_version(x), X509_VERSION_3);
    assert_int_equal(ASN1_STRING_cmp(X509_get0_subject_key_id(x), X509_get0_authority_key_id(x)),
                     0);
    X509_free(x);
    assert_true(trusted_by(buf_bytes(&der), buf_bytes(&der)));
    cert_info_free(&info);
    buf_free(&der);
  }
}

static void what_was_read_can_be_signed_again(void **state) {
  struct buf der = BUF_EMPTY, renewed = BUF_EMPTY;
  struct cert_info info = { 0 }, second = { 0 };
  assert_ok(cert_self_sign(keys[2], &full, &der));
  assert_ok(cert_read(buf_bytes(&der), &info));
  assert_ok(cert_self_sign(keys[2], &info.is, &renewed));
  assert_ok(cert_read(buf_bytes(&renewed), &second));
  assert_says(&second, &full);
  assert_memory_not_equal(info.serial, second.serial, 16);
  cert_info_free(&info);
  cert_info_free(&second);
  buf_free(&der);
  buf_free(&renewed);
}

static void the_least_profile_works(void **state) {
  struct cert_profile p = named("CN=a");
  struct buf der = BUF_EMPTY;
  struct cert_info info = { 0 };
  assert_ok(cert_self_sign(keys[1], &p, &der));
  assert_ok(cert_read(buf_bytes(&der), &info));
  assert_says(&info, &p);
  cert_info_free(&info);
  buf_clear(&der);
  p.subject = NULL;
  p.sans[SAN_DNS] = (struct cert_texts){ dns, 1 };
  assert_ok(cert_self_sign(keys[1], &p, &der));
  assert_ok(cert_read(buf_bytes(&der), &info));
  assert_string_equal(info.is.subject, "");
  cert_info_free(&info);
  X509 *x = parsed(buf_bytes(&der));
  int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
  assert_true(X509_EXTENSION_get_critical(X509_get_ext(x, at)));
  X509_free(x);
  buf_free(&der);
}

static void requests_say_what_was_asked(void **state) {
  for (unsigned i = 0; i < 5; i++) {
    struct buf der = BUF_EMPTY;
    struct cert_info info = { 0 };
    assert_ok(cert_request(keys[i], &full, &der));
    assert_ok(cert_request_read(buf_bytes(&der), &info));
    assert_says(&info, &full);
    assert_true(same_key(info.public_key, keys[i]));
    assert_int_equal(info.serial_size, 0);
    assert_null(info.issuer);
    cert_info_free(&info);
    buf_free(&der);
  }
}

static void requests_are_issued(void **state) {
  struct buf csr = BUF_EMPTY, der = BUF_EMPTY;
  struct cert_info request = { 0 }, info = { 0 }, issuer = { 0 };
  assert_ok(cert_request(keys[0], &full, &csr));
  assert_ok(cert_request_read(buf_bytes(&csr), &request));
  request.is.not_before = NOW - 600;
  request.is.not_after = NOW + DAY;
  assert_ok(cert_issue(keys[1], buf_bytes(&ca), request.public_key, &request.is, &der));
  assert_ok(cert_read(buf_bytes(&der), &info));
  assert_says(&info, &full);
  assert_ok(cert_read(buf_bytes(&ca), &issuer));
  assert_string_equal(info.issuer, issuer.is.subject);
  assert_true(trusted_by(buf_bytes(&der), buf_bytes(&ca)));
  assert_false(trusted_by(buf_bytes(&der), buf_bytes(&der)));
  assert_ok(cert_matches_key(buf_bytes(&der), keys[0]));
  cert_info_free(&request);
  cert_info_free(&info);
  cert_info_free(&issuer);
  buf_free(&csr);
  buf_free(&der);
}

static void only_an_authority_issues(void **state) {
  struct buf leaf = BUF_EMPTY, der = BUF_EMPTY;
  struct cert_profile odd = authority("CN=may not sign");
  assert_ok(cert_self_sign(keys[1], &full, &leaf));
  assert_err(cert_issue(keys[1], buf_bytes(&leaf), keys[0], &full, &der), ERR_BAD_PARAMETER);
  buf_clear(&leaf);
  odd.usage = USAGE_CRL_SIGN;
  assert_ok(cert_self_sign(keys[1], &odd, &leaf));
  assert_err(cert_issue(keys[1], buf_bytes(&leaf), keys[0], &full, &der), ERR_BAD_PARAMETER);
  assert_err(cert_issue(keys[2], buf_bytes(&ca), keys[0], &full, &der), ERR_BAD_PARAMETER);
  assert_int_equal(der.size, 0);
  buf_free(&leaf);
}

static void keys_that_cannot_sign_are_refused(void **state) {
  struct key *oct = new_key(KEY_OCT, 256, CURVE_NONE);
  struct cert_info info = { 0 };
  struct buf der = BUF_EMPTY;
  assert_ok(cert_read(buf_bytes(&ca), &info));
  assert_err(cert_self_sign(oct, &full, &der), ERR_BAD_PARAMETER);
  assert_err(cert_request(oct, &full, &der), ERR_BAD_PARAMETER);
  assert_err(cert_self_sign(info.public_key, &full, &der), ERR_INTERNAL);
  assert_err(cert_matches_key(buf_bytes(&ca), oct), ERR_BAD_PARAMETER);
  assert_ok(cert_matches_key(buf_bytes(&ca), info.public_key));
  assert_int_equal(der.size, 0);
  cert_info_free(&info);
  key_free(oct);
}

static void mismatches_have_the_apis_text(void **state) {
  err_t e = cert_matches_key(buf_bytes(&ca), keys[0]);
  assert_string_equal(
    err_text(e),
    "The public key of the end-entity certificate in the specified X.509 certificate "
    "content does not match the public part of the specified private key. Please check "
    "if certificate is valid.");
  assert_err(e, ERR_BAD_PARAMETER);
}

/* Each length of each prefix, then one byte too many, then damage at each place. */
static void damaged_ones_are_refused(void **state) {
  struct buf csr = BUF_EMPTY;
  assert_ok(cert_request(keys[1], &full, &csr));
  const struct buf *ders[] = { &ca, &csr };
  err_t (*const readers[])(struct bytes, struct cert_info *) = { cert_read, cert_request_read };
  for (unsigned i = 0; i < 2; i++) {
    uint8_t copy[4096] = { 0 };
    struct cert_info info = { 0 };
    size_t n = ders[i]->size;
    assert_true(n < sizeof copy);
    memcpy(copy, ders[i]->data, n);
    for (size_t cut = 0; cut < n; cut++)
      assert_err(readers[i](bytes_of(copy, cut), &info), ERR_BAD_PARAMETER);
    assert_err(readers[i](bytes_of(copy, n + 1), &info), ERR_BAD_PARAMETER);
    assert_err(readers[1 - i](bytes_of(copy, n), &info), ERR_BAD_PARAMETER);
    for (size_t at = 0; at < n; at++) {
      copy[at] ^= 0x40;
      err_t e = readers[i](bytes_of(copy, n), &info);
      copy[at] ^= 0x40;
      assert_int_equal(ERR_peek_error(), 0);
      assert_true(e == ERR_BAD_PARAMETER || (i == 0 && e == OK)); /* a request is signed */
      cert_info_free(&info);
    }
  }
  buf_free(&csr);
}

static void lengths_that_lie_are_refused(void **state) {
  static const char *const rows[] = {
    "",           "00",           "3000",         "30",         "3080",
    "30800000",   "3084ffffffff", "30847fffffff", "3003020101", "3088ffffffffffffffff",
    "30820100ff", "0500",         "3030303030",
  };
  struct cert_info info = { 0 };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_err(cert_read(hex(rows[i]), &info), ERR_BAD_PARAMETER);
    assert_err(cert_request_read(hex(rows[i]), &info), ERR_BAD_PARAMETER);
  }
  uint8_t *large = calloc(1, CERT_DER_MAX + 1);
  assert_err(cert_read(bytes_of(large, CERT_DER_MAX + 1), &info), ERR_BAD_PARAMETER);
  assert_err(cert_request_read(bytes_of(large, CERT_DER_MAX + 1), &info), ERR_BAD_PARAMETER);
  free(large);
}

/* A certificate that OpenSSL signs with anything. */
static void foreign(EVP_PKEY *pkey, const EVP_MD *md, int nid, void *extension, struct buf *der) {
  X509 *x = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
  X509_gmtime_adj(X509_getm_notBefore(x), 0);
  X509_gmtime_adj(X509_getm_notAfter(x), DAY);
  assert_int_equal(X509_set_pubkey(x, pkey), 1);
  if (extension)
    assert_int_equal(X509_add1_ext_i2d(x, nid, extension, 0, 0), 1);
  assert_true(X509_sign(x, pkey, md) > 0);
  buf_clear(der);
  assert_ok(cert_put(x, der));
  X509_free(x);
}

static void weak_and_strange_keys_are_refused(void **state) {
  EVP_PKEY *pkeys[] = { EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024),
                        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp224r1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "EC", "brainpoolP256r1"),
                        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
  struct cert_info info = { 0 };
  struct buf der = BUF_EMPTY;
  for (unsigned i = 0; i < 4; i++) {
    foreign(pkeys[i], i < 3 ? EVP_sha256() : NULL, 0, NULL, &der);
    err_t e = cert_read(buf_bytes(&der), &info);
    if (i == 0)
      assert_string_equal(err_text(e),
                          "Unsupported key size (1024). Supported sizes are [2048, 3072, 4096]");
    assert_err(e, ERR_BAD_PARAMETER);
    EVP_PKEY_free(pkeys[i]);
  }
  buf_free(&der);
}

static void foreign_names_with_controls_are_refused(void **state) {
  static const struct {
    int type;
    const char *value;
    int size;
    bool refused;
  } rows[] = {
    { GEN_DNS, "example.com\0.evil", 17, true },
    { GEN_DNS, "example.com\n", 12, true },
    { GEN_EMAIL, "a@b\0", 4, true },
    { GEN_URI, "a:\x1b[2J", 6, true },
    { GEN_DNS, "caf\xe9", 4, true },
    { GEN_IPADD, "12345", 5, true },
    { GEN_IPADD, "", 0, true },
    { GEN_RID, "", 0, false },
    { GEN_DNS, "under_score.example.", 20, false }, /* others may be less strict than we are */
  };
  struct cert_info info = { 0 };
  struct buf der = BUF_EMPTY;
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_IA5STRING_new();
    ASN1_STRING_set(value, rows[i].value, rows[i].size);
    if (rows[i].type == GEN_RID) {
      ASN1_STRING_free(value);
      GENERAL_NAME_set0_value(name, GEN_RID, OBJ_nid2obj(NID_commonName));
    } else {
      GENERAL_NAME_set0_value(name, rows[i].type, value);
    }
    sk_GENERAL_NAME_push(names, name);
    foreign(key_evp(keys[1]), EVP_sha256(), NID_subject_alt_name, names, &der);
    GENERAL_NAMES_free(names);
    if (rows[i].refused)
      assert_err(cert_read(buf_bytes(&der), &info), ERR_BAD_PARAMETER);
    else
      assert_ok(cert_read(buf_bytes(&der), &info));
    cert_info_free(&info);
  }
  buf_free(&der);
}

static void the_openssl_command_agrees(void **state) {
  struct buf der = BUF_EMPTY;
  char out[8192];
  if (!have_openssl())
    skip();
  assert_ok(cert_request(keys[0], &full, &der));
  assert_int_equal(
    pipe_to(buf_bytes(&der), "openssl req -inform DER -verify -noout -text", out, sizeof out), 0);
  assert_non_null(strstr(out, "DNS:example.com, DNS:*.example.com, email:me@example.com"));
  assert_non_null(strstr(out, "Digital Signature, Key Encipherment, Decipher Only"));
  buf_clear(&der);
  assert_ok(cert_self_sign(keys[3], &full, &der));
  assert_int_equal(
    pipe_to(buf_bytes(&der), "openssl x509 -inform DER -noout -text", out, sizeof out), 0);
  assert_non_null(strstr(out, "ecdsa-with-SHA512"));
  assert_non_null(strstr(out, "Subject: C = US, O = \"Contoso, Ltd.\", CN = example.com"));
  assert_non_null(strstr(out, "URI:https://example.com/a, IP Address:192.0.2.1"));
  buf_free(&der);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(self_signed_certificates_say_what_was_asked),
    cmocka_unit_test(what_was_read_can_be_signed_again),
    cmocka_unit_test(the_least_profile_works),
    cmocka_unit_test(requests_say_what_was_asked),
    cmocka_unit_test(requests_are_issued),
    cmocka_unit_test(only_an_authority_issues),
    cmocka_unit_test(keys_that_cannot_sign_are_refused),
    cmocka_unit_test(mismatches_have_the_apis_text),
    cmocka_unit_test(damaged_ones_are_refused),
    cmocka_unit_test(lengths_that_lie_are_refused),
    cmocka_unit_test(weak_and_strange_keys_are_refused),
    cmocka_unit_test(foreign_names_with_controls_are_refused),
    cmocka_unit_test(the_openssl_command_agrees),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
