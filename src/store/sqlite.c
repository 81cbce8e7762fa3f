#include "store/sqlite.h"

#include "base/log.h"

#include <stdio.h>

static struct sqlite *sqlite_of(struct engine *e) {
  return (struct sqlite *)e;
}

static err_t err_of(int rc) {
  switch (rc & 0xff) {
  case SQLITE_NOMEM:
    return ERR_NOMEM;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return ERR_CORRUPT;
  case SQLITE_BUSY:
    return ERR_CONFLICT;
  default:
    break;
  }
  switch (rc) {
  case SQLITE_IOERR_NOMEM:
    return ERR_NOMEM;
  case SQLITE_IOERR_SHORT_READ: /* the file ends within a page */
    return ERR_CORRUPT;
  default:
    return ERR_IO;
  }
}

/* A full disk stops a COMMIT before its last page, the one that makes it valid, is in the log. */
static bool outcome_known(int rc, bool in_commit) {
  if ((rc & 0xff) == SQLITE_FULL)
    return true;
  return !in_commit && (err_of(rc) == ERR_NOMEM || (rc & 0xff) == SQLITE_READONLY);
}

err_t sqlite_fail(struct sqlite *q, int rc, bool in_commit, const char *doing) {
  err_t e = err_of(rc);
  int system = q->db ? sqlite3_system_errno(q->db) : 0;
  char why[sizeof q->why];
  snprintf(why, sizeof why, "%s: %s (SQLite %d%s%s)", doing, sqlite3_errstr(rc & 0xff), rc,
           system ? ", " : "", system ? strerror(system) : "");
  if (!outcome_known(rc, in_commit) && q->broken == OK) {
    q->broken = e == ERR_CORRUPT ? ERR_CORRUPT : ERR_IO;
    memcpy(q->why, why, sizeof why);
  }
  FAIL(e, "%s", why);
}

err_t sqlite_exec(struct sqlite *q, const char *sql, const char *doing) {
  int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? OK : sqlite_fail(q, rc, false, doing);
}

err_t sqlite_prepare(struct sqlite *q, const char *sql, sqlite3_stmt **out) {
  int rc = sqlite3_prepare_v3(q->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  if ((rc & 0xff) == SQLITE_ERROR) /* no such table */
    rc = SQLITE_CORRUPT;
  return rc == SQLITE_OK ? OK : sqlite_fail(q, rc, false, "reading the database's schema");
}

static struct bytes column(sqlite3_stmt *s, int i) {
  const void *data = sqlite3_column_blob(s, i);
  return bytes_of(data, (size_t)sqlite3_column_bytes(s, i));
}

static err_t get_meta(struct engine *e, const char *name, struct buf *out, bool *found) {
  struct sqlite *q = sqlite_of(e);
  AUTO_STMT *s = NULL;
  TRY(sqlite_prepare(q, "SELECT value FROM meta WHERE name = ?1", &s));
  int rc = sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(s);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    return sqlite_fail(q, rc, false, "reading the database");
  *found = rc == SQLITE_ROW;
  if (*found)
    buf_put_bytes(out, column(s, 0));
  return buf_ok(out);
}

static err_t each(struct engine *e, engine_row *row, void *ctx) {
  struct sqlite *q = sqlite_of(e);
  AUTO_STMT *s = NULL;
  TRY(sqlite_prepare(q, "SELECT id, sealed FROM record", &s));
  int rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW)
    TRY(row(ctx, column(s, 0), column(s, 1)));
  return rc == SQLITE_DONE ? OK : sqlite_fail(q, rc, false, "reading the records");
}

static int write_one(struct sqlite *q, const struct engine_write *w) {
  sqlite3_stmt *s = q->writes[w->op];
  int rc = w->op == ENGINE_PUT_META
             ? sqlite3_bind_text64(s, 1, (const char *)w->key.data, w->key.size, SQLITE_STATIC,
                                   SQLITE_UTF8)
             : sqlite3_bind_blob64(s, 1, w->key.data, w->key.size, SQLITE_STATIC);
  if (rc == SQLITE_OK && w->op != ENGINE_REMOVE)
    rc = sqlite3_bind_blob64(s, 2, w->value.data, w->value.size, SQLITE_STATIC);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(s);
  sqlite3_reset(s);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* One transaction that is being written. */
struct writing {
  struct sqlite *q;
  const struct engine_watch *watch; /* NULL: none */
  err_t refused;                    /* by the watch */
  bool removed;                     /* a record */
};

/* Tells the watch what the record was and will be. */
static int tell(struct writing *t, const struct engine_write *w) {
  sqlite3_stmt *s = t->q->get;
  int rc = sqlite3_bind_blob64(s, 1, w->key.data, w->key.size, SQLITE_STATIC);
  if (rc == SQLITE_OK)
    rc = sqlite3_step(s);
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
    struct bytes before = rc == SQLITE_ROW ? column(s, 0) : (struct bytes){ 0 };
    struct bytes after = w->op == ENGINE_PUT ? w->value : (struct bytes){ 0 };
    t->refused = t->watch->change(t->watch->ctx, w->key, before, after);
    rc = t->refused == OK ? SQLITE_OK : SQLITE_ABORT;
  }
  sqlite3_reset(s);
  return rc;
}

static int write_watched(struct writing *t, const struct engine_write *w) {
  t->removed = t->removed || w->op == ENGINE_REMOVE;
  int rc = t->watch && w->op != ENGINE_PUT_META ? tell(t, w) : SQLITE_OK;
  return rc == SQLITE_OK ? write_one(t->q, w) : rc;
}

static int write_last(struct writing *t) {
  struct engine_write last = { 0 };
  t->refused = t->watch->finish(t->watch->ctx, &last);
  if (t->refused != OK)
    return SQLITE_ABORT;
  return last.key.data ? write_one(t->q, &last) : SQLITE_OK;
}

static int write_all(struct writing *t, const struct engine_batch *first) {
  int rc = sqlite3_exec(t->q->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
  for (const struct engine_batch *b = first; b && rc == SQLITE_OK; b = b->next)
    for (size_t i = 0; i < b->count && rc == SQLITE_OK; i++)
      rc = write_watched(t, &b->writes[i]);
  return rc == SQLITE_OK && t->watch ? write_last(t) : rc;
}

static void roll_back(struct sqlite *q) {
  if (!sqlite3_get_autocommit(q->db))
    sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
  if (!sqlite3_get_autocommit(q->db) && q->broken == OK) {
    q->broken = ERR_IO;
    snprintf(q->why, sizeof q->why, "a failed transaction could not be rolled back");
  }
  if (q->broken != OK)
    log_error("store", "%s: nothing more is written until the service is started again", q->why);
}

static err_t abandon(struct sqlite *q, int rc, bool in_commit) {
  err_t e = sqlite_fail(q, rc, in_commit, "writing to the database");
  roll_back(q);
  return e;
}

/* What was committed stays so, whatever becomes of the checkpoint: it is in the log. */
static void checkpoint(struct sqlite *q, int mode) {
  int rc = sqlite3_wal_checkpoint_v2(q->db, NULL, mode, NULL, NULL);
  q->checkpoint_at = LOG_PAGES_MAX;
  if (rc == SQLITE_OK)
    return;
  q->checkpoint_at += q->log_pages;
  if (rc == SQLITE_LOCKED || rc == SQLITE_BUSY) /* records are being read */
    return;
  IGNORE(sqlite_fail(q, rc, false, "copying the log to the database"));
  log_warn("store", "%s", err_last()->why);
}

static err_t apply(struct engine *e, const struct engine_batch *first,
                   const struct engine_watch *watch) {
  struct sqlite *q = sqlite_of(e);
  struct writing t = { q, watch, OK, false };
  if (q->broken != OK)
    FAIL(q->broken, "stopped after an earlier failure: %.180s", q->why);
  int rc = write_all(&t, first);
  if (t.refused != OK) {
    roll_back(q);
    return t.refused;
  }
  if (rc != SQLITE_OK)
    return abandon(q, rc, false);
  rc = sqlite3_exec(q->db, "COMMIT", NULL, NULL, NULL);
  if (rc != SQLITE_OK)
    return abandon(q, rc, true);
  if (t.removed) /* secure_delete cleared it in the database; the log has it still */
    checkpoint(q, SQLITE_CHECKPOINT_TRUNCATE);
  else if (q->log_pages >= q->checkpoint_at)
    checkpoint(q, SQLITE_CHECKPOINT_PASSIVE);
  return OK;
}

static void close_engine(struct engine *e) {
  sqlite_close(sqlite_of(e));
}

const struct engine_type engine_sqlite = { sqlite_open, close_engine, get_meta, each, apply };
