/* Grants of the hub's authority: what they cover, and what is none. */
#include "ca_fixture.h"

static const struct grant_case {
  const char *name; /* of the grant */
  enum cert_san kind;
  const char *asked;
  bool covered;
} grant_cases[] = {
  { "a.example", SAN_DNS, "a.example", true },
  { "a.example", SAN_DNS, "A.Example", true },
  { "a.example", SAN_DNS, "b.a.example", false },
  { "a.example", SAN_DNS, "*.a.example", false },
  { "a.example", SAN_DNS, "xa.example", false },
  { ".a.example", SAN_DNS, "b.a.example", true },
  { ".a.example", SAN_DNS, "c.b.a.example", true },
  { ".a.example", SAN_DNS, "a.example", false },
  { ".a.example", SAN_DNS, "*.a.example", false },
  { ".a.example", SAN_DNS, "ba.example", false },
  { "*.a.example", SAN_DNS, "*.a.example", true },
  { "*.a.example", SAN_DNS, "b.a.example", true },
  { "*.a.example", SAN_DNS, "c.b.a.example", false },
  { "*.a.example", SAN_DNS, "*.b.a.example", false },
  { "*.a.example", SAN_DNS, "a.example", false },
  { "10.1.0.0/16", SAN_IP, "10.1.255.1", true },
  { "10.1.0.0/16", SAN_IP, "10.2.0.1", false },
  { "10.1.0.0/16", SAN_IP, "::1", false },
  { "10.1.0.0/16", SAN_DNS, "10.1.0.1", false },
  { "fd00::/8", SAN_IP, "fd12::1", true },
  { "spiffe://x/a", SAN_URI, "spiffe://x/a", true },
  { "spiffe://x/a", SAN_URI, "spiffe://x/A", false },
  { "spiffe://x/a", SAN_URI, "spiffe://x/a/b", false },
  { "spiffe://x/a/*", SAN_URI, "spiffe://x/a/b/c", true },
  { "spiffe://x/a/*", SAN_URI, "spiffe://x/a/", false },
  { "spiffe://x/a/*", SAN_URI, "spiffe://x/b", false },
  { "spiffe://x/a/*", SAN_URI, "spiffe://x/a/../b", false },
  { "spiffe://x/a/*", SAN_URI, "spiffe://x/a/%2e%2e/b", false },
  { "https://x/a=b", SAN_URI, "https://x/a=b", true },
  { "a@b.example", SAN_EMAIL, "a@B.example", true },
  { "a@b.example", SAN_EMAIL, "A@b.example", false },
  { "*@b.example", SAN_EMAIL, "z@b.example", true },
  { "*@b.example", SAN_EMAIL, "z@c.b.example", false },
  { "a@b.example", SAN_UPN, "a@b.example", false },
  { "upn:a@b.example", SAN_UPN, "a@b.example", true },
  { "upn:a@b.example", SAN_EMAIL, "a@b.example", false },
  { "O=Example", SAN_DNS, "O=Example", false },
};

static void grants_cover_names(void **state) {
  for (size_t i = 0; i < sizeof grant_cases / sizeof *grant_cases; i++) {
    const struct grant_case *c = &grant_cases[i];
    const char *names[] = { c->name }, *room;
    const struct cert_texts list = { names, 1 };
    struct cert_profile says = saying(c->kind, c->asked, &room);
    assert_ok(ca_grant(ca(), app, 1u << CA_SERVER, &list));
    err_t e = ca_check_names(ca(), app, CA_SERVER, &says);
    if (e != (c->covered ? OK : ERR_ACCESS_DENIED))
      fail_msg("'%s' for '%s': %s", c->name, c->asked, err_info(e)->name);
    assert_err(ca_check_names(ca(), app, CA_CLIENT, &says), ERR_ACCESS_DENIED);
    assert_err(ca_check_names(ca(), f.oid, CA_SERVER, &says), ERR_ACCESS_DENIED);
  }
}

static void grants_cover_subjects(void **state) {
  static const char *names[] = { "a.example", "10.1.0.0/16", "O=Example", "CN=Payments service",
                                 "CN=admin.example" };
  static const struct {
    const char *subject;
    bool covered;
  } cases[] = {
    { "", true },
    { "CN=a.example", true },
    { "CN=a.example, O=Example", true },
    { "CN=10.1.2.3", true },
    { "CN=Payments service", true },
    { "CN=admin.example", false }, /* a host's name is granted as one */
    { "CN=b.example", false },
    { "CN=10.2.0.1", false },
    { "CN=*.a.example", false },
    { "CN=Other service", false },
    { "CN=a.example, CN=b.example", false },
    { "CN=a.example + CN=b.example", false },
    { "CN=a.example, O=Other", false },
    { "CN=a.example, OU=Example", false },
    { "E=root@a.example", false },
    { "OID.2.5.4.3=b.example", false }, /* the common name by its number */
    { "SERIALNUMBER=1", false },
  };
  const struct cert_texts list = { names, sizeof names / sizeof *names };
  assert_ok(ca_grant(ca(), app, 1u << CA_SERVER, &list));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const struct cert_profile says = { .subject = cases[i].subject };
    err_t e = ca_check_names(ca(), app, CA_SERVER, &says);
    if (e != (cases[i].covered ? OK : ERR_ACCESS_DENIED))
      fail_msg("'%s': %s", cases[i].subject, err_info(e)->name);
  }
}

static void grants_cover_usages(void **state) {
  static const char *names[] = { "a.example" }, *client[] = { "1.3.6.1.5.5.7.3.2" },
                    *code[] = { "1.3.6.1.5.5.7.3.3" };
  const struct cert_texts list = { names, 1 };
  struct cert_profile says = { .subject = "CN=a.example", .ekus = { client, 1 } };
  assert_ok(ca_grant(ca(), app, 1u << CA_SERVER, &list));
  assert_err(ca_check_names(ca(), app, CA_SERVER, &says), ERR_ACCESS_DENIED);
  assert_ok(ca_grant(ca(), app, 1u << CA_SERVER | 1u << CA_CLIENT, &list));
  assert_err(ca_check_names(ca(), app, CA_SERVER, &says), ERR_ACCESS_DENIED);
  assert_ok(ca_check_names(ca(), app, CA_CLIENT, &says));
  assert_ok(ca_grant(ca(), app, 1u << CA_SERVER | 1u << CA_WORKLOAD, &list));
  assert_err(ca_check_names(ca(), app, CA_SERVER, &says), ERR_ACCESS_DENIED);
  assert_ok(ca_check_names(ca(), app, CA_WORKLOAD, &says));
  says.ekus.items = code;
  assert_err(ca_check_names(ca(), app, CA_SERVER, &says), ERR_ACCESS_DENIED);
}

/* A vault's certificate: of which profiles it has to be, by its usages and names. */
static void vaults_need_profiles(void **state) {
  static const char *names[] = { "a.example", "spiffe://x/*", "https://x/*" };
  static const char *ekus[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH, "1.3.6.1.5.5.7.3.17" };
  enum { S = 1u << CA_SERVER, C = 1u << CA_CLIENT, W = 1u << CA_WORKLOAD, V = 1u << CA_VPN };
  static const struct {
    unsigned profiles;
    size_t from, count; /* of ekus */
    const char *uri;
    bool may;
  } cases[] = {
    { S, 0, 1, NULL, true },
    { S, 0, 2, NULL, false },
    { S, 1, 1, NULL, false },
    { C, 1, 1, NULL, true },
    { C, 0, 1, NULL, false },
    { C, 0, 2, NULL, false },
    { S | C, 0, 2, NULL, true },
    { S | W, 0, 2, NULL, false },
    { W, 0, 2, NULL, false },
    { S | C, 0, 3, NULL, false },
    { V, 0, 3, NULL, true },
    { V, 0, 2, NULL, false },
    { S | C, 0, 2, "https://x/a", true },
    { S | W, 0, 1, "spiffe://x/a", false },
    { S | C | W, 0, 2, "spiffe://x/a", false },
    { W, 0, 2, "spiffe://x/a", false },
  };
  const struct cert_texts list = { names, 3 };
  char user[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  struct cert_authority vaults = hub_authority(f.hub);
  assert_ok(identity_create(f.hub->identity, "requester", user));
  assert_ok(identity_find(f.hub->identity, "requester", user, oid));
  assert_ok(role_assign(f.hub->roles, NULL, "99999999-2222-3333-4444-555555555555",
                        "strongroom-certificate-requester", oid, "/"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *uri = cases[i].uri;
    struct cert_profile says = { .subject = "CN=a.example",
                                 .not_before = clock_now(),
                                 .not_after = clock_now() + 30 * DAY,
                                 .ekus = { ekus + cases[i].from, cases[i].count } };
    if (uri)
      says.sans[SAN_URI] = (struct cert_texts){ &uri, 1 };
    assert_ok(ca_grant(ca(), oid, cases[i].profiles, &list));
    err_t e = vaults.check(vaults.ctx, oid, &says);
    if (e != (cases[i].may ? OK : ERR_ACCESS_DENIED))
      fail_msg("case %zu: %s", i, err_info(e)->name);
    assert_ok(vaults.check(vaults.ctx, f.oid, &says)); /* an owner's */
    says.not_after = clock_now() + 410 * DAY;
    assert_int_equal(vaults.check(vaults.ctx, f.oid, &says), ERR_BAD_PARAMETER);
  }
}

static void malformed_grants(void **state) {
  static const char *const bad[] = { "",        "*",          ".",         "*.",     "..a",
                                     "*.*.a",   "a*.b",       "a b",       "=x",     "@a",
                                     "a@",      "a@.b",       "a@*.b",     "upn:",   "*://x/",
                                     "x://*/a", "10.0.0.1/8", "a/b",       "**.a",   "x://a*",
                                     "x://*",   "x://a*/",    "x://a/*/b", "://a/b", "x:///a" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const char *names[] = { bad[i] };
    const struct cert_texts list = { names, 1 };
    if (ca_grant(ca(), app, 1, &list) != ERR_BAD_PARAMETER)
      fail_msg("'%s' was taken", bad[i]);
  }
  const char *names[] = { "a.example" };
  const struct cert_texts list = { names, 1 }, none = { 0 };
  assert_err(ca_grant(ca(), "someone", 1, &list), ERR_BAD_PARAMETER);
  assert_err(ca_grant(ca(), app, 0, &list), ERR_BAD_PARAMETER);
  assert_err(ca_grant(ca(), app, 1, &none), ERR_BAD_PARAMETER);
  assert_ok(ca_grant(ca(), app, 0, &none));
  assert_err(ca_grant(ca(), app, 0, &none), ERR_NOT_FOUND);
}

/* Issuing. */

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(grants_cover_names),  cmocka_unit_test(grants_cover_subjects),
    cmocka_unit_test(grants_cover_usages), cmocka_unit_test(vaults_need_profiles),
    cmocka_unit_test(malformed_grants),
  };
  return cmocka_run_group_tests_name("ca_grant", tests, begin, end);
}
