/* Post-quantum recipients: who opens, what they are not combined with, what is malformed. */
#include "age_check.h"

#include "seal/age_reseal.h"

/* A pair of keys as people have them, of the n-th seed. */
struct hybrid {
  struct buf recipient, identity;
};
static struct hybrid new_hybrid(uint8_t n) {
  struct hybrid h = { 0 };
  uint8_t seed[XWING_SEED] = { n }, public[XWING_PUBLIC];
  assert_ok(xwing_public(bytes_of(seed, sizeof seed), public));
  bech32_encode("age1pq", bytes_of(public, sizeof public), &h.recipient);
  bech32_encode("age-secret-key-pq-", bytes_of(seed, sizeof seed), &h.identity);
  for (size_t i = 0; i < h.identity.size; i++)
    if (h.identity.data[i] >= 'a')
      h.identity.data[i] &= (uint8_t)~32;
  assert_non_null(buf_cstr(&h.recipient));
  return h;
}
static void hybrid_free(struct hybrid *h) {
  buf_free(&h->recipient);
  buf_free(&h->identity);
}
#define AUTO_HYBRID __attribute__((cleanup(hybrid_free))) struct hybrid

static const char *cstr_of(struct buf *b) {
  return buf_cstr(b);
}

static struct age_recipients *to(const char *recipient) {
  struct age_recipients *r = NULL;
  assert_ok(age_recipients_new(&r));
  assert_ok(age_recipients_add(r, NULL, recipient));
  return r;
}

static struct age_identities *with(struct bytes identity) {
  struct age_identities *i = NULL;
  assert_ok(age_identities_new(&i));
  assert_ok(age_identities_add_file(i, NULL, identity, "test"));
  return i;
}

static err_t unwrap(const struct age_identities *i, struct bytes header, struct secret *out) {
  struct age_header h;
  TRY(age_header_read(header, &h));
  return age_unwrap(i, &h, out);
}

static void assert_opens(const struct age_identities *i, const struct buf *header,
                         const struct secret *expected) {
  AUTO_SECRET got = { 0 };
  assert_ok(unwrap(i, buf_bytes(header), &got));
  assert_bytes(secret_bytes(&got), secret_bytes(expected));
}

static void assert_says(err_t e, const char *code, const char *says) {
  assert_string_equal(err_info(e)->name, code);
  if (!strstr(err_reason(e), says))
    fail_msg("'%s' is not in: %s", says, err_reason(e));
}

static void several_recipients(void **state) {
  AUTO_HYBRID one = new_hybrid(1), two = new_hybrid(2), other = new_hybrid(3);
  struct pair classic = new_pair();
  AUTO(age_recipients) struct age_recipients *r = to(cstr_of(&one.recipient));
  assert_ok(age_recipients_add(r, NULL, cstr_of(&two.recipient)));
  AUTO_SECRET key = { 0 }, none = { 0 };
  AUTO_BUF header = BUF_EMPTY;
  assert_ok(age_wrap(r, &key, &header));
  AUTO(age_identities)
  struct age_identities *a = with(buf_bytes(&one.identity)), *b = with(buf_bytes(&two.identity)),
                        *c = with(buf_bytes(&other.identity)), *x = with(str(classic.identity));
  assert_opens(a, &header, &key);
  assert_opens(b, &header, &key);
  assert_says(unwrap(c, buf_bytes(&header), &none), "ERR_WRONG_KEY",
              "It is for: mlkem768x25519, mlkem768x25519");
  assert_err(unwrap(x, buf_bytes(&header), &none), ERR_WRONG_KEY);
  /* the second of several identities */
  assert_ok(age_identities_add_file(c, NULL, buf_bytes(&two.identity), "test"));
  assert_opens(c, &header, &key);
}

/* A file is opened by its weakest recipient: none is written that a quantum computer opens. */
static void not_combined(void **state) {
  AUTO_HYBRID h = new_hybrid(1);
  struct pair classic = new_pair();
  struct fake f = { .alg = "RSA-OAEP-256" };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients)
  struct age_recipients *mixed = to(cstr_of(&h.recipient)), *reversed = to(classic.recipient),
                        *keys = to(cstr_of(&h.recipient)), *sealed = to(cstr_of(&h.recipient));
  AUTO_SECRET key = { 0 };
  AUTO_BUF header = BUF_EMPTY;
  assert_says(age_recipients_add(mixed, NULL, classic.recipient), "ERR_BAD_PARAMETER",
              "can't be combined with an age1.. recipient");
  assert_ok(age_recipients_add_key(reversed, &vault, "backups"));
  assert_says(age_recipients_add(reversed, NULL, cstr_of(&h.recipient)), "ERR_BAD_PARAMETER",
              "can't be combined with an age1.. recipient");
  assert_ok(age_recipients_add_key(keys, &vault, "backups"));
  assert_says(age_wrap(keys, &key, &header), "ERR_BAD_PARAMETER", "an RSA key of the vault");
  assert_err(age_recipients_add_passphrase(sealed, str("open sesame")), ERR_BAD_PARAMETER);
  assert_int_equal(header.size, 0);
  assert_null(key.data);
  /* a symmetric key is as good */
  f.alg = "A256KW";
  assert_ok(age_wrap(keys, &key, &header));
  AUTO(age_identities) struct age_identities *i = with(buf_bytes(&h.identity));
  assert_opens(i, &header, &key);
  assert_int_equal(f.unwraps, 0);
  assert_ok(age_identities_add_vault(i, &vault));
  assert_opens(i, &header, &key);
  assert_int_equal(f.unwraps, 0); /* the vault is the last that is asked */
}

/* A header with these stanzas, and whether its key of the vault can become one of RSA. */
static void reseal_to_rsa(bool hybrid, bool x25519, const char *alg, const char *code) {
  AUTO_HYBRID h = new_hybrid(1);
  uint8_t public[XWING_PUBLIC], seed[XWING_SEED] = { 1 };
  struct fake f = { .alg = alg };
  struct key_service vault = fake_service(&f);
  AUTO_SECRET key = { 0 };
  AUTO_BUF header = BUF_EMPTY;
  struct age_resealed r;
  assert_ok(xwing_public(bytes_of(seed, sizeof seed), public));
  assert_ok(secret_random(AGE_FILE_KEY, &key));
  age_header_begin(&header);
  if (hybrid)
    assert_ok(age_hybrid_wrap(public, secret_bytes(&key), &header));
  if (x25519)
    assert_ok(age_x25519_wrap(public + MLKEM_PUBLIC, secret_bytes(&key), &header));
  assert_ok(age_vault_wrap(&vault, "backups", secret_bytes(&key), &header));
  assert_ok(age_header_end(secret_bytes(&key), &header));
  int file = file_of(buf_bytes(&header));
  f.alg = "RSA-OAEP-256";
  assert_result(age_reseal(&vault, "other", file, &r), code);
  if (strcmp(code, "OK") == 0 && hybrid) {
    AUTO(age_identities) struct age_identities *i = with(buf_bytes(&h.identity));
    assert_true(r.changed);
    assert_opens(i, &r.header, &key);
  }
  buf_free(&r.header);
  close(file);
}

static void resealing(void **state) {
  reseal_to_rsa(true, false, "A256KW", "ERR_BAD_PARAMETER");
  reseal_to_rsa(false, false, "A256KW", "OK");
  reseal_to_rsa(false, true, "A256KW", "OK");
  /* what was mixed already is not any worse for it */
  reseal_to_rsa(true, true, "A256KW", "OK");
  reseal_to_rsa(true, false, "RSA-OAEP-256", "OK");
}

/* Each byte of a stanza that is changed is noticed, whichever half of the key it is of. */
static void changed_stanzas(void **state) {
  AUTO_HYBRID h = new_hybrid(1);
  AUTO(age_recipients) struct age_recipients *r = to(cstr_of(&h.recipient));
  AUTO(age_identities) struct age_identities *i = with(buf_bytes(&h.identity));
  AUTO_SECRET key = { 0 };
  AUTO_BUF header = BUF_EMPTY;
  assert_ok(age_wrap(r, &key, &header));
  for (size_t n = 0; n < header.size; n++) {
    AUTO_SECRET got = { 0 };
    header.data[n] ^= 1;
    if (unwrap(i, buf_bytes(&header), &got) == OK)
      fail_msg("byte %zu of the header was changed", n);
    assert_null(got.data);
    header.data[n] ^= 1;
  }
  assert_opens(i, &header, &key);
}

static void malformed_stanzas(void **state) {
  static uint8_t enc[XWING_CIPHERTEXT + 1], body[AGE_WRAPPED_KEY + 1];
  static const struct {
    size_t enc, body;
    const char *more;
  } bad[] = {
    { XWING_CIPHERTEXT - 1, AGE_WRAPPED_KEY, "" },
    { XWING_CIPHERTEXT + 1, AGE_WRAPPED_KEY, "" },
    { XWING_CIPHERTEXT, AGE_WRAPPED_KEY - 1, "" },
    { XWING_CIPHERTEXT, AGE_WRAPPED_KEY + 1, "" },
    { XWING_CIPHERTEXT, AGE_WRAPPED_KEY, " more" },
    { 32, AGE_WRAPPED_KEY, "" },
    { XWING_CIPHERTEXT, 0, "" },
  };
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    AUTO_BUF args = BUF_EMPTY, text = BUF_EMPTY;
    buf_put_str(&args, "mlkem768x25519 ");
    buf_put_b64raw(&args, bytes_of(enc, bad[n].enc));
    buf_put_str(&args, bad[n].more);
    stanza_write(buf_bytes(&args), bytes_of(body, bad[n].body), &text);
    assert_err(age_check_stanzas(buf_bytes(&text)), ERR_DAMAGED);
  }
  AUTO_BUF text = BUF_EMPTY;
  stanza_write(str("mlkem768x25519"), bytes_of(body, AGE_WRAPPED_KEY), &text);
  assert_err(age_check_stanzas(buf_bytes(&text)), ERR_DAMAGED);
}

static void texts_that_are_none(void **state) {
  AUTO_HYBRID h = new_hybrid(1);
  static uint8_t data[XWING_PUBLIC];
  AUTO(age_recipients) struct age_recipients *r = NULL;
  AUTO(age_identities) struct age_identities *i = NULL;
  AUTO_BUF text = BUF_EMPTY;
  assert_ok(age_recipients_new(&r));
  assert_ok(age_identities_new(&i));
  /* too short; then numbers that are not below q */
  bech32_encode("age1pq", bytes_of(data, sizeof data - 1), &text);
  assert_err(age_recipients_add(r, NULL, cstr_of(&text)), ERR_BAD_PARAMETER);
  memset(data, 0xff, sizeof data);
  buf_clear(&text);
  bech32_encode("age1pq", bytes_of(data, sizeof data), &text);
  assert_says(age_recipients_add(r, NULL, cstr_of(&text)), "ERR_BAD_PARAMETER", "not a public key");
  assert_says(age_recipients_add(r, NULL, cstr_of(&h.identity)), "ERR_BAD_PARAMETER",
              "this is an identity");
  assert_says(age_identities_add_file(i, NULL, buf_bytes(&h.recipient), "test"),
              "ERR_BAD_PARAMETER", "this is a recipient");
  h.recipient.data[0] = 'A';
  assert_err(age_recipients_add(r, NULL, cstr_of(&h.recipient)), ERR_BAD_PARAMETER);
  buf_clear(&text);
  bech32_encode("age-secret-key-pq-", bytes_of(data, XWING_SEED - 1), &text);
  for (size_t n = 0; n < text.size; n++)
    if (text.data[n] >= 'a')
      text.data[n] &= (uint8_t)~32;
  assert_err(age_identities_add_file(i, NULL, buf_bytes(&text), "test"), ERR_BAD_PARAMETER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(several_recipients), cmocka_unit_test(not_combined),
    cmocka_unit_test(resealing),          cmocka_unit_test(changed_stanzas),
    cmocka_unit_test(malformed_stanzas),  cmocka_unit_test(texts_that_are_none),
  };
  start_crypto();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
