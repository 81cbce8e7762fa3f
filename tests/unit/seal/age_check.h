/* What the tests of age share. */
#ifndef TEST_AGE_CHECK_H
#define TEST_AGE_CHECK_H

#include "crypto/crypto.h"
#include "seal/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAP_SIZE (1u << 20)

#define assert_result(call, expected_name) \
  assert_string_equal(err_info(call)->name, expected_name)
#define assert_ok(call) assert_result(call, "OK")
#define assert_err(call, code) assert_result(call, #code)
#define assert_bytes(got, expected) \
  do { \
    struct bytes got_ = (got), expected_ = (expected); \
    assert_int_equal(got_.size, expected_.size); \
    if (expected_.size) \
      assert_memory_equal(got_.data, expected_.data, expected_.size); \
  } while (0)

static inline void start_crypto(void) {
  bool locked = false;
  mem_install_json();
  if (crypto_init(HEAP_SIZE, &locked) != OK)
    abort();
}

static inline struct bytes str(const char *s) {
  return bytes_str(s);
}

#endif
