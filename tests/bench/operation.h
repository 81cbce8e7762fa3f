/* The operations that several cases measure: their keys, their requests and what must come back. */
#ifndef BENCH_OPERATION_H
#define BENCH_OPERATION_H

#include "load.h"

struct operation {
  struct buf request;
  char expect[512];
};
void operation_free(struct operation *o);
#define AUTO_OPERATION __attribute__((cleanup(operation_free))) struct operation

err_t operation_rs256(struct server *s, struct operation *out);
err_t operation_es256(struct server *s, struct operation *out);
err_t operation_unwrap(struct server *s, struct operation *out); /* A256KW, 32 bytes wrapped */
err_t operation_secret(struct server *s, struct operation *out); /* get one of 32 characters */

static inline struct load_spec operation_load(const struct operation *o, unsigned connections) {
  return (struct load_spec){ .connections = connections,
                             .request = buf_bytes(&o->request),
                             .status = 200,
                             .expect = o->expect };
}

#endif
