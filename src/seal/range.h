/*
 * Pieces of a payload in a file that can be read at any place, for the files of seal/ only: the
 * plaintext's size is found once, ranges of it are read after that. A cipher is one thread's.
 */
#ifndef SEAL_RANGE_H
#define SEAL_RANGE_H

#include "seal/stream.h"

struct range {
  const struct payload_shape *shape;
  struct payload_cipher *cipher;
  int file;
  uint64_t base; /* where the payload starts */
};
/* By the file's size; the last chunk is verified. */
err_t range_size(const struct range *r, uint64_t *plain);
/* Calls put() with what follows, in order, from offset on, length bytes or fewer where it ends. */
typedef err_t range_put(void *ctx, struct bytes plain);
err_t range_read(const struct range *r, uint64_t size, uint64_t offset, uint64_t length,
                 range_put *put, void *ctx);

/* Receivers: a descriptor, memory. Both count. */
struct range_out {
  int fd;
  uint8_t *memory;
  uint64_t got;
};
err_t range_to_file(void *range_out, struct bytes plain);
err_t range_to_memory(void *range_out, struct bytes plain);

#endif
