/*
 * The hub's authority from inside: what constraints permit, what is due, what a flood of OCSP
 * requests gets, what a restart finds, and what is left where memory runs out.
 */
#include "ca_fixture.h"

#include "fault/oom.h"

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
