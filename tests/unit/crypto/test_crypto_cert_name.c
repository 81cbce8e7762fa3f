/* What goes into certificates as text: subjects, alternative names, usages. */
#include "check.h"

#include "crypto/cert_evp.h"

#define NOW 1800000000

/* Encoded and decoded: DER sorts what is in one RDN. */
static X509_NAME *recoded(X509_NAME *name) {
  unsigned char *der = NULL;
  int n = i2d_X509_NAME(name, &der);
  assert_true(n > 0);
  const unsigned char *p = der;
  X509_NAME *read = d2i_X509_NAME(&name, &p, n);
  assert_non_null(read);
  OPENSSL_free(der);
  return read;
}

/* The subject as it is read again; "" when it is refused. */
static const char *again(const char *text) {
  static char out[CERT_SUBJECT_MAX + 1];
  X509_NAME *name = NULL;
  struct buf printed = BUF_EMPTY;
  out[0] = '\0';
  err_t e = name_from_text(text, &name);
  assert_int_equal(ERR_peek_error(), 0);
  if (e == OK) {
    name = recoded(name);
    assert_ok(name_to_text(name, &printed));
    assert_ok(bytes_to_cstr(buf_bytes(&printed), out, sizeof out));
  } else {
    assert_string_equal(err_info(e)->name, "ERR_BAD_PARAMETER");
    assert_non_null(strstr(err_text(e), "subject"));
  }
  X509_NAME_free(name);
  buf_free(&printed);
  return out;
}

static void subjects_come_back(void **state) {
  static const struct {
    const char *given, *expected;
  } rows[] = {
    { "CN=example.com", "CN=example.com" },
    { "CN=example.com, O=Contoso, C=US", "CN=example.com, O=Contoso, C=US" },
    { " cn = a ;o=b,  OU = c d  ", "CN=a, O=b, OU=c d" },
    { "CN=a, S=WA, L=Redmond", "CN=a, S=WA, L=Redmond" },
    { "CN=a, ST=WA", "CN=a, S=WA" },
    { "CN=a, E=me@example.com", "CN=a, E=me@example.com" },
    { "CN=a, emailAddress=me@example.com", "CN=a, E=me@example.com" },
    { "CN=a, DC=example, DC=com", "CN=a, DC=example, DC=com" },
    { "O=\"Contoso, Ltd.\"", "O=\"Contoso, Ltd.\"" },
    { "O=Contoso\\, Ltd.", "O=\"Contoso, Ltd.\"" },
    { "O=\"say \"\"hi\"\"\"", "O=\"say \"\"hi\"\"\"" },
    { "O=say \\\"hi\\\"", "O=\"say \"\"hi\"\"\"" },
    { "O=a\\\\b", "O=\"a\\\\b\"" },
    { "O=a=b", "O=\"a=b\"" },
    { "O=\\#1", "O=\"#1\"" },
    { "O=\\ a\\ ", "O=\" a \"" },
    { "O=caf\\C3\\A9", "O=caf\xc3\xa9" },
    { "O=caf\xc3\xa9", "O=caf\xc3\xa9" },
    { "CN=a, 1.2.3.4=b", "CN=a, OID.1.2.3.4=b" },
    { "OID.2.5.4.3=a", "CN=a" },
    { "OU=a+OU=b", "OU=a + OU=b" },
    { "CN=a, O=b + OU=c, C=US", "CN=a, O=b + OU=c, C=US" },
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_string_equal(again(rows[i].given), rows[i].expected);
  char wide[CERT_SUBJECT_MAX + 8];
  memset(wide, 'a', sizeof wide);
  wide[sizeof wide - 1] = '\0';
  memcpy(wide, "1.2.3=", 6);
  assert_string_equal(again(wide), "");
}

static void the_first_of_a_text_is_the_last_of_a_name(void **state) {
  X509_NAME *name = NULL;
  assert_ok(name_from_text("CN=a, O=b", &name));
  assert_int_equal(X509_NAME_get_index_by_NID(name, NID_commonName, -1), 1);
  assert_int_equal(X509_NAME_get_index_by_NID(name, NID_organizationName, -1), 0);
  X509_NAME_free(name);
}

static void malformed_subjects_are_refused(void **state) {
  static const char too_many_arcs[] =
    "1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6.7."
    "8.9.0.1.2.3.4.5.6.7.8.9.0.1.2.3.4.5.6=a";
  static const char *const rows[] = {
    "example.com",
    "CN",
    "CN=",
    "CN= ",
    "=a",
    ",",
    "CN=a,",
    "CN=a, ",
    "CN=a+",
    "CN=a,,O=b",
    "CN=a, b",
    "XX=a",
    "CN=\"a",
    "CN=\"a\" b",
    "CN=\"a\"b=\"c\"",
    "CN=a\"b",
    "CN=a<b",
    "CN=#0c0161",
    "CN=a\\",
    "CN=a\\x",
    "CN=a\\0",
    "CN=a\\00b",
    "CN=a\\0Ab",
    "CN=a\nb",
    "CN=a\x7f",
    "CN=\xc2\x85",
    "CN=caf\xe9",
    "CN=\xed\xa0\x80",
    "C=USA",
    "C=u\xc3\xa9",
    "E=caf\xc3\xa9@example.com",
    "CN=a name of more than the sixty-four characters that X.520 gives a common name",
    "1=a",
    "1.=a",
    "1..2=a",
    "1.02.3=a",
    "3.1.2=a",
    "1.40.1=a",
    "OID.=a",
    too_many_arcs,
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    if (again(rows[i])[0])
      fail_msg("%s was taken", rows[i]);
}

/* A value that our parser would not take is still shown, without a control character. */
static void controls_in_foreign_names_are_escaped(void **state) {
  X509_NAME *name = X509_NAME_new();
  struct buf out = BUF_EMPTY;
  const uint8_t value[] = { 'a', '\n', 0, ',', 0xc3, 0xa9 };
  assert_int_equal(
    X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_UTF8STRING, value, sizeof value, -1, 0),
    1);
  assert_ok(name_to_text(name, &out));
  assert_bytes(buf_bytes(&out), str("CN=a\\0A\\00\\2C\\C3\\A9"));
  buf_free(&out);
  X509_NAME_free(name);
}

static err_t check_san(enum cert_san kind, const char *text) {
  const char *items[] = { text };
  struct cert_profile p = { .subject = "CN=a", .not_before = NOW, .not_after = NOW + 1 };
  p.sans[kind] = (struct cert_texts){ items, 1 };
  err_t e = cert_profile_check(&p);
  assert_int_equal(ERR_peek_error(), 0);
  return e;
}

struct san_row {
  enum cert_san kind;
  const char *text;
};

static void alternative_names_are_taken(void **state) {
  static const struct san_row rows[] = {
    { SAN_DNS, "a" },
    { SAN_DNS, "example.com" },
    { SAN_DNS, "*.example.com" },
    { SAN_DNS, "xn--bcher-kva.example" },
    { SAN_DNS, "_acme.example.com" },
    { SAN_EMAIL, "me+tag@example.com" },
    { SAN_UPN, "me@example.com" },
    { SAN_UPN, "caf\xc3\xa9@example" },
    { SAN_URI, "https://example.com/a?b=c#d" },
    { SAN_URI, "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6" },
    { SAN_URI, "spiffe://example.org/service" },
    { SAN_IP, "127.0.0.1" },
    { SAN_IP, "2001:db8::1" },
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    if (check_san(rows[i].kind, rows[i].text) != OK)
      fail_msg("%s was refused", rows[i].text);
}

static void alternative_names_that_are_none_are_refused(void **state) {
  static const struct san_row rows[] = {
    { SAN_DNS, "" },
    { SAN_DNS, "." },
    { SAN_DNS, "a." },
    { SAN_DNS, "a..b" },
    { SAN_DNS, "*" },
    { SAN_DNS, "*." },
    { SAN_DNS, "a.*.b" },
    { SAN_DNS, "a*.b" },
    { SAN_DNS, "-a.b" },
    { SAN_DNS, "a-.b" },
    { SAN_DNS, "a b" },
    { SAN_DNS, "a\nb" },
    { SAN_DNS, "caf\xc3\xa9.example" },
    { SAN_DNS, "a,DNS:evil" },
    { SAN_DNS, "a234567890123456789012345678901234567890123456789012345678901234.b" },
    { SAN_EMAIL, "" },
    { SAN_EMAIL, "me" },
    { SAN_EMAIL, "@example.com" },
    { SAN_EMAIL, "me@" },
    { SAN_EMAIL, "me@*.example.com" },
    { SAN_EMAIL, "a@b@c" },
    { SAN_EMAIL, "a b@c" },
    { SAN_EMAIL, "a\r\n@c" },
    { SAN_UPN, "" },
    { SAN_UPN, "a\tb" },
    { SAN_UPN, "\xff" },
    { SAN_URI, "" },
    { SAN_URI, "/relative" },
    { SAN_URI, "1a:b" },
    { SAN_URI, "a:" },
    { SAN_URI, "a:b c" },
    { SAN_URI, "a:\"b\"" },
    { SAN_URI, "a:\xc3\xa9" },
    { SAN_IP, "" },
    { SAN_IP, "1.2.3" },
    { SAN_IP, "1.2.3.4/8" },
    { SAN_IP, "::g" },
    { SAN_IP, "localhost" },
  };
  for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
    if (check_san(rows[i].kind, rows[i].text) != ERR_BAD_PARAMETER)
      fail_msg("%s was taken as kind %d", rows[i].text, (int)rows[i].kind);
}

static err_t check_eku(const char *text, size_t count) {
  const char *items[CERT_TEXTS_MAX + 1];
  for (size_t i = 0; i < count; i++)
    items[i] = text;
  struct cert_profile p = {
    .subject = "CN=a", .ekus = { items, count }, .not_before = NOW, .not_after = NOW + 1
  };
  return cert_profile_check(&p);
}

static void usages_are_oids(void **state) {
  static const char *const bad[] = {
    "", "serverAuth", "1", "1.", ".1", "1.3.6.-1", "9.9.9", "1 .2"
  };
  assert_ok(check_eku("1.3.6.1.5.5.7.3.1", 1));
  assert_ok(check_eku("2.999.1", 1));
  assert_ok(check_eku("2.5.29.37.0", CERT_TEXTS_MAX));
  assert_err(check_eku("2.5.29.37.0", CERT_TEXTS_MAX + 1), ERR_BAD_PARAMETER);
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_err(check_eku(bad[i], 1), ERR_BAD_PARAMETER);
}

static void key_usage_has_the_apis_names(void **state) {
  for (unsigned i = 0; i < USAGE_COUNT; i++)
    assert_int_equal(cert_usage_bit(str(cert_usage_name(i))), 1u << i);
  assert_string_equal(cert_usage_name(6), "cRLSign");
  assert_int_equal(cert_usage_bit(str("CRLSIGN")), USAGE_CRL_SIGN);
  assert_int_equal(cert_usage_bit(str("")), 0);
  assert_int_equal(cert_usage_bit(str("sign")), 0);
}

static void impossible_profiles_are_refused(void **state) {
  struct cert_profile good = { .subject = "CN=a", .not_before = NOW, .not_after = NOW + 1 };
  struct cert_profile p = good;
  assert_ok(cert_profile_check(&p));
  p.not_after = NOW;
  assert_err(cert_profile_check(&p), ERR_BAD_PARAMETER);
  p.not_after = 253402300800;
  assert_err(cert_profile_check(&p), ERR_BAD_PARAMETER);
  p = good;
  p.not_before = -1;
  assert_err(cert_profile_check(&p), ERR_BAD_PARAMETER);
  p = good;
  p.usage = 1 << USAGE_COUNT;
  assert_err(cert_profile_check(&p), ERR_BAD_PARAMETER);
  p = good;
  p.subject = "";
  assert_err(cert_profile_check(&p), ERR_BAD_PARAMETER);
  const char *names[] = { "example.com" };
  p.sans[SAN_DNS] = (struct cert_texts){ names, 1 };
  assert_ok(cert_profile_check(&p));
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(subjects_come_back),
    cmocka_unit_test(the_first_of_a_text_is_the_last_of_a_name),
    cmocka_unit_test(malformed_subjects_are_refused),
    cmocka_unit_test(controls_in_foreign_names_are_escaped),
    cmocka_unit_test(alternative_names_are_taken),
    cmocka_unit_test(alternative_names_that_are_none_are_refused),
    cmocka_unit_test(usages_are_oids),
    cmocka_unit_test(key_usage_has_the_apis_names),
    cmocka_unit_test(impossible_profiles_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
