/* Blocks of addresses: what is read, and what is in them. */
#include "base/cidr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void reads(void **state) {
  static const char *const good[] = { "10.0.0.0/8", "192.0.2.1", "0.0.0.0/0", "192.0.2.1/32",
                                      "::/0",       "fd00::/8",  "::1",       "2001:db8::/33" };
  static const char *const bad[] = { "",       "10.0.0.1/8", "10.0.0.0/33",  "10.0.0.0/",
                                     "/8",     "10.0.0",     "10.0.0.0/+8",  "fd00::1/8",
                                     "::/129", "a",          "10.0.0.0/8/8", " 10.0.0.0" };
  struct cidr c;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(cidr_parse(bytes_str(good[i]), &c));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(cidr_parse(bytes_str(bad[i]), &c));
}

static void covers(void **state) {
  static const struct {
    const char *outer, *inner;
    bool covered;
  } cases[] = {
    { "10.0.0.0/8", "10.255.255.255", true },
    { "10.0.0.0/8", "11.0.0.0", false },
    { "10.1.128.0/17", "10.1.127.255", false },
    { "10.1.128.0/17", "10.1.128.0", true },
    { "10.0.0.0/8", "10.0.0.0/7", false },
    { "10.0.0.0/8", "10.0.0.0/8", true },
    { "0.0.0.0/0", "::1", false },
    { "::/0", "10.0.0.1", false },
    { "fd00::/9", "fd80::", false },
    { "fd00::/9", "fd7f::1", true },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct cidr outer, inner;
    /* a block with bits behind its prefix is none at all */
    bool read = cidr_parse(bytes_str(cases[i].outer), &outer) &&
                cidr_parse(bytes_str(cases[i].inner), &inner);
    assert_int_equal(read && cidr_covers(&outer, &inner), cases[i].covered);
  }
}

static void masks(void **state) {
  struct cidr c;
  uint8_t mask[16];
  assert_true(cidr_parse(bytes_str("10.32.0.0/11"), &c));
  cidr_mask(&c, mask);
  assert_memory_equal(mask, ((uint8_t[]){ 255, 224, 0, 0 }), 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads),
    cmocka_unit_test(covers),
    cmocka_unit_test(masks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
