/* Revocation lists that are kept beside a certificate. */
#include "enrol_kit.h"

#include "crypto/crl.h"

/* Whether one of the lists in use names it. */
static bool listed(size_t issuer, struct bytes serial) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  bool found = false;
  for (size_t i = 0; i < now->list_count; i++) {
    AUTO_CRL crl = { 0 };
    if (crl_read(buf_bytes(&now->lists[i]), buf_bytes(&f.issuers[issuer].der), &crl) == OK)
      found |= crl_has(&crl, serial);
  }
  return found;
}

static size_t lists_of(void) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  return now->list_count;
}

static struct bytes some_serial(void) {
  return bytes_str("A0123456789abcde");
}

static void run_kept(struct told *told) {
  open_kept();
  assert_ok(enrol_start(kept, note_change, told));
}

/* Requests of a look that finds nothing new. */
static void nothing_new(void **state) {
  struct told told = { 0 };
  run_kept(&told);
  for (unsigned i = 0; i < 3; i++) {
    unsigned asked = atomic_load(&f.asked);
    enrol_look_now(kept);
    wait_until(atomic_load(&f.asked) == asked + 3); /* root's, which issues, its list */
  }
  assert_int_equal(atomic_load(&told.times), 0);
  assert_int_equal(status().failures, 0);
}

static void somebody_revoked(void **state) {
  struct told told = { 0 };
  run_kept(&told);
  fake_ca_revoke(&f, 1, some_serial());
  assert_false(listed(1, some_serial()));
  enrol_look_now(kept);
  wait_until(atomic_load(&told.times) == 1);
  assert_true(listed(1, some_serial()));
  close_kept();
  fake_ca_away(&f, true);
  open_kept();
  assert_true(listed(1, some_serial()));
  assert_int_equal(atomic_load(&f.issued), 1);
}

/* It is looked for by itself, too. */
static void looked_for(void **state) {
  struct enrol_options o = options();
  struct told told = { 0 };
  o.list_s = 1;
  assert_ok(enrol_new(f.client, &o, 0, &kept));
  assert_ok(enrol_start(kept, note_change, &told));
  fake_ca_revoke(&f, 1, some_serial());
  wait_until(atomic_load(&told.times) == 1);
}

static void revoked_itself(void **state) {
  struct told told = { 0 };
  run_kept(&told);
  AUTO_CERT_INFO before = { 0 }, after = { 0 };
  read_current(&before);
  fake_ca_revoke(&f, 1, serial_of(&before));
  enrol_look_now(kept);
  wait_until(status().renewals == 1 && atomic_load(&told.times) == 2);
  read_current(&after);
  assert_false(bytes_equal(serial_of(&before), serial_of(&after)));
  enrol_look_now(kept);
  wait_until(status().failures == 0);
  assert_int_equal(status().renewals, 1);
}

/* Also while nobody was looking. */
static void revoked_before(void **state) {
  struct told told = { 0 };
  AUTO_CERT_INFO before = { 0 };
  open_kept();
  read_current(&before);
  fake_ca_revoke(&f, 1, serial_of(&before));
  close_kept();
  run_kept(&told);
  wait_until(status().renewals == 1);
}

static void expect_refused(struct told *told, const char *why) {
  AUTO(enrolled) struct enrolled *before = enrol_current(kept);
  uint64_t failures = status().failures;
  enrol_look_now(kept);
  wait_until(status().failures > failures);
  if (!strstr(status().trouble, why))
    fail_msg("%s", status().trouble);
  AUTO(enrolled) struct enrolled *after = enrol_current(kept);
  assert_ptr_equal(before, after);
  assert_int_equal(atomic_load(&told->times), 0);
}

static void refused(void **state) {
  struct told told = { 0 };
  run_kept(&told);
  AUTO_BUF root = BUF_EMPTY;
  buf_put_bytes(&root, buf_bytes(&f.issuers[0].crl));
  fake_ca_sign(&f, 1, 0, 200);
  expect_refused(&told, "of another authority");
  fake_ca_sign(&f, 0, 1, 200);
  expect_refused(&told, "of another authority");
  fake_ca_set_list(&f, 0, buf_bytes(&root));
  fake_ca_sign(&f, 1, 1, 99);
  expect_refused(&told, "older");
  clock_shift(600); /* the hub's clock */
  fake_ca_sign(&f, 1, 1, 201);
  clock_shift(0);
  expect_refused(&told, "clock");
  clock_shift(600);
  enrol_look_now(kept);
  wait_until(status().failures == 0 && atomic_load(&told.times) == 1);
}

/* A bad list of one authority keeps nobody from the others'. */
static void others_refreshed(void **state) {
  struct told told = { 0 };
  fake_ca_add_issuer(&f);
  run_kept(&told);
  assert_int_equal(lists_of(), 3);
  fake_ca_sign(&f, 1, 1, 1);
  fake_ca_revoke(&f, 2, some_serial());
  enrol_look_now(kept);
  wait_until(status().failures >= 1 && atomic_load(&told.times) == 1);
  assert_true(listed(2, some_serial()));
  assert_int_equal(lists_of(), 3);
}

static void new_authority(void **state) {
  struct told told = { 0 };
  run_kept(&told);
  AUTO_CERT_INFO info = { 0 };
  fake_ca_add_issuer(&f);
  enrol_look_now(kept);
  wait_until(atomic_load(&told.times) == 1);
  assert_int_equal(atomic_load(&told.lists), 3);
  assert_true(has_state("crl-2.der") && has_state("ca-2.der"));
  /* The root revokes the first one: it goes, and what it had issued to us is renewed. */
  assert_ok(cert_read(buf_bytes(&f.issuers[1].der), &info));
  fake_ca_revoke(&f, 0, serial_of(&info));
  enrol_look_now(kept);
  wait_until(status().renewals == 1 && atomic_load(&told.lists) == 2);
  assert_false(has_state("crl-1.der") || has_state("ca-1.der"));
  AUTO_CERT_INFO now = { 0 };
  read_current(&now);
  assert_string_equal(now.issuer, "CN=authority 2");
}

/* Lists on disk are verified like those that come from the hub. */
static void damaged(void **state) {
  open_kept();
  AUTO_BUF crl = BUF_EMPTY;
  close_kept();
  read_state("crl-1.der", &crl);
  crl.data[crl.size - 1] ^= 1;
  write_state("crl-1.der", buf_bytes(&crl));
  const struct enrol_options o = options();
  fake_ca_away(&f, true);
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_AWAY);
  fake_ca_away(&f, false);
  open_kept();
  assert_int_equal(lists_of(), 2);
  assert_int_equal(atomic_load(&f.issued), 1);
  close_kept();
  fake_ca_away(&f, true);
  open_kept();
  assert_int_equal(lists_of(), 2);
}

static void foreign_files(void **state) {
  open_kept();
  close_kept();
  write_state("crl-7.der", bytes_str("x"));
  write_state("crl-99999999999.der", bytes_str("x"));
  write_state("crl-01.der", bytes_str("x"));
  write_state("crl-.der", bytes_str("x"));
  write_state("crl-1.pem", bytes_str("x"));
  write_state("ca-7.der", buf_bytes(&f.issuers[0].der));
  fake_ca_away(&f, true);
  open_kept();
  assert_int_equal(lists_of(), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(nothing_new),    TEST(somebody_revoked), TEST(looked_for),       TEST(revoked_itself),
    TEST(revoked_before), TEST(refused),          TEST(others_refreshed), TEST(new_authority),
    TEST(damaged),        TEST(foreign_files),
  };
  return cmocka_run_group_tests_name("enrol_lists", tests, start_crypto, NULL);
}
