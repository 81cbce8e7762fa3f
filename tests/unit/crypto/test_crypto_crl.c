/* Revocation lists and chains as verifiers read them. */
#include "cert_check.h"

#include "crypto/crl.h"
#include "crypto/x509.h"

static struct key *root_key, *issuing_key, *leaf_key;
static struct buf root = BUF_EMPTY, issuing = BUF_EMPTY, leaf = BUF_EMPTY;

static int begin(void **state) {
  struct cert_profile top = authority("CN=root"), middle = authority("CN=issuing"),
                      p = named("CN=leaf");
  root_key = new_key(KEY_EC, 0, CURVE_P256);
  issuing_key = new_key(KEY_EC, 0, CURVE_P256);
  leaf_key = new_key(KEY_EC, 0, CURVE_P256);
  assert_ok(cert_self_sign(root_key, &top, &root));
  assert_ok(cert_issue(root_key, buf_bytes(&root), issuing_key, &middle, &issuing));
  assert_ok(cert_issue(issuing_key, buf_bytes(&issuing), leaf_key, &p, &leaf));
  return 0;
}

static int end(void **state) {
  key_free(root_key);
  key_free(issuing_key);
  key_free(leaf_key);
  buf_free(&root);
  buf_free(&issuing);
  buf_free(&leaf);
  return 0;
}

/* --- lists --- */

static const uint8_t one[] = { 0x40, 1 }, two[] = { 0x50, 2, 3 }, three[] = { 0x30, 9 };
static const struct crl_entry three_entries[] = { { { one, sizeof one }, NOW - 10, 1 },
                                                  { { two, sizeof two }, NOW - 5, 0 },
                                                  { { three, sizeof three }, NOW - 7, 4 } };

static void make_list(const struct crl_entry *entries, size_t count, struct buf *der) {
  const struct crl_list list = { 12345678901234, NOW, NOW + DAY, entries, count };
  assert_ok(crl_sign(root_key, buf_bytes(&root), &list, der));
}

static void lists(void **state) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  make_list(three_entries, 3, &der);
  assert_ok(crl_read(buf_bytes(&der), buf_bytes(&root), &crl));
  assert_int_equal(crl.number, 12345678901234);
  assert_int_equal(crl.this_update, NOW);
  assert_int_equal(crl.next_update, NOW + DAY);
  assert_int_equal(crl.count, 3);
  for (size_t i = 0; i < 3; i++)
    assert_true(crl_has(&crl, three_entries[i].serial));
  assert_false(crl_has(&crl, bytes_of(two, 2)));
  assert_false(crl_has(&crl, bytes_of("\x40\x02", 2)));
  assert_false(crl_has(&crl, str("")));
  assert_false(crl_has(&crl, str("0123456789012345678901234567890123456789")));
}

static void empty_lists(void **state) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  make_list(NULL, 0, &der);
  assert_ok(crl_read(buf_bytes(&der), buf_bytes(&root), &crl));
  assert_int_equal(crl.count, 0);
  assert_false(crl_has(&crl, bytes_of(one, sizeof one)));
}

/* A certificate's serial is found as the certificate has it. */
static void serials_of_certificates(void **state) {
  AUTO_CERT_INFO info = { 0 };
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  assert_ok(cert_read(buf_bytes(&issuing), &info));
  const struct crl_entry entry = { bytes_of(info.serial, info.serial_size), NOW, 1 };
  make_list(&entry, 1, &der);
  assert_ok(crl_read(buf_bytes(&der), buf_bytes(&root), &crl));
  assert_true(crl_has(&crl, bytes_of(info.serial, info.serial_size)));
}

static void long_lists(void **state) {
  enum { COUNT = 3000 };
  static uint8_t serials[COUNT][4];
  static struct crl_entry entries[COUNT];
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  for (unsigned i = 0; i < COUNT; i++) {
    uint32_t serial = 0x40000000u + i * 2654435761u % 0x3fffffffu;
    for (unsigned b = 0; b < 4; b++)
      serials[i][b] = (uint8_t)(serial >> (24 - 8 * b));
    entries[i] = (struct crl_entry){ { serials[i], 4 }, NOW, 0 };
  }
  make_list(entries, COUNT, &der);
  assert_ok(crl_read(buf_bytes(&der), buf_bytes(&root), &crl));
  assert_int_equal(crl.count, COUNT);
  for (unsigned i = 0; i < COUNT; i++)
    assert_true(crl_has(&crl, entries[i].serial));
  assert_false(crl_has(&crl, bytes_of("\x3f\xff\xff\xff", 4)));
}

static void of_others(void **state) {
  struct cert_profile same = authority("CN=root"), no_lists = authority("CN=root");
  AUTO_BUF der = BUF_EMPTY, twin = BUF_EMPTY, mute = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  no_lists.usage = USAGE_KEY_CERT_SIGN;
  make_list(three_entries, 3, &der);
  assert_ok(cert_self_sign(leaf_key, &same, &twin));
  assert_ok(cert_self_sign(root_key, &no_lists, &mute));
  assert_err(crl_read(buf_bytes(&der), buf_bytes(&issuing), &crl), ERR_BAD_PARAMETER);
  assert_err(crl_read(buf_bytes(&der), buf_bytes(&twin), &crl), ERR_BAD_PARAMETER);
  assert_err(crl_read(buf_bytes(&der), buf_bytes(&mute), &crl), ERR_BAD_PARAMETER);
  assert_err(crl_read(buf_bytes(&der), str("x"), &crl), ERR_BAD_PARAMETER);
}

/* Cut off anywhere, with any byte changed, or followed by one more. */
static void damaged(void **state) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CRL crl = { 0 };
  make_list(three_entries, 3, &der);
  for (size_t n = 0; n < der.size; n++)
    assert_err(crl_read(bytes_of(der.data, n), buf_bytes(&root), &crl), ERR_BAD_PARAMETER);
  for (size_t i = 0; i < der.size; i++) {
    der.data[i] ^= 0x41;
    assert_err(crl_read(buf_bytes(&der), buf_bytes(&root), &crl), ERR_BAD_PARAMETER);
    der.data[i] ^= 0x41;
  }
  assert_ok(crl_read(buf_bytes(&der), buf_bytes(&root), &crl));
  buf_put_char(&der, 0);
  crl_free(&crl);
  assert_err(crl_read(buf_bytes(&der), buf_bytes(&root), &crl), ERR_BAD_PARAMETER);
}

/* --- lists as others might make them --- */

enum oddity {
  NONE,
  NO_NUMBER,
  NUMBER_TOO_HIGH,
  NO_END,
  ENDS_BEFORE,
  PARTIAL,
  OF_CHANGES,
  NEGATIVE_SERIAL,
  LONG_SERIAL,
  OF_OTHERS,
  ODDITIES
};

static void set_times(X509_CRL *crl, enum oddity odd) {
  ASN1_TIME *from = ASN1_TIME_set(NULL, NOW), *until = ASN1_TIME_set(NULL, NOW + DAY),
            *before = ASN1_TIME_set(NULL, NOW - DAY);
  X509_CRL_set1_lastUpdate(crl, from);
  if (odd != NO_END)
    X509_CRL_set1_nextUpdate(crl, odd == ENDS_BEFORE ? before : until);
  ASN1_TIME_free(from);
  ASN1_TIME_free(until);
  ASN1_TIME_free(before);
}

static void add_number(X509_CRL *crl, int nid, const char *decimal, int critical) {
  ASN1_INTEGER *number = s2i_ASN1_INTEGER(NULL, decimal);
  assert_int_equal(X509_CRL_add1_ext_i2d(crl, nid, number, critical, 0), 1);
  ASN1_INTEGER_free(number);
}

static void add_entry(X509_CRL *crl, enum oddity odd) {
  X509_REVOKED *r = X509_REVOKED_new();
  char longest[2 * CERT_SERIAL_MAX + 5] = "0x01";
  memset(longest + 4, 'a', sizeof longest - 5);
  ASN1_INTEGER *serial = s2i_ASN1_INTEGER(NULL, odd == NEGATIVE_SERIAL ? "-7"
                                                : odd == LONG_SERIAL   ? longest
                                                                       : "7");
  ASN1_TIME *when = ASN1_TIME_set(NULL, NOW);
  X509_REVOKED_set_serialNumber(r, serial);
  X509_REVOKED_set_revocationDate(r, when);
  if (odd == OF_OTHERS) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_certificate_issuer, names, 1, 0), 1);
    GENERAL_NAMES_free(names);
  }
  X509_CRL_add0_revoked(crl, r);
  ASN1_INTEGER_free(serial);
  ASN1_TIME_free(when);
}

static void make_odd(enum oddity odd, struct buf *der) {
  X509 *ca = parsed(buf_bytes(&root));
  X509_CRL *crl = X509_CRL_new();
  unsigned char *room = NULL;
  X509_CRL_set_version(crl, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca));
  set_times(crl, odd);
  if (odd != NO_NUMBER)
    add_number(crl, NID_crl_number, odd == NUMBER_TOO_HIGH ? "18446744073709551616" : "3", 0);
  if (odd == OF_CHANGES)
    add_number(crl, NID_delta_crl, "2", 1);
  if (odd == PARTIAL) {
    ISSUING_DIST_POINT *point = ISSUING_DIST_POINT_new();
    point->onlyuser = 1;
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, point, 1, 0), 1);
    ISSUING_DIST_POINT_free(point);
  }
  add_entry(crl, odd);
  assert_true(X509_CRL_sign(crl, key_evp(root_key), EVP_sha256()) > 0);
  int n = i2d_X509_CRL(crl, &room);
  buf_put(der, room, (size_t)n);
  OPENSSL_free(room);
  X509_CRL_free(crl);
  X509_free(ca);
}

static void odd_lists(void **state) {
  for (enum oddity odd = NONE; odd < ODDITIES; odd++) {
    AUTO_BUF der = BUF_EMPTY;
    AUTO_CRL crl = { 0 };
    make_odd(odd, &der);
    err_t e = crl_read(buf_bytes(&der), buf_bytes(&root), &crl);
    if (e != (odd == NONE ? OK : ERR_BAD_PARAMETER))
      fail_msg("oddity %d: %s (%s)", (int)odd, err_info(e)->name, err_reason(e));
    assert_int_equal(crl_has(&crl, bytes_of("\x07", 1)), odd == NONE);
    assert_int_equal(ERR_peek_error(), 0);
  }
}

/* --- chains --- */

static void put_pem(const struct buf *der, struct buf *pem) {
  assert_ok(x509_to_pem(buf_bytes(der), pem));
}

static err_t verify(const struct buf *first, const struct buf *second, struct bytes anchors,
                    int64_t when) {
  const struct bytes chain[] = { buf_bytes(first), buf_bytes(second) };
  return cert_verify(chain, 2, anchors, when);
}

static void chains(void **state) {
  AUTO_BUF anchors = BUF_EMPTY, middle = BUF_EMPTY, others = BUF_EMPTY, twin = BUF_EMPTY;
  struct cert_profile same = authority("CN=root");
  assert_ok(cert_self_sign(leaf_key, &same, &twin));
  put_pem(&twin, &others);
  put_pem(&twin, &anchors);
  buf_put_str(&anchors, "words between them\n");
  put_pem(&root, &anchors);
  put_pem(&issuing, &middle);
  assert_ok(verify(&leaf, &issuing, buf_bytes(&anchors), NOW));
  assert_ok(verify(&leaf, &root, buf_bytes(&middle), NOW)); /* what is trusted ends it */
  assert_ok(verify(&root, &issuing, buf_bytes(&anchors), NOW));
  assert_err(verify(&leaf, &root, buf_bytes(&anchors), NOW), ERR_BAD_PARAMETER); /* a gap */
  assert_err(verify(&leaf, &issuing, buf_bytes(&others), NOW), ERR_BAD_PARAMETER);
  assert_err(verify(&leaf, &issuing, str(""), NOW), ERR_BAD_PARAMETER);
  assert_err(verify(&leaf, &issuing, buf_bytes(&anchors), NOW + 400L * DAY), ERR_BAD_PARAMETER);
  assert_err(verify(&leaf, &issuing, buf_bytes(&anchors), NOW - 2L * DAY), ERR_BAD_PARAMETER);
  assert_err(cert_verify(NULL, 0, buf_bytes(&anchors), NOW), ERR_BAD_PARAMETER);
  struct bytes no_certificate = str("x");
  assert_err(cert_verify(&no_certificate, 1, buf_bytes(&anchors), NOW), ERR_BAD_PARAMETER);
}

/* Whoever may not issue has issued nothing. */
static void no_authority(void **state) {
  struct cert_profile lower = named("CN=lower"), as_if = authority("CN=leaf");
  AUTO_BUF anchors = BUF_EMPTY, pretended = BUF_EMPTY, der = BUF_EMPTY;
  put_pem(&issuing, &anchors);
  assert_ok(cert_self_sign(leaf_key, &as_if, &pretended)); /* so that it is signed at all */
  assert_ok(cert_issue(leaf_key, buf_bytes(&pretended), root_key, &lower, &der));
  assert_err(verify(&der, &leaf, buf_bytes(&anchors), NOW), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lists),        cmocka_unit_test(empty_lists),
    cmocka_unit_test(long_lists),   cmocka_unit_test(serials_of_certificates),
    cmocka_unit_test(of_others),    cmocka_unit_test(damaged),
    cmocka_unit_test(odd_lists),    cmocka_unit_test(chains),
    cmocka_unit_test(no_authority),
  };
  start_crypto();
  return cmocka_run_group_tests_name("crl", tests, begin, end);
}
