/* What is asserted of err_t and of bytes in the tests of all rooms. A room that wants more of each
 * result defines assert_result() before. */
#ifndef TEST_ASSERTS_H
#define TEST_ASSERTS_H

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifndef assert_result
#define assert_result(call, expected_name) \
  do { \
    err_t result_ = (call); \
    if (strcmp(err_info(result_)->name, expected_name) != 0) \
      fail_msg("%s: %s (%s), not %s", #call, err_info(result_)->name, err_reason(result_), \
               expected_name); \
  } while (0)
#endif
#define assert_ok(call) assert_result(call, "OK")
#define assert_err(call, code) assert_result(call, #code)

#define assert_bytes(got, expected) \
  do { \
    struct bytes got_ = (got), expected_ = (expected); \
    assert_int_equal(got_.size, expected_.size); \
    if (expected_.size) \
      assert_memory_equal(got_.data, expected_.data, expected_.size); \
  } while (0)
/* Bytes that are a text. */
#define assert_text(got, expected) \
  do { \
    struct bytes got_ = (got), expected_ = bytes_str(expected); \
    if (!bytes_equal(got_, expected_)) \
      fail_msg("'" BYTES_FMT "' instead of '" BYTES_FMT "'", BYTES_ARG(got_), \
               BYTES_ARG(expected_)); \
  } while (0)

static inline struct bytes str(const char *s) {
  return bytes_str(s);
}

#endif
