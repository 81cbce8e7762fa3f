#include "base/conf.h"
#include "fault/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct conf_key keys[] = {
  { "net.listen", CONF_STR, "127.0.0.1", 0, 0, "", NULL, NULL },
  { "net.port", CONF_UINT, "8443", 1, 65535, "", NULL, NULL },
  { "net.body_max", CONF_UINT, "1M", 0, UINT64_MAX, "", NULL, NULL },
  { "audit.sync", CONF_BOOL, "yes", 0, 0, "", NULL, NULL },
  { "audit.names", CONF_LIST, "one,two", 0, 0, "", NULL, NULL },
};

static struct conf *fresh(void) {
  struct conf *c = NULL;
  assert_int_equal(conf_new(keys, COUNT(keys), &c), OK);
  return c;
}

static err_t parse(struct conf *c, const char *text) {
  return conf_parse(c, bytes_str(text), "test.conf");
}

static void fallbacks(void **state) {
  AUTO(conf) struct conf *c = fresh();
  const char *const *items;
  assert_string_equal(conf_str(c, "net.listen"), "127.0.0.1");
  assert_int_equal(conf_uint(c, "net.port"), 8443);
  assert_int_equal(conf_uint(c, "net.body_max"), 1024 * 1024);
  assert_true(conf_bool(c, "audit.sync"));
  assert_int_equal(conf_list(c, "audit.names", &items), 2);
  assert_string_equal(items[0], "one");
  assert_string_equal(items[1], "two");
  assert_null(items[2]);
}

static void reads_a_file(void **state) {
  AUTO(conf) struct conf *c = fresh();
  const char *const *items;
  assert_int_equal(parse(c, "# comment\r\n; another\n\n \t\n[net]\r\n"
                            "  port =\t1 \nlisten=a = b\nbody-max = 3k\r\n"
                            "[audit]\nsync = off\nnames = a, b ,, \nnames = c\n[net]"),
                   OK);
  assert_int_equal(conf_uint(c, "net.port"), 1);
  assert_string_equal(conf_str(c, "net.listen"), "a = b");
  assert_int_equal(conf_uint(c, "net.body_max"), 3072);
  assert_false(conf_bool(c, "audit.sync"));
  assert_int_equal(conf_list(c, "audit.names", &items), 3);
  assert_string_equal(items[1], "b");
  assert_string_equal(items[2], "c");
}

static void refuses_with_file_and_line(void **state) {
  static const struct {
    const char *text, *why;
  } cases[] = {
    { "port = 1", "line 1: there is no key 'port'" },
    { "[net]\nport", "line 2: expected key = value" },
    { "[net\nport = 1", "line 1: a section is written [name]" },
    { "[", "line 1: a section is written [name]" },
    { "[]\nport = 1", "line 2: there is no key 'port'" },
    { "[net]\nports = 1", "line 2: there is no key 'ports' in section [net]" },
    { "[net]\nport = 1\nport = 2", "line 3: net.port was given on line 2 already" },
    { "[net]\nport = 0", "line 2: net.port takes a whole number from 1 to 65535, not '0'" },
    { "[net]\nport = 65536", "not '65536'" },
    { "[net]\nport = -1", "not '-1'" },
    { "[net]\nport = 1x", "not '1x'" },
    { "[net]\nport =", "not ''" },
    { "[net]\nport = k", "not 'k'" },
    { "[net]\nport = 1M", "not '1M'" },
    { "[net]\nbody_max = 18014398509481984k", "not '18014398509481984k'" },
    { "[audit]\nsync = maybe", "audit.sync takes yes or no, not 'maybe'" },
    { "[audit]\nsync = Yes", "not 'Yes'" },
    { "[net]\nlisten = a\rb\n= x", "line 3: there is no key ''" },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    AUTO(conf) struct conf *c = fresh();
    assert_int_equal(parse(c, cases[i].text), ERR_CONFIG);
    assert_non_null(strstr(err_last()->why, "test.conf line "));
    if (!strstr(err_last()->why, cases[i].why))
      fail_msg("%s: %s", cases[i].text, err_last()->why);
  }
}

static void limits_lengths(void **state) {
  char text[3000];
  AUTO(conf) struct conf *c = fresh();
  snprintf(text, sizeof text, "[net]\nlisten = %01100d", 0);
  assert_int_equal(parse(c, text), ERR_CONFIG);
  snprintf(text, sizeof text, "[net]\n%0100d = 1", 0);
  assert_int_equal(parse(c, text), ERR_CONFIG);
  snprintf(text, sizeof text, "[%0100d]", 0);
  assert_int_equal(parse(c, text), ERR_CONFIG);
  assert_int_equal(conf_parse(c, bytes_of("[net]\nlisten = a\0b", 18), "x"), ERR_CONFIG);
  strcpy(text, "[audit]\nnames = a");
  for (int i = 0; i < 64; i++)
    strcat(text, ",b");
  assert_int_equal(parse(c, text), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "takes at most 64 values"));
}

static void later_sources_win(void **state) {
  AUTO(conf) struct conf *c = fresh();
  const char *const *items;
  assert_int_equal(parse(c, "[net]\nport = 1\nlisten = file\nbody_max = 1\n[audit]\nnames = f"),
                   OK);
  setenv("STRONGROOM_NET_PORT", "2", 1);
  setenv("STRONGROOM_NET_BODY_MAX", "2", 1);
  setenv("STRONGROOM_AUDIT_NAMES", "e,e", 1);
  assert_int_equal(conf_read_env(c, "STRONGROOM_"), OK);
  unsetenv("STRONGROOM_NET_PORT");
  unsetenv("STRONGROOM_NET_BODY_MAX");
  unsetenv("STRONGROOM_AUDIT_NAMES");
  char *argv[] = { "--net-port=3", "--audit-names", "x", "--audit-names=y,z" };
  int used;
  assert_int_equal(conf_flag(c, 4, argv, &used), OK);
  assert_int_equal(used, 1);
  assert_int_equal(conf_list(c, "audit.names", &items), 2);
  assert_int_equal(conf_flag(c, 3, argv + 1, &used), OK);
  assert_int_equal(used, 2);
  assert_int_equal(conf_flag(c, 1, argv + 3, &used), OK);
  assert_string_equal(conf_str(c, "net.listen"), "file");
  assert_int_equal(conf_uint(c, "net.body_max"), 2);
  assert_int_equal(conf_uint(c, "net.port"), 3);
  assert_int_equal(conf_list(c, "audit.names", &items), 3);
  assert_string_equal(items[0], "x");
  assert_string_equal(items[2], "z");
}

static void flags(void **state) {
  AUTO(conf) struct conf *c = fresh();
  int used;
  char *sync_[] = { "--audit-sync", "no" }, *off[] = { "--audit-sync=no" };
  assert_int_equal(conf_flag(c, 1, off, &used), OK);
  assert_false(conf_bool(c, "audit.sync"));
  assert_int_equal(conf_flag(c, 2, sync_, &used), OK); /* a switch takes no word */
  assert_int_equal(used, 1);
  assert_true(conf_bool(c, "audit.sync"));
  char *dashes[] = { "--net-body-max", "5" };
  assert_int_equal(conf_flag(c, 2, dashes, &used), OK);
  assert_int_equal(conf_uint(c, "net.body_max"), 5);
  static char *const foreign[] = { "--net-portx", "--net", "net-port", "--", "-", "" };
  for (size_t i = 0; i < COUNT(foreign); i++) {
    char *argv[] = { foreign[i], "1" };
    used = 9;
    assert_int_equal(conf_flag(c, 2, argv, &used), OK);
    assert_int_equal(used, 0);
  }
  char *lonely[] = { "--net-port" }, *bad[] = { "--net-port=x" };
  assert_int_equal(conf_flag(c, 1, lonely, &used), ERR_USAGE);
  assert_int_equal(conf_flag(c, 1, bad, &used), ERR_CONFIG);
  static const char *const nothing[] = { "--audit-names=", "--audit-names=, ,\t" };
  for (size_t i = 0; i < COUNT(nothing); i++)
    assert_int_equal(conf_flag(c, 1, (char *[]){ (char *)nothing[i] }, &used), ERR_USAGE);
}

static void environment_is_checked(void **state) {
  AUTO(conf) struct conf *c = fresh();
  setenv("STRONGROOM_AUDIT_SYNC", "perhaps", 1);
  assert_int_equal(conf_read_env(c, "STRONGROOM_"), ERR_CONFIG);
  unsetenv("STRONGROOM_AUDIT_SYNC");
}

static void files(void **state) {
  char path[] = "/tmp/test-conf-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  AUTO(conf) struct conf *c = fresh();
  assert_int_equal(write(fd, "[net]\nport = 12\n", 16), 16);
  assert_int_equal(conf_read_file(c, path), OK);
  assert_int_equal(conf_uint(c, "net.port"), 12);
  assert_int_equal(ftruncate(fd, 256 * 1024 + 1), 0);
  assert_int_equal(conf_read_file(c, path), ERR_CONFIG);
  close(fd);
  unlink(path);
  assert_int_equal(conf_read_file(c, path), ERR_CONFIG);
  assert_int_equal(conf_read_file(c, "/tmp"), ERR_CONFIG);
}

static err_t whole(void) {
  AUTO(conf) struct conf *c = NULL;
  TRY(conf_new(keys, COUNT(keys), &c));
  char *argv[] = { "--audit-names=a,b,c" };
  int used;
  TRY(parse(c, "[net]\nport = 1\nlisten = x\n[audit]\nnames = a,b"));
  return conf_flag(c, 1, argv, &used);
}

static void survives_out_of_memory(void **state) {
  unsigned long n = 1;
  for (;; n++) {
    oom_start(n, OOM_ONE);
    err_t e = whole();
    if (!oom_stop()) {
      assert_int_equal(e, OK);
      break;
    }
    assert_int_equal(e, ERR_NOMEM);
  }
  assert_true(n > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(fallbacks),
    cmocka_unit_test(reads_a_file),
    cmocka_unit_test(refuses_with_file_and_line),
    cmocka_unit_test(limits_lengths),
    cmocka_unit_test(later_sources_win),
    cmocka_unit_test(flags),
    cmocka_unit_test(environment_is_checked),
    cmocka_unit_test(files),
    cmocka_unit_test(survives_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
