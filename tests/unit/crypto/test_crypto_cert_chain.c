/* Chains: order, what does not belong, and too many. */
#include "cert_check.h"

static struct key *root_key, *middle_key, *leaf_key;
static struct buf root = BUF_EMPTY, middle = BUF_EMPTY, leaf = BUF_EMPTY;

static int start(void **state) {
  struct cert_profile r = authority("CN=Root"), m = authority("CN=Middle"), l = named("CN=leaf");
  root_key = new_key(KEY_EC, 0, CURVE_P384);
  middle_key = new_key(KEY_EC, 0, CURVE_P256);
  leaf_key = new_key(KEY_EC, 0, CURVE_P256);
  assert_ok(cert_self_sign(root_key, &r, &root));
  assert_ok(cert_issue(root_key, buf_bytes(&root), middle_key, &m, &middle));
  assert_ok(cert_issue(middle_key, buf_bytes(&middle), leaf_key, &l, &leaf));
  return 0;
}

static int stop(void **state) {
  key_free(root_key);
  key_free(middle_key);
  key_free(leaf_key);
  buf_free(&root);
  buf_free(&middle);
  buf_free(&leaf);
  return 0;
}

static void assert_chain(const struct cert_chain *c, const struct bytes *expected, size_t count) {
  assert_int_equal(c->count, count);
  for (size_t i = 0; i < count; i++)
    assert_bytes(buf_bytes(&c->ders[i]), expected[i]);
}

static void any_order_becomes_the_chain(void **state) {
  static const unsigned orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                         { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  const struct bytes sorted[] = { buf_bytes(&leaf), buf_bytes(&middle), buf_bytes(&root) };
  for (unsigned i = 0; i < 6; i++) {
    struct bytes given[4];
    struct cert_chain chain = { 0 };
    for (unsigned k = 0; k < 3; k++)
      given[k] = sorted[orders[i][k]];
    given[3] = given[0]; /* a copy */
    assert_ok(cert_merge_chain(given, 4, leaf_key, &chain));
    assert_chain(&chain, sorted, 3);
    cert_chain_free(&chain);
  }
}

/* Who signs by a weak hash shows nothing; a root is trusted without. */
static void weak_signatures_are_refused(void **state) {
  unsigned char *der = NULL;
  struct cert_chain chain = { 0 };
  X509 *x = parsed(buf_bytes(&leaf));
  assert_true(X509_sign(x, key_evp(middle_key), EVP_sha1()) > 0);
  int n = i2d_X509(x, &der);
  struct bytes given = bytes_of(der, (size_t)n);
  assert_err(cert_merge_chain(&given, 1, leaf_key, &chain), ERR_BAD_PARAMETER);
  assert_non_null(strstr(err_text(ERR_BAD_PARAMETER), "too weak"));
  OPENSSL_free(der);
  X509_free(x);
}

static void the_public_part_is_enough(void **state) {
  struct bytes given = buf_bytes(&leaf);
  struct cert_chain chain = { 0 };
  struct cert_info info = { 0 };
  assert_ok(cert_read(given, &info));
  assert_ok(cert_merge_chain(&given, 1, info.public_key, &chain));
  assert_chain(&chain, &given, 1);
  cert_chain_free(&chain);
  cert_info_free(&info);
}

/* An authority of the same name with another key has issued nothing here. */
static void what_does_not_belong_comes_last(void **state) {
  struct cert_profile m = authority("CN=Middle");
  struct buf false_middle = BUF_EMPTY;
  struct key *other = new_key(KEY_EC, 0, CURVE_P256);
  struct cert_chain chain = { 0 };
  assert_ok(cert_self_sign(other, &m, &false_middle));
  const struct bytes given[] = { buf_bytes(&false_middle), buf_bytes(&root), buf_bytes(&leaf),
                                 buf_bytes(&middle) };
  const struct bytes expected[] = { given[2], given[3], given[1], given[0] };
  assert_ok(cert_merge_chain(given, 4, leaf_key, &chain));
  assert_chain(&chain, expected, 4);
  cert_chain_free(&chain);
  buf_free(&false_middle);
  key_free(other);
}

static void a_renewed_certificate_is_the_leaf(void **state) {
  struct cert_profile p = named("CN=leaf");
  struct buf longer = BUF_EMPTY;
  struct cert_chain chain = { 0 };
  p.not_after += DAY;
  assert_ok(cert_issue(middle_key, buf_bytes(&middle), leaf_key, &p, &longer));
  const struct bytes given[] = { buf_bytes(&leaf), buf_bytes(&longer), buf_bytes(&middle) };
  assert_ok(cert_merge_chain(given, 3, leaf_key, &chain));
  assert_bytes(buf_bytes(&chain.ders[0]), buf_bytes(&longer));
  assert_bytes(buf_bytes(&chain.ders[1]), buf_bytes(&middle));
  cert_chain_free(&chain);
  buf_free(&longer);
}

static void what_is_no_chain_is_refused(void **state) {
  struct cert_chain chain = { 0 };
  struct bytes given[] = { buf_bytes(&root), buf_bytes(&middle) };
  struct bytes cut[] = { buf_bytes(&leaf), bytes_of(middle.data, middle.size - 1) };
  assert_err(cert_merge_chain(NULL, 0, leaf_key, &chain), ERR_BAD_PARAMETER);
  err_t e = cert_merge_chain(given, 2, leaf_key, &chain);
  assert_non_null(strstr(err_text(e), "does not match the public part"));
  assert_err(e, ERR_BAD_PARAMETER);
  assert_err(cert_merge_chain(cut, 2, leaf_key, &chain), ERR_BAD_PARAMETER);
  assert_err(cert_merge_chain(&(struct bytes){ 0 }, 1, leaf_key, &chain), ERR_BAD_PARAMETER);
  assert_int_equal(chain.count, 0);
}

static void eight_are_taken_and_nine_are_not(void **state) {
  struct buf more[CERT_CHAIN_MAX + 1] = { 0 };
  struct bytes given[CERT_CHAIN_MAX + 1];
  struct cert_chain chain = { 0 };
  struct cert_profile p = authority("CN=Some root");
  for (unsigned i = 0; i < CERT_CHAIN_MAX; i++) {
    assert_ok(cert_self_sign(root_key, &p, &more[i]));
    given[i] = buf_bytes(&more[i]);
  }
  given[CERT_CHAIN_MAX - 1] = buf_bytes(&leaf);
  given[CERT_CHAIN_MAX] = buf_bytes(&more[CERT_CHAIN_MAX - 1]);
  assert_ok(cert_merge_chain(given, CERT_CHAIN_MAX, leaf_key, &chain));
  assert_int_equal(chain.count, CERT_CHAIN_MAX);
  cert_chain_free(&chain);
  assert_err(cert_merge_chain(given, CERT_CHAIN_MAX + 1, leaf_key, &chain), ERR_BAD_PARAMETER);
  for (unsigned i = 0; i < CERT_CHAIN_MAX; i++)
    buf_free(&more[i]);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_order_becomes_the_chain),
    cmocka_unit_test(weak_signatures_are_refused),
    cmocka_unit_test(the_public_part_is_enough),
    cmocka_unit_test(what_does_not_belong_comes_last),
    cmocka_unit_test(a_renewed_certificate_is_the_leaf),
    cmocka_unit_test(what_is_no_chain_is_refused),
    cmocka_unit_test(eight_are_taken_and_nine_are_not),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
