/* Patterns of names: what is one, what they cover, and what of a certificate is found. (Grants of
 * the hub's authority have a table of their own.) */
#include "cert_check.h"

#include "crypto/cert_match.h"

static void patterns(void **state) {
  static const char *const good[] = {
    "a.example",        ".a.example",     "*.a.example", "localhost",   "10.0.0.0/8", "::1",
    "spiffe://x/",      "spiffe://x/a/*", "x://a/b=c",   "a@b.example", "*@b",        "upn:a@b",
    "O=Contoso, \"x\"", "CN=a",           "OID.1.2.3=a", "S=a"
  };
  static const char *const bad[] = { "",          "*",          ".",      "*.",     "..a",
                                     "*.*.a",     "a*.b",       "a b",    "=x",     "@a",
                                     "a@",        "a@.b",       "a@*.b",  "upn:",   "*://x/",
                                     "x://*/a",   "10.0.0.1/8", "a/b",    "x://a*", "x://a*/",
                                     "x://a/*/b", "://a/b",     "x:///a", "OU=",    "XX=1",
                                     "ou=a",      "ST=a",       "O =a",   "1.2=a" };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if (!cert_pattern_valid(str(good[i])))
      fail_msg("'%s' was refused", good[i]);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (cert_pattern_valid(str(bad[i])))
      fail_msg("'%s' was taken", bad[i]);
  char longest[CERT_PATTERN_MAX + 2];
  memset(longest, 'a', sizeof longest);
  assert_true(cert_pattern_valid(bytes_of(longest, CERT_PATTERN_MAX)));
  assert_false(cert_pattern_valid(bytes_of(longest, CERT_PATTERN_MAX + 1)));
  assert_false(cert_pattern_valid(bytes_of("a\0b", 3)));
}

static void covered(void **state) {
  static const struct {
    const char *pattern;
    enum cert_san kind;
    const char *name;
    bool is;
  } cases[] = {
    { "a.example", SAN_DNS, "A.Example", true },
    { "a.example", SAN_DNS, "", false },
    { ".a.example", SAN_DNS, "b.A.example", true },
    { "*.a.example", SAN_DNS, "b.a.example", true },
    { "*.a.example", SAN_DNS, ".a.example", false },
    { "*.a.example", SAN_DNS, "c.b.a.example", false },
    { "10.0.0.0/8", SAN_IP, "10.9.8.7", true },
    { "10.0.0.1", SAN_IP, "10.0.0.1", true },
    { "10.0.0.1", SAN_DNS, "10.0.0.1", false },
    { "::1", SAN_IP, "0:0::1", true },
    { "spiffe://x/a", SAN_URI, "spiffe://x/a", true },
    { "spiffe://x/a", SAN_DNS, "spiffe://x/a", false },
    { "spiffe://x/*", SAN_URI, "spiffe://x/", false },
    { "spiffe://x/*", SAN_URI, "spiffe://x/./a", false },
    { "*@b.example", SAN_EMAIL, "x@B.example", true },
    { "*@b.example", SAN_DNS, "b.example", false },
    { "upn:a@b", SAN_UPN, "a@b", true },
    { "upn:a@b", SAN_EMAIL, "a@b", false },
    { "CN=a.example", SAN_DNS, "a.example", false },
    { "", SAN_DNS, "", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (cert_pattern_covers(str(cases[i].pattern), cases[i].kind, str(cases[i].name)) !=
        cases[i].is)
      fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
}

/* A certificate with a name of each kind, and a subject with what looks like names, too. */
static void make(struct cert_info *info) {
  static const char *dns[] = { "web.svc.example", "web.example" }, *ip[] = { "10.1.2.3" },
                    *uri[] = { "spiffe://x/web" }, *email[] = { "web@b.example" },
                    *upn[] = { "web@c.example" };
  struct cert_profile p = named("CN=admin.example, OU=web + O=\"Contoso, Ltd\"");
  AUTO_BUF der = BUF_EMPTY;
  AUTO(key) struct key *key = new_key(KEY_EC, 0, CURVE_P256);
  p.sans[SAN_DNS] = (struct cert_texts){ dns, 2 };
  p.sans[SAN_IP] = (struct cert_texts){ ip, 1 };
  p.sans[SAN_URI] = (struct cert_texts){ uri, 1 };
  p.sans[SAN_EMAIL] = (struct cert_texts){ email, 1 };
  p.sans[SAN_UPN] = (struct cert_texts){ upn, 1 };
  assert_ok(cert_self_sign(key, &p, &der));
  assert_ok(cert_read(buf_bytes(&der), info));
}

static void certificates(void **state) {
  static const struct {
    const char *patterns[2];
    const char *found;
  } cases[] = {
    { { "web.example" }, "web.example" },
    { { "web.example", ".svc.example" }, "web.svc.example" }, /* the certificate's order */
    { { "10.0.0.0/8" }, "10.1.2.3" },
    { { "spiffe://x/*" }, "spiffe://x/web" },
    { { "*@b.example" }, "web@b.example" },
    { { "upn:web@c.example" }, "web@c.example" },
    { { "OU=web" }, "OU=web" },
    { { "O=Contoso, Ltd" }, "O=Contoso, Ltd" },
    { { "CN=admin.example" }, "CN=admin.example" },
    { { "OU=web", "web.example" }, "web.example" }, /* names come before attributes */
    { { "admin.example" }, NULL },
    { { ".example.org", "10.2.0.0/16" }, NULL },
    { { "OU=we" }, NULL },
    { { "ou=web" }, NULL },
    { { "O=Contoso" }, NULL },
    { { "OU=Web" }, NULL },
  };
  AUTO_CERT_INFO info = { 0 };
  make(&info);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *found = cert_match(&info, cases[i].patterns, cases[i].patterns[1] ? 2 : 1);
    if (!found != !cases[i].found || (found && strcmp(found, cases[i].found) != 0))
      fail_msg("'%s': %s", cases[i].patterns[0], found ? found : "nothing");
  }
  assert_null(cert_match(&info, cases[0].patterns, 0));
}

/* A request's subject may be empty, and so may be all of it. */
static void nothing(void **state) {
  static const char *const all[] = { "a.example", "CN=a" };
  const struct cert_info none = { 0 };
  assert_null(cert_match(&none, all, 2));
}

static void hosts(void **state) {
  assert_true(cert_host_is_below(str("a.example"), str("A.example"), true));
  assert_false(cert_host_is_below(str("a.example"), str("a.example"), false));
  assert_true(cert_host_is_below(str("b.a.example"), str(".a.example"), false));
  assert_false(cert_host_is_below(str("ba.example"), str("a.example"), true));
  assert_false(cert_host_is_below(str("a"), str("a.example"), true));
  assert_true(cert_looks_like_host(str("*.a-b_c.example")));
  assert_true(cert_looks_like_host(str("fd00::1")));
  assert_false(cert_looks_like_host(str("a b")));
  assert_false(cert_looks_like_host(str("")));
  assert_false(cert_looks_like_host(bytes_of("a\0", 2)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(patterns), cmocka_unit_test(covered), cmocka_unit_test(certificates),
    cmocka_unit_test(nothing),  cmocka_unit_test(hosts),
  };
  start_crypto();
  return cmocka_run_group_tests_name("cert_match", tests, NULL, NULL);
}
