/*
 * What the tests of seal/ share: a vault that is none, files in memory, and contents that repeat
 * nowhere.
 */
#ifndef TEST_SEAL_FIXTURE_H
#define TEST_SEAL_FIXTURE_H

#include "../asserts.h"
#include "base/codec.h"
#include "seal/sealed.h"

#define HEAP_SIZE (1u << 20)

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
