/* Many keys in a data directory, without a server: by way of the vault's own functions. */
#ifndef BENCH_FILL_H
#define BENCH_FILL_H

#include "bench.h"

/* Makes count EC P-256 keys of two versions each, named "fill-0000000000" and so on, in a directory
 * that a server made and that no server runs on. */
err_t fill(const char *dir, unsigned count);

#endif
