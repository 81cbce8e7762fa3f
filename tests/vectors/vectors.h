/*
 * Known answers of project Wycheproof, run through the functions that the product uses.
 *
 * A file is groups of tests; a family of files says how a group's key is made and what a test does.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include "base/json.h"
#include "crypto/alg.h"

enum outcome {
  ACCEPTED,       /* and what came out is what should */
  REJECTED,       /* as an input that is not valid */
  WRONG,          /* another result, or another error */
  NOT_APPLICABLE, /* case.reason says why */
};

struct vector {
  const char *alg; /* of the file; NULL: the family knows */
  json_t *group, *test;
  struct key *key;    /* of the group; NULL for families whose tests have their own */
  const char *reason; /* set with NOT_APPLICABLE */
};

struct family {
  enum outcome (*open)(struct vector *v); /* may set key; NULL: nothing to do */
  enum outcome (*run)(struct vector *v);
};
extern const struct family family_verify, family_sign, family_decrypt,
  family_refused_key;                                                        /* asymmetric.c */
extern const struct family family_wrap, family_gcm, family_cbc, family_hmac; /* symmetric.c */
extern const struct family family_chunked;                                   /* chunked.c */
extern const struct family family_jws;                                       /* jose.c */

/* A member's bytes from hexadecimal; empty when it is absent. Valid until the ninth call from now.
 */
struct bytes vector_hex(json_t *object, const char *member);
const char *vector_str(json_t *object, const char *member); /* "" when it is absent */
/* As a result of a call: ACCEPTED, or REJECTED for the errors that are the input's fault. */
enum outcome vector_outcome(err_t e);
enum outcome vector_same(struct bytes got, struct bytes expected);
enum outcome vector_skip(struct vector *v, const char *reason);

#endif
