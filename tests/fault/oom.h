/*
 * Makes allocations of the calling thread fail. A test that is linked with oom_dep (it wraps
 * malloc, calloc, realloc of everything linked statically: our own code, and what jansson and
 * OpenSSL allocate through base/mem.h) runs its work with the first, the second, ... allocation
 * failing until nothing fails any more:
 *
 *   for (unsigned long n = 1;; n++) {
 *     oom_start(n, OOM_ONE);
 *     err_t e = work();
 *     if (!oom_stop())
 *       break;
 *     assert_int_equal(e, ERR_NOMEM);
 *   }
 */
#ifndef FAULT_OOM_H
#define FAULT_OOM_H

#include <stdbool.h>

/* The n-th allocation from now on fails, and with OOM_ALL every one after it too. */
enum oom { OOM_ONE, OOM_ALL };
void oom_start(unsigned long n, enum oom kind);
/* Allocations succeed again; true if one was made to fail. */
bool oom_stop(void);

/* For an allocator that the wrapping does not reach (SQLite's): counts one allocation and says
 * whether it has to fail. */
bool oom_fails(void);

#endif
