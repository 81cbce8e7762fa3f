/* No memory at any one moment: an error, never a wrong answer, and the next time works. */
#include "enrol_kit.h"

#include "fault/oom.h"

static int start_all(void **state) {
  bool locked;
  mem_install_json();
  if (crypto_init(1u << 20, &locked) != OK)
    return -1;
  log_set_level(LOG_LEVEL_ERROR);
  return start(state);
}

/* The n-th allocation fails; 0: none. *more: there was one. */
static err_t open_failing(unsigned long n, bool *more) {
  const struct enrol_options o = options();
  oom_start(n, OOM_ONE);
  err_t result = enrol_new(f.client, &o, 0, &kept);
  *more = oom_stop();
  if (!*more)
    assert_ok(result);
  return result;
}

static void check(struct cert_info *info) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  read_current(info);
  assert_int_equal(now->list_count, 2);
  assert_int_not_equal(now->ca_pem.size, 0);
}

/* From nothing: fewer and fewer of the many allocations are tried. */
static void asking(void **state) {
  bool more = true;
  char line[192];
  snprintf(line, sizeof line, "rm -rf %s", f.state);
  for (unsigned long n = 1; more; n += 1 + n / 30) {
    AUTO_CERT_INFO info = { 0 };
    assert_int_equal(system(line), 0);
    if (open_failing(n, &more) == OK)
      check(&info);
    close_kept();
  }
  open_kept();
  close_kept();
}

/* What is on disk is used or not; it is still there the next time. */
static void loading(void **state) {
  AUTO_CERT_INFO before = { 0 };
  bool more = true;
  open_kept();
  read_current(&before);
  close_kept();
  fake_ca_away(&f, true);
  for (unsigned long n = 1; more; n += 1 + n / 60) {
    AUTO_CERT_INFO info = { 0 };
    if (open_failing(n, &more) == OK) {
      check(&info);
      assert_bytes(serial_of(&info), serial_of(&before));
    }
    close_kept();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(asking), cmocka_unit_test(loading) };
  return cmocka_run_group_tests_name("enrol_oom", tests, start_all, end);
}
