/*
 * Finished outputs on their way to the disk, made durable together: all are completed, then synced
 * (where there are many, the whole file system at once: a sync a file costs a disk milliseconds),
 * then renamed, then their directories are synced. Only then is a file done. One thread.
 */
#ifndef CLI_SEAL_BATCH_H
#define CLI_SEAL_BATCH_H

#include "cli/seal/output.h"
#include "client/use.h"

#include <sys/stat.h>

#define BATCH_MAX 256
#define BATCH_BYTES (UINT64_C(64) << 20)

struct batch_item {
  struct output *output;
  char *file; /* NULL: stdin */
  char key[KEY_ID_MAX];
  uint64_t bytes, sealed, began_us;
  bool failed, remove, has_source;
  struct stat source; /* as it was; with has_source and remove */
};
struct batch {
  struct batch_item items[BATCH_MAX];
  size_t count, max; /* of descriptors there may be few */
  uint64_t bytes;
  void (*done)(void *ctx, const struct batch_item *i);
  void (*failed)(void *ctx, const char *file, err_t e);
  void *ctx;
};
void batch_init(struct batch *b); /* the callbacks are the caller's to set */
void batch_free(struct batch *b); /* what is not done is taken away */

/* A fresh item to fill in; output is taken over, also on failure. Then batch_added(), which may
 * flush. */
err_t batch_add(struct batch *b, struct output *output, const char *file, struct batch_item **out);
void batch_added(struct batch *b);
void batch_flush(struct batch *b);

#endif
