/*
 * What the store asks of a database: a table of records and a small table of named values, written
 * in transactions that are durable when apply() returns. An engine sees keyed hashes and sealed
 * bytes only; it knows no keys.
 *
 * apply() is called by one thread at a time; each() and get_meta() not while apply() is.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "base/bytes.h"

enum engine_op { ENGINE_PUT, ENGINE_REMOVE, ENGINE_PUT_META, ENGINE_OPS };

struct engine_write {
  enum engine_op op;
  struct bytes key, value; /* a meta value's key is its name */
};

struct engine_batch {
  const struct engine_write *writes;
  size_t count;
  const struct engine_batch *next;
};

/* Sees each record that a transaction changes, and has the last word in it. */
struct engine_watch {
  void *ctx;
  /* before, after: data NULL when there is none. The views are valid during the call. */
  err_t (*change)(void *ctx, struct bytes key, struct bytes before, struct bytes after);
  /* After the last change: *out is written, too, if its key is set; valid until the next call. */
  err_t (*finish)(void *ctx, struct engine_write *out);
};

/* The views are valid during the call. */
typedef err_t engine_row(void *ctx, struct bytes key, struct bytes value);

struct engine {
  const struct engine_type *type;
};

struct engine_type {
  err_t (*open)(const char *where, struct engine **out);
  void (*close)(struct engine *e);
  /* Appends the value to out. */
  err_t (*get_meta)(struct engine *e, const char *name, struct buf *out, bool *found);
  /* Calls row for every record, in no order; stops at the first error, which it returns. */
  err_t (*each)(struct engine *e, engine_row *row, void *ctx);
  /*
   * All batches of the list in one durable transaction, watched if watch is not NULL. An error
   * means that nothing of it is there; where the engine cannot know that, this call and every later
   * one fail. Errors are FAILed with a reason.
   */
  err_t (*apply)(struct engine *e, const struct engine_batch *first,
                 const struct engine_watch *watch);
};

extern const struct engine_type engine_sqlite;

#endif
