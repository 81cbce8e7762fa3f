/* Many objects in a data directory, without a server: by way of the vault's own functions. */
#ifndef BENCH_FILL_H
#define BENCH_FILL_H

#include "bench.h"
#include "vault/object.h"

/* Makes count objects of that kind, named "fill-0000000000" and so on, in a directory that a server
 * made and that no server runs on: EC P-256 keys of two versions each, or secrets of one of 32
 * bytes.
 */
err_t fill(const char *dir, enum kind_id kind, unsigned count);

#endif
