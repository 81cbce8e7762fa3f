/*
 * Small files, read and written whole. What is read lands in a buf, which is wiped when released.
 * Reasons name the path and what the system said: they are for the person at the command line or
 * the log, never for a client of the API. Any thread.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/bytes.h"

#include <unistd.h>

static inline void file_close(int *fd) {
  if (*fd >= 0)
    close(*fd);
}
#define AUTO_FD __attribute__((cleanup(file_close))) int

/* Appends the whole file; ERR_CONFIG (FAILed) when it cannot be read or has more than max bytes. */
err_t file_read(const char *path, size_t max, struct buf *out);
/* The same from a descriptor, to its end; name is what a reason calls it. */
err_t file_read_fd(int fd, const char *name, size_t max, struct buf *out);
/* Makes or replaces a file of mode 0600, whole or not at all: written beside it, fsynced, renamed,
 * its directory fsynced. ERR_CONFIG (FAILed) when that fails; ERR_IO: it is there, but may not
 * last. */
err_t file_write_private(const char *path, struct bytes data);
/* Makes names that were added to or changed in a directory durable: that of fd, that of path. */
err_t file_sync_dir(int fd, const char *path);
err_t file_sync_parent(const char *path);
/* All of data to a descriptor, however many writes it takes. */
err_t file_write_fd(int fd, const char *name, struct bytes data);

#endif
