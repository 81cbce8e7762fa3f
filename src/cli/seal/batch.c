#include "cli/seal/batch.h"

#include "base/process.h"

#define FILES_BESIDE 32 /* descriptors for all else */
#define SYNC_ALL 16     /* files of one file system from which on it is synced as a whole */

void batch_init(struct batch *b) {
  unsigned files = process_file_limit();
  b->max = files > BATCH_MAX + FILES_BESIDE ? BATCH_MAX
           : files > FILES_BESIDE           ? files - FILES_BESIDE
                                            : 1;
}

static void item_free(struct batch_item *i) {
  if (i->output)
    output_close(i->output);
  mem_free(i->file);
  *i = (struct batch_item){ 0 };
}

void batch_free(struct batch *b) {
  for (size_t i = 0; i < b->count; i++)
    item_free(&b->items[i]);
  b->count = 0;
}

static void item_failed(struct batch *b, struct batch_item *i, err_t e) {
  b->failed(b->ctx, i->file, e);
  i->failed = true;
}

static void each_item(struct batch *b, err_t (*step)(struct output *o)) {
  for (size_t i = 0; i < b->count; i++) {
    struct batch_item *item = &b->items[i];
    err_t e = item->failed ? OK : step(item->output);
    if (e != OK)
      item_failed(b, item, e);
  }
}

/* Those of one file system, from the first on: together, if they are many. *all: none is left to be
 * synced by itself. */
static void sync_like(struct batch *b, size_t first, bool synced[static BATCH_MAX]) {
  dev_t dev = output_dev(b->items[first].output);
  size_t alike = 0;
  for (size_t i = first; i < b->count; i++)
    alike += !b->items[i].failed && output_dev(b->items[i].output) == dev;
  if (alike < SYNC_ALL || output_sync_all(b->items[first].output) != OK)
    return; /* then each tells for itself what is wrong */
  for (size_t i = first; i < b->count; i++)
    synced[i] = synced[i] || output_dev(b->items[i].output) == dev;
}

static void sync_files(struct batch *b) {
  bool synced[BATCH_MAX] = { false };
  for (size_t i = 0; i < b->count; i++) {
    struct batch_item *item = &b->items[i];
    if (item->failed || synced[i])
      continue;
    if (output_is_file(item->output))
      sync_like(b, i, synced);
    err_t e = synced[i] ? OK : output_sync(item->output);
    if (e != OK)
      item_failed(b, item, e);
  }
}

static bool is_in(const struct batch_item *i, const char *dir) {
  const char *other = output_dir(i->output);
  return other && strcmp(other, dir) == 0;
}

/* Each directory once, though many of the files are in it. */
static void sync_dirs(struct batch *b) {
  bool synced[BATCH_MAX] = { false };
  for (size_t i = 0; i < b->count; i++) {
    const char *dir = output_dir(b->items[i].output);
    if (synced[i] || b->items[i].failed || !dir)
      continue;
    err_t e = output_sync_dir(dir);
    for (size_t k = i; k < b->count; k++)
      if (is_in(&b->items[k], dir)) {
        synced[k] = true;
        if (e != OK && !b->items[k].failed)
          item_failed(b, &b->items[k], e);
      }
  }
}

void batch_flush(struct batch *b) {
  each_item(b, output_complete);
  sync_files(b);
  each_item(b, output_publish);
  sync_dirs(b);
  for (size_t i = 0; i < b->count; i++) {
    if (!b->items[i].failed)
      b->done(b->ctx, &b->items[i]);
    item_free(&b->items[i]);
  }
  b->count = 0;
  b->bytes = 0;
}

err_t batch_add(struct batch *b, struct output *output, const char *file, struct batch_item **out) {
  struct batch_item *i = &b->items[b->count];
  *i = (struct batch_item){ .output = output, .file = file ? mem_strdup(file) : NULL };
  if (file && !i->file) {
    item_free(i);
    return ERR_NOMEM;
  }
  *out = i;
  return OK;
}

void batch_added(struct batch *b) {
  const struct batch_item *i = &b->items[b->count++];
  b->bytes += i->sealed > i->bytes ? i->sealed : i->bytes;
  if (b->count == b->max || b->bytes >= BATCH_BYTES)
    batch_flush(b);
}
