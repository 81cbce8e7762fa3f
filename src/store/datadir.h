/*
 * The data directory: made when it is missing, refused when others may write to it, and locked so
 * that one process serves it.
 */
#ifndef STORE_DATADIR_H
#define STORE_DATADIR_H

#include "base/err.h"

struct datadir {
  int fd, lock; /* -1: none */
};
#define DATADIR_NONE ((struct datadir){ -1, -1 })

/* ERR_CONFLICT when another process holds the lock, ERR_CONFIG when others may write there, ERR_IO
 * when it cannot be made or written. */
err_t datadir_open(const char *path, struct datadir *out);
void datadir_close(struct datadir *d);

#endif
