/*
 * The hub's authority from inside: what grants cover, what constraints permit, what is due, what a
 * flood of OCSP requests gets, what a restart finds, and what is left where memory runs out.
 */
#include "base/clock.h"
#include "fault/oom.h"
#include "fixture.h"
#include "vault/ca/ca_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define assert_ok(call) assert_string_equal(err_info(call)->name, "OK")
#define assert_err(call, code) assert_string_equal(err_info(call)->name, #code)

static struct fixture f;
static struct key *key;
static const char *const app = "11111111-2222-3333-4444-555555555555";

static int begin(void **state) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  fixture_open(&f, NULL);
  return key_generate(&spec, &key) != OK;
}

static int end(void **state) {
  key_free(key);
  fixture_close(&f);
  return 0;
}

static struct ca *ca(void) {
  return f.hub->ca;
}

static struct cert_profile saying(enum cert_san kind, const char *name, const char **room) {
  struct cert_profile p = { .subject = "" };
  *room = name;
  p.sans[kind] = (struct cert_texts){ room, 1 };
  return p;
}

static err_t issue_for(enum ca_profile profile, enum cert_san kind, const char *name,
                       char serial[static SERIAL_TEXT + 1]) {
  const char *room;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO_CERT_INFO info = { 0 };
  const struct ca_request rq = {
    .profile = profile, .says = saying(kind, name, &room), .key = key, .oid = app, .via = "test"
  };
  TRY(ca_issue(ca(), &rq, &chain));
  assert_int_equal(chain.count, 2);
  TRY(cert_read(buf_bytes(&chain.ders[0]), &info));
  assert_int_equal(info.serial_size, CERT_SERIAL_SIZE);
  hex_encode(bytes_of(info.serial, info.serial_size), serial);
  return OK;
}

/* Grants. */

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

static err_t issue_saying(enum ca_profile profile, const struct cert_profile *says) {
  AUTO_CERT_CHAIN chain = { 0 };
  const struct ca_request rq = {
    .profile = profile, .says = *says, .key = key, .oid = app, .via = "test"
  };
  return ca_issue(ca(), &rq, &chain);
}

static void requests_are_bounded(void **state) {
  static const char *ocsp[] = { "1.3.6.1.5.5.7.3.9" }, *any[] = { "2.5.29.37.0" };
  int64_t now = clock_real();
  struct cert_profile says = { .subject = "CN=a.example" }, p = says;
  assert_ok(issue_saying(CA_SERVER, &p));
  p.ca = true;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.usage = USAGE_KEY_CERT_SIGN;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.ekus = (struct cert_texts){ ocsp, 1 };
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.ekus = (struct cert_texts){ any, 1 };
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_after = now - 1;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_before = now - 10 * DAY, p.not_after = now + DAY;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_after = now + 500 * DAY;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_before = now + DAY, p.not_after = now + 2 * DAY;
  assert_ok(issue_saying(CA_SERVER, &p));
  p = says, p.not_before = now + 3 * DAY, p.not_after = now + 4 * DAY;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_before = now + DAY, p.not_after = now + DAY;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_before = now + DAY, p.not_after = now + 400 * DAY + 3600;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  clock_shift(300 * DAY); /* a vault's certificate, where a test moves the clock */
  p = says, p.not_before = now + 300 * DAY, p.not_after = now + 500 * DAY;
  assert_ok(issue_saying(CA_SERVER, &p));
  clock_shift(0);
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
  p = says, p.not_before = now + 1000 * DAY, p.not_after = now + 1200 * DAY;
  assert_err(issue_saying(CA_SERVER, &p), ERR_BAD_PARAMETER);
}

static void spiffe_ids(void **state) {
  static const struct {
    const char *id;
    bool good;
  } cases[] = {
    { "spiffe://x.example/a/b-c_d.E", true }, { "spiffe://x.example", false },
    { "spiffe://x.example/", false },         { "spiffe://X.example/a", false },
    { "spiffe://x.example/a/", false },       { "spiffe://x.example//a", false },
    { "spiffe://x.example/./a", false },      { "spiffe://x.example/../a", false },
    { "spiffe://x.example/a?b", false },      { "spiffe://x.example:1/a", false },
    { "spiffe://u@x.example/a", false },      { "spiffe://x.example/a%41", false },
    { "https://x.example/a", false },         { "spiffe:///a", false },
  };
  char serial[SERIAL_TEXT + 1];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    err_t e = issue_for(CA_WORKLOAD, SAN_URI, cases[i].id, serial);
    if ((e == OK) != cases[i].good)
      fail_msg("%s: %s", cases[i].id, err_info(e)->name);
  }
}

static size_t known(void) {
  return ca()->ledger.count;
}

/* What was issued, revoked and granted is there after a restart; and a revoked one stays so. */
static void restart(void **state) {
  static const char *names[] = { "a.example" };
  const struct cert_texts list = { names, 1 };
  char good[SERIAL_TEXT + 1], bad[SERIAL_TEXT + 1], named[SERIAL_TEXT + 1];
  size_t count;
  AUTO_BUF before = BUF_EMPTY, after = BUF_EMPTY;
  assert_ok(ca_grant(ca(), app, 1u << CA_SERVER, &list));
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "restart.example", good));
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "bad.example", bad));
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "named.example", named));
  assert_err(ca_revoke(ca(), bad, 1, f.oid), ERR_CERTIFICATE_NOT_FOUND); /* another's */
  assert_err(ca_revoke(ca(), bad, 6, NULL), ERR_BAD_PARAMETER);
  assert_ok(ca_revoke(ca(), bad, 1, app));
  assert_err(ca_revoke(ca(), bad, 1, app), ERR_CONFLICT);
  assert_ok(ca_revoke_name(ca(), "NAMED.example", 4, &count));
  assert_int_equal(count, 1);
  size_t all = known();
  assert_ok(ca_root(ca(), &before));
  fixture_reopen(&f);
  assert_ok(ca_root(ca(), &after));
  assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
  assert_true(known() >= all); /* the new port does not matter to the server's certificate */
  assert_int_equal(ledger_serial(&ca()->ledger, good)->revoked_at, 0);
  assert_int_equal(ledger_serial(&ca()->ledger, bad)->reason, 1);
  assert_int_not_equal(ledger_serial(&ca()->ledger, named)->revoked_at, 0);
  assert_int_equal(ca()->ledger.revoked_count, 2);
  const struct cert_profile says = { .subject = "CN=a.example" };
  assert_ok(ca_check_names(ca(), app, CA_SERVER, &says));
}

/* OCSP. */

static struct ocsp_cert cert_id(const char *serial) {
  struct ocsp_cert c = { .hash = OCSP_SHA256 };
  const struct authority *a = authority_now(ca());
  memcpy(c.name, a->hashes.name[OCSP_SHA256], SHA256_SIZE);
  memcpy(c.key, a->hashes.key[OCSP_SHA256], SHA256_SIZE);
  assert_ok(hex_decode(bytes_str(serial), c.serial, sizeof c.serial, &c.serial_size));
  return c;
}

static void put(struct buf *b, uint8_t tag, struct bytes v) {
  buf_put_char(b, (char)tag);
  if (v.size >= 0x80) {
    buf_put_char(b, (char)0x81);
    assert_true(v.size < 256);
  }
  buf_put_char(b, (char)v.size);
  buf_put_bytes(b, v);
}

/* OCSPRequest of one certificate by SHA-256, with a nonce of 16 bytes or none. */
static void write_request(const char *serial, const uint8_t *nonce, struct buf *out) {
  static const uint8_t sha256[] = { 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48,
                                    0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
  static const uint8_t oid[] = { 0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x02 };
  struct ocsp_cert c = cert_id(serial);
  AUTO_BUF id = BUF_EMPTY, one = BUF_EMPTY, list = BUF_EMPTY, entries = BUF_EMPTY, tbs = BUF_EMPTY,
           whole = BUF_EMPTY, inner = BUF_EMPTY, value = BUF_EMPTY, extension = BUF_EMPTY,
           sequence = BUF_EMPTY, extensions = BUF_EMPTY;
  buf_put(&id, sha256, sizeof sha256);
  put(&id, 0x04, bytes_of(c.name, SHA256_SIZE));
  put(&id, 0x04, bytes_of(c.key, SHA256_SIZE));
  put(&id, 0x02, bytes_of(c.serial, c.serial_size));
  put(&one, 0x30, buf_bytes(&id));
  put(&entries, 0x30, buf_bytes(&one));
  put(&list, 0x30, buf_bytes(&entries));
  buf_put_bytes(&tbs, buf_bytes(&list));
  if (nonce) {
    put(&inner, 0x04, bytes_of(nonce, 16));
    put(&value, 0x04, buf_bytes(&inner));
    buf_put(&extension, oid, sizeof oid);
    buf_put_bytes(&extension, buf_bytes(&value));
    put(&sequence, 0x30, buf_bytes(&extension));
    put(&extensions, 0x30, buf_bytes(&sequence));
    put(&tbs, 0xa2, buf_bytes(&extensions));
  }
  put(&whole, 0x30, buf_bytes(&tbs));
  put(out, 0x30, buf_bytes(&whole));
}

static void respond(const char *serial, const uint8_t *nonce, struct buf *out,
                    int64_t *fresh_until) {
  AUTO_BUF request = BUF_EMPTY;
  write_request(serial, nonce, &request);
  buf_clear(out);
  assert_ok(ca_ocsp(ca(), buf_bytes(&request), out, fresh_until));
}

static bool told_later(const struct buf *der) {
  static const uint8_t later[] = { 0x30, 0x03, 0x0a, 0x01, OCSP_TRY_LATER };
  return bytes_equal(buf_bytes(der), bytes_of(later, sizeof later));
}

static void answers_are_kept(void **state) {
  char serial[SERIAL_TEXT + 1];
  int64_t fresh;
  AUTO_BUF first = BUF_EMPTY, second = BUF_EMPTY;
  static const uint8_t nonce[16] = { 1 };
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "kept.example", serial));
  respond(serial, NULL, &first, &fresh);
  assert_true(fresh > clock_real());
  respond(serial, NULL, &second, &fresh);
  assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second))); /* no two signatures are alike */
  respond(serial, nonce, &second, &fresh);
  assert_int_equal(fresh, 0);
  assert_non_null(memmem(second.data, second.size, nonce, sizeof nonce));
  assert_ok(ca_revoke(ca(), serial, 0, NULL));
  respond(serial, NULL, &second, &fresh);
  assert_false(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
  respond("7f00", NULL, &first, &fresh);
  assert_int_equal(fresh, 0); /* what is unknown is not kept */
}

/* More than the budget of a second in much less: what was signed before is still given. */
static void flood(void **state) {
  char serial[SERIAL_TEXT + 1], other[SERIAL_TEXT + 1];
  int64_t fresh;
  unsigned later = 0, without = 0, asked = 0;
  AUTO_BUF kept = BUF_EMPTY, der = BUF_EMPTY;
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "flood.example", serial));
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "other.example", other));
  respond(serial, NULL, &kept, &fresh);
  uint64_t from = clock_mono_us();
  for (uint8_t nonce[16] = { 0 }; asked < 2500 && clock_mono_us() - from < 3000000; asked++) {
    memcpy(nonce, &asked, sizeof asked);
    respond(asked % 2 ? serial : other, nonce, &der, &fresh);
    later += told_later(&der);
    without += bytes_equal(buf_bytes(&der), buf_bytes(&kept));
    respond(serial, NULL, &der, &fresh);
    assert_true(bytes_equal(buf_bytes(&der), buf_bytes(&kept)));
  }
  uint64_t us = clock_mono_us() - from;
  unsigned most = 500 + (unsigned)(us * 500 / 1000000) + 1; /* a full budget, and what came in */
  assert_true(asked - later - without <= most);
  if (asked > most) {
    assert_true(later > 0);
    assert_true(without > 0);
  }
}

/* Lists that are on their way are counted; beyond the budget one is told to come back. */
static int fetch_list(const char *path) {
  AUTO_ANSWER a = { 0 };
  fixture_call(&f, bytes_str(""), HTTP_GET, path, (struct bytes){ 0 }, &a);
  bool later = memmem(a.headers.data, a.headers.size, "Retry-After:", 12) != NULL;
  assert_int_equal(later, a.status == 503);
  return a.status;
}

static void lists_have_a_budget(void **state) {
  _Atomic uint64_t *lists = &f.hub->api.lists;
  assert_int_equal(fetch_list("/pki/issuing.crl"), 200);
  assert_int_equal(fetch_list("/pki/root.crl"), 200);
  assert_int_equal(*lists, 0);
  atomic_store(lists, 64 << 20);
  assert_int_equal(fetch_list("/pki/issuing.crl"), 503);
  assert_int_equal(fetch_list("/pki/root.crl"), 503);
  assert_int_equal(fetch_list("/pki/root.cer"), 200);
  assert_int_equal(*lists, 64 << 20);
  atomic_fetch_sub(lists, 1);
  assert_int_equal(fetch_list("/pki/issuing.crl"), 200);
  assert_int_equal(*lists, (64 << 20) - 1);
  atomic_store(lists, 0);
}

/* What happens by time. */

static void due(int64_t now, unsigned *renewed) {
  ca()->warned = 0;
  assert_ok(ca_carry_out_due(ca(), now, renewed));
}

static void lists_and_signers_stay_fresh(void **state) {
  struct authority *a = authority_now(ca());
  unsigned renewed;
  int64_t now = clock_real(), list = a->crl.next_update, signer = a->responder_until;
  due(now, &renewed);
  assert_int_equal(renewed, 0);
  assert_int_equal(a->crl.next_update, list);
  assert_int_equal(a->responder_until, signer);
  due(now + 13 * 3600, &renewed);
  assert_true(a->crl.next_update > list);
  due(now + 4 * DAY, &renewed);
  assert_true(a->responder_until > signer);
  int64_t root = ca()->root.crl.next_update;
  due(now + 201 * DAY, &renewed);
  assert_true(ca()->root.crl.next_update > root);
}

static void expired_ones_are_forgotten(void **state) {
  char brief[SERIAL_TEXT + 1], lasting[SERIAL_TEXT + 1];
  unsigned renewed;
  int64_t now = clock_real();
  assert_ok(issue_for(CA_WORKLOAD, SAN_URI, "spiffe://x/brief", brief));
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "lasting.example", lasting));
  assert_ok(ca_revoke(ca(), brief, 1, NULL));
  size_t count = known(), revoked = ca()->ledger.revoked_count;
  ca()->swept = 0;
  due(now + 2 * DAY, &renewed);
  assert_int_equal(known(), count);
  ca()->swept = 0;
  due(now + 4 * DAY, &renewed);
  assert_true(known() < count);
  assert_true(ca()->ledger.revoked_count < revoked);
  assert_null(ledger_serial(&ca()->ledger, brief));
  assert_non_null(ledger_serial(&ca()->ledger, lasting));
  const struct issued_name *at = NULL;
  assert_null(ledger_name(&ca()->ledger, "spiffe://x/brief", &at));
  count = known();
  fixture_reopen(&f);
  assert_true(known() >= count && known() <= count + 1);
  assert_null(ledger_serial(&ca()->ledger, brief));
}

static void issuing_authority_is_renewed(void **state) {
  unsigned renewed;
  char serial[SERIAL_TEXT + 1];
  int64_t now = clock_real();
  size_t count = ca()->authority_count;
  ca()->swept = now + 600 * DAY; /* the hub's own certificate is not forgotten */
  due(now + 500 * DAY, &renewed);
  assert_int_equal(renewed, 0);
  due(now + 600 * DAY, &renewed);
  assert_int_equal(renewed, count + 1);
  due(now + 600 * DAY, &renewed);
  assert_int_equal(renewed, 0);
  fixture_reopen(&f);
  assert_int_equal(ca()->authority_count, count + 1);
  assert_true(authority_now(ca())->not_after > now + 1600 * DAY);
  assert_err(issue_for(CA_SERVER, SAN_DNS, "early.example", serial), ERR_CONFLICT);
}

/* A renewal that fails keeps nothing else from being done; and authorities that ended long ago do
 * not stand in the way of one. */
static void many_authorities(void **state) {
  unsigned renewed;
  int64_t now = clock_real();
  const struct cert_texts all = { 0 };
  struct authority *first = ca()->authorities[0];
  unsigned number = first->number;
  while (ca()->authority_count < AUTHORITIES_MAX)
    assert_ok(authority_make(ca(), ca()->root.key, &all, now));
  struct authority *newest = authority_now(ca());
  ca()->swept = 0;
  assert_err(ca_carry_out_due(ca(), now + 700 * DAY, &renewed), ERR_CONFLICT);
  assert_int_equal(renewed, 0);
  assert_true(newest->crl.next_update > now + 700 * DAY);
  assert_true(newest->responder_until > now + 700 * DAY);
  assert_int_equal(ca()->swept, now + 700 * DAY);
  assert_int_equal(ca()->authority_count, AUTHORITIES_MAX);
  due(now + 1096 * DAY + RETIRE_AFTER + 60, &renewed);
  assert_int_equal(renewed, newest->number + 1);
  assert_ptr_equal(authority_get(ca(), newest->number), newest);
  assert_null(authority_get(ca(), number));
  assert_true(ca()->authority_count <= 3); /* one that was renewed ahead of time, too */
}

/* The ledger against a plain list. */

static struct issued *made(unsigned n) {
  struct issued *i = mem_zalloc(sizeof *i);
  assert_non_null(i);
  snprintf(i->serial, sizeof i->serial, "%032x", n * 2654435761u);
  i->at = (int64_t)(n * 7919u % 1000);
  i->subject = mem_strdup("");
  i->names = mem_zalloc(2 * sizeof *i->names);
  i->name_count = 2;
  for (size_t k = 0; k < 2; k++) {
    char name[32];
    snprintf(name, sizeof name, k ? "shared.example" : "n%u.example", n);
    i->names[k] = (struct issued_name){ .of = i, .text = mem_strdup(name) };
  }
  return i;
}

/* How many have the name; they come in the order of the list, the newest first. */
static unsigned shared(const struct ledger *x) {
  const struct issued_name *at = NULL;
  const struct issued *next = x->newest;
  unsigned n = 0;
  for (const struct issued *i; (i = ledger_name(x, "Shared.example", &at)); n++) {
    assert_ptr_equal(i, next);
    next = i->older;
  }
  return n;
}

static void ledger(void **state) {
  enum { MANY = 1500 };
  struct ledger x = { 0 };
  static struct issued *all[MANY];
  assert_ok(ledger_init(&x));
  for (unsigned n = 0; n < MANY; n++)
    ledger_put(&x, all[n] = made(n));
  assert_int_equal(shared(&x), MANY); /* it has grown meanwhile */
  assert_ok(ledger_sort(&x));
  int64_t last = INT64_MAX;
  unsigned seen = 0;
  for (const struct issued *i = x.newest; i; i = i->older, seen++) {
    assert_true(i->at <= last);
    last = i->at;
  }
  assert_int_equal(seen, MANY);
  assert_int_equal(shared(&x), MANY);
  for (unsigned n = 0; n < MANY; n += 3) {
    ledger_remove(&x, all[n]);
    issued_free(all[n]);
  }
  assert_int_equal(shared(&x), MANY - MANY / 3);
  for (unsigned n = 0; n < MANY; n++) {
    char serial[SERIAL_TEXT + 1];
    snprintf(serial, sizeof serial, "%032X", n * 2654435761u);
    assert_ptr_equal(ledger_serial(&x, serial), n % 3 ? all[n] : NULL);
  }
  seen = 0;
  for (const struct issued *i = x.oldest; i; i = i->newer)
    seen++;
  assert_int_equal(seen, MANY - MANY / 3);
  ledger_free(&x);
}

/* The n-th allocation fails: an error, and then no record of a certificate that nobody got but is
 * good; or the certificate. */
static void out_of_memory(void **state) {
  char serial[SERIAL_TEXT + 1];
  unsigned long n = 1;
  err_t e = OK;
  for (bool failed = true; failed; n++) {
    size_t before = known();
    oom_start(n, OOM_ONE);
    const char *room;
    AUTO_CERT_CHAIN chain = { 0 };
    const struct ca_request rq = { .profile = CA_SERVER,
                                   .says = saying(SAN_DNS, "oom.example", &room),
                                   .key = key,
                                   .oid = app,
                                   .via = "test" };
    e = ca_issue(ca(), &rq, &chain);
    failed = oom_stop();
    assert_int_equal(known(), before + (e == OK));
    assert_int_equal(chain.count, e == OK ? 2 : 0);
  }
  assert_ok(e);
  assert_true(n > 20);
  assert_ok(issue_for(CA_SERVER, SAN_DNS, "after.example", serial));
}

/* Issued, revoked, asked about, listed, granted and renewed at once. (The TSan build looks for
 * races.) */
#define THREADS 4
#define STEPS 40

static void *work(void *arg) {
  const char *granted[] = { "t.example" };
  const struct cert_texts names = { granted, 1 };
  char serial[SERIAL_TEXT + 1], last[SERIAL_TEXT + 1], name[32];
  unsigned id = *(unsigned *)arg, renewed;
  int64_t until;
  for (unsigned i = 0; i < STEPS; i++) {
    AUTO_BUF out = BUF_EMPTY, json = BUF_EMPTY;
    const struct ca_page page = { i % 2 ? "t.example" : NULL, "", 25 };
    const struct cert_profile says = { .subject = "CN=t.example" };
    snprintf(name, sizeof name, "t%u.example", id);
    if (issue_for(CA_SERVER, SAN_DNS, i % 3 ? name : "t.example", serial) != OK ||
        ca_write_certificates(ca(), &page, &json, last) != OK ||
        ca_crl(ca(), 0, &out, &until) != OK || ca_grant(ca(), app, 1, &names) != OK ||
        ca_check_names(ca(), app, CA_SERVER, &says) != OK ||
        (i % 4 == 0 && ca_revoke(ca(), serial, 1, app) != OK) ||
        (id == 0 && i % 16 == 0 &&
         ca_carry_out_due(ca(), clock_real() + 13 * 3600, &renewed) != OK))
      return arg;
    respond(serial, NULL, &out, &until);
  }
  return NULL;
}

static void at_once(void **state) {
  pthread_t threads[THREADS];
  unsigned ids[THREADS];
  size_t before = ca()->ledger.revoked_count;
  for (unsigned i = 0; i < THREADS; i++) {
    ids[i] = i;
    assert_int_equal(pthread_create(&threads[i], NULL, work, &ids[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    assert_null(failed);
  }
  assert_int_equal(ca()->ledger.revoked_count, before + THREADS * STEPS / 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(grants_cover_names),
    cmocka_unit_test(grants_cover_subjects),
    cmocka_unit_test(grants_cover_usages),
    cmocka_unit_test(vaults_need_profiles),
    cmocka_unit_test(malformed_grants),
    cmocka_unit_test(requests_are_bounded),
    cmocka_unit_test(spiffe_ids),
    cmocka_unit_test(restart),
    cmocka_unit_test(answers_are_kept),
    cmocka_unit_test(flood),
    cmocka_unit_test(lists_have_a_budget),
    cmocka_unit_test(ledger),
    cmocka_unit_test(out_of_memory),
    cmocka_unit_test(at_once),
    cmocka_unit_test(lists_and_signers_stay_fresh),
    cmocka_unit_test(expired_ones_are_forgotten),
    cmocka_unit_test(issuing_authority_is_renewed),
    cmocka_unit_test(many_authorities),
  };
  return cmocka_run_group_tests_name("ca", tests, begin, end);
}
