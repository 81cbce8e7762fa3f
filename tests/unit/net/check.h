/* cmocka, and what the tests of net/ say with it. */
#ifndef TESTS_NET_CHECK_H
#define TESTS_NET_CHECK_H

#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define assert_bytes(b, text) \
  do { \
    struct bytes seen_ = (b), wanted_ = bytes_str(text); \
    if (!bytes_equal(seen_, wanted_)) \
      fail_msg("'" BYTES_FMT "' instead of '" BYTES_FMT "'", BYTES_ARG(seen_), \
               BYTES_ARG(wanted_)); \
  } while (0)
#define assert_ok(call) assert_int_equal((call), OK)

#endif
