/*
 * The SQLite engine: one connection to DIR/vault.db in WAL mode, exclusively ours.
 *
 * Invariants
 *  1. apply() returns OK only after COMMIT did, with synchronous=FULL: the log has been fsynced.
 *  2. After an error the transaction is rolled back. Where that does not settle what is on the disk
 *     (an I/O error, a COMMIT that failed otherwise than for a full disk, damage) the engine is
 *     broken: it writes nothing more, not even a checkpoint, until the process is started again.
 *  3. What recovery finds in the log when the database is opened is copied to the database and
 *     fsynced there before anything is added. The log's pages may come from the page cache only,
 *     because their fsync failed in a former life; no later commit may depend on them.
 *  4. Checkpoints are our own, not SQLite's automatic ones, whose errors it does not tell.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "store/datadir.h"
#include "store/engine.h"

#include <sqlite3.h>

struct sqlite {
  struct engine engine;
  struct datadir dir;
  sqlite3 *db;
  sqlite3_stmt *writes[ENGINE_OPS], *get;
  int log_pages, checkpoint_at; /* pages in the log; at how many it is copied next */
  err_t broken;                 /* OK: it is not */
  char why[200];
};

#define LOG_PAGES_MAX 2048 /* 16 MiB */

/* sqlite_open.c */
err_t sqlite_open(const char *dir, struct engine **out);
void sqlite_close(struct sqlite *q);
CLEANUP(sqlite, struct sqlite *, sqlite_close)

static inline void sqlite_stmt_cleanup(sqlite3_stmt **s) {
  sqlite3_finalize(*s);
}
#define AUTO_STMT __attribute__((cleanup(sqlite_stmt_cleanup))) sqlite3_stmt

/* Turns a result code into an error with a reason, and breaks the engine where invariant 2 asks for
 * it. */
err_t sqlite_fail(struct sqlite *q, int rc, bool in_commit, const char *doing);
err_t sqlite_exec(struct sqlite *q, const char *sql, const char *doing);
err_t sqlite_prepare(struct sqlite *q, const char *sql, sqlite3_stmt **out);

#endif
