/*
 * What the tests of seal/ share: a vault that is none, files in memory, and contents that repeat
 * nowhere.
 */
#ifndef TEST_SEAL_FIXTURE_H
#define TEST_SEAL_FIXTURE_H

#include "base/codec.h"
#include "seal/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HEAP_SIZE (1u << 20)

#define assert_result(call, expected_name) assert_string_equal(err_info(call)->name, expected_name)
#define assert_ok(call) assert_result(call, "OK")
#define assert_err(call, code) assert_result(call, #code)
#define assert_bytes(got, expected) \
  do { \
    struct bytes got_ = (got), expected_ = (expected); \
    assert_int_equal(got_.size, expected_.size); \
    if (expected_.size) \
      assert_memory_equal(got_.data, expected_.data, expected_.size); \
  } while (0)

int start(void **state); /* of a group of tests */

/* Wraps under a key of its own for each name and version. */
struct fake_vault {
  unsigned version; /* that is the newest */
  err_t answer;     /* OK, or what it says to everything */
  unsigned asked;
};
struct key_service fake_service(struct fake_vault *v);
struct key_cache *fake_keys(struct fake_vault *v); /* of a fresh, good vault */

/* A file in memory that has these bytes and stands at its start. */
int file_of(struct bytes content);
int empty_file(void);
struct bytes file_bytes(int fd); /* a copy, valid until the 16th call from now */
void file_rewind(int fd);

/* Payloads of either format, and streams through them. */
enum { COBBLESTONE, AGE, FORMATS };
#define BLOCK (256u << 10) /* what threads work on */
struct payload *payload_of(int format);
/* *got is what was written, also before an error. */
err_t run(const struct payload *p, bool seal, unsigned threads, struct bytes in, struct bytes *got);
struct bytes sealed_of(const struct payload *p, struct bytes plain); /* without the prefix */

/* Bytes that look random, the same each time for the same seed. */
struct bytes pattern(unsigned seed, size_t size); /* valid until the 16th call from now */

#endif
