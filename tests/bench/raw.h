/*
 * What the operations cost without a server: OpenSSL alone, in a process of its own, without this
 * program's allocator and secure heap, with keys and contexts made ready beforehand.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include "bench.h"

enum raw_op { RAW_RSA_2048_SIGN, RAW_P256_SIGN, RAW_P256_VERIFY, RAW_A256KW_UNWRAP, RAW_NONE };

/* Microseconds of processor time an operation. */
err_t raw_measure(enum raw_op op, double *us);
/* That process's main(): `bench --raw N`. */
int raw_main(const char *op);

#endif
