#include "base/file.h"
#include "base/log.h"
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA 1
#define CHECK_MAX (64 * 1024 * 1024) /* a check reads the whole file */

/* Pages of 8 KiB: a record of up to 2 KB stays on its leaf, without a page of its own. */
static const char *const create_sql =
  "PRAGMA page_size = 8192;"
  "PRAGMA synchronous = FULL;"
  "BEGIN IMMEDIATE;"
  "CREATE TABLE record(id BLOB PRIMARY KEY, sealed BLOB NOT NULL) WITHOUT ROWID;"
  "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
  "INSERT INTO meta VALUES('schema', x'01');"
  "COMMIT;";

/* EXCLUSIVE comes first: the index of the log is then kept in our memory, not in a shared file. */
static const char *const settings_sql = "PRAGMA locking_mode = EXCLUSIVE;"
                                        "PRAGMA journal_mode = WAL;"
                                        "PRAGMA synchronous = FULL;"
                                        "PRAGMA wal_autocheckpoint = 0;"
                                        "PRAGMA secure_delete = ON;"
                                        "PRAGMA temp_store = MEMORY;"
                                        "PRAGMA cell_size_check = ON;"
                                        "PRAGMA mmap_size = 0;"
                                        "PRAGMA trusted_schema = OFF;"
                                        "PRAGMA cache_size = -16384;"; /* 16 MiB */

static const char *const write_sql[ENGINE_OPS] = {
  [ENGINE_PUT] = "INSERT INTO record VALUES(?1, ?2) ON CONFLICT DO UPDATE SET sealed = ?2",
  [ENGINE_REMOVE] = "DELETE FROM record WHERE id = ?1",
  [ENGINE_PUT_META] = "INSERT INTO meta VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
};

/* SQLite gives the log the mode of the database, so the file is made before SQLite sees it. */
static err_t make_file(struct sqlite *q, const char *name) {
  int fd = openat(q->dir.fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    FAIL(ERR_IO, "cannot make %s: %s", name, strerror(errno));
  close(fd);
  return OK;
}

static err_t connect_db(struct sqlite *q, const char *dir, const char *name) {
  AUTO_BUF path = BUF_EMPTY;
  buf_printf(&path, "%s/%s", dir, name);
  buf_put_char(&path, '\0');
  TRY(buf_ok(&path));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE;
  int rc = sqlite3_open_v2((const char *)path.data, &q->db, flags, NULL);
  if (rc != SQLITE_OK)
    return sqlite_fail(q, rc, false, "opening the database");
  if (sqlite3_db_readonly(q->db, "main") == 1)
    FAIL(ERR_IO, "%s cannot be written", (const char *)path.data);
  sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
  sqlite3_db_config(q->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
  return OK;
}

/* Made under another name and renamed when it is complete and durable. So an empty vault.db is not
 * a vault that was never begun: it is a vault that was lost. */
static err_t create(struct sqlite *q, const char *dir) {
  static const char *const leftovers[] = { "vault.db.new", "vault.db.new-journal" };
  for (size_t i = 0; i < sizeof leftovers / sizeof *leftovers; i++)
    if (unlinkat(q->dir.fd, leftovers[i], 0) != 0 && errno != ENOENT)
      FAIL(ERR_IO, "cannot remove %s/%s: %s", dir, leftovers[i], strerror(errno));
  TRY(make_file(q, "vault.db.new"));
  TRY(connect_db(q, dir, "vault.db.new"));
  TRY(sqlite_exec(q, create_sql, "making the database"));
  sqlite3_close(q->db);
  q->db = NULL;
  if (renameat(q->dir.fd, "vault.db.new", q->dir.fd, "vault.db") != 0)
    FAIL(ERR_IO, "cannot make %s/vault.db: %s", dir, strerror(errno));
  return file_sync_dir(q->dir.fd, dir);
}

/* Sets *size to the size of the database, or creates it. */
static err_t find_or_create(struct sqlite *q, const char *dir, off_t *size) {
  struct stat st, log;
  if (fstatat(q->dir.fd, "vault.db", &st, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
      FAIL(ERR_CORRUPT, "%s/vault.db is %s", dir, S_ISREG(st.st_mode) ? "empty" : "not a file");
    *size = st.st_size;
    return OK;
  }
  if (errno != ENOENT)
    FAIL(ERR_IO, "cannot look at %s/vault.db: %s", dir, strerror(errno));
  if (fstatat(q->dir.fd, "vault.db-wal", &log, AT_SYMLINK_NOFOLLOW) == 0)
    FAIL(ERR_CORRUPT, "%s/vault.db is missing, but its log vault.db-wal is there", dir);
  *size = 0;
  return create(q, dir);
}

/* Runs a query that answers with one text; ERR_CORRUPT with what it said when that is another. */
static err_t expect(struct sqlite *q, const char *sql, const char *wanted, const char *what) {
  AUTO_STMT *s = NULL;
  TRY(sqlite_prepare(q, sql, &s));
  int rc = sqlite3_step(s);
  if (rc != SQLITE_ROW)
    return sqlite_fail(q, rc, false, what);
  const char *said = (const char *)sqlite3_column_text(s, 0);
  if (!said || strcmp(said, wanted) != 0)
    FAIL(ERR_CORRUPT, "%s: %s", what, said ? said : "no answer");
  return OK;
}

static err_t check_schema(struct sqlite *q) {
  AUTO_BUF version = BUF_EMPTY;
  bool found = false;
  TRY(engine_sqlite.get_meta(&q->engine, "schema", &version, &found));
  if (!found || version.size != 1)
    FAIL(ERR_CORRUPT, "vault.db has no schema version");
  if (version.data[0] != SCHEMA)
    FAIL(ERR_CONFIG, "vault.db has the schema version %u; this program knows %d", version.data[0],
         SCHEMA);
  return OK;
}

static int log_grew(void *ctx, sqlite3 *db, const char *name, int pages) {
  struct sqlite *q = ctx;
  q->log_pages = pages;
  return SQLITE_OK;
}

static err_t prepare(struct sqlite *q, off_t size) {
  TRY(sqlite_exec(q, settings_sql, "opening the database"));
  TRY(expect(q, "PRAGMA journal_mode", "wal", "switching the log on"));
  if (size <= CHECK_MAX)
    TRY(expect(q, "PRAGMA quick_check(1)", "ok", "vault.db is damaged"));
  int rc = sqlite3_wal_checkpoint_v2(q->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
  if (rc != SQLITE_OK)
    return sqlite_fail(q, rc, false, "copying the log to the database");
  TRY(check_schema(q));
  for (size_t i = 0; i < ENGINE_OPS; i++)
    TRY(sqlite_prepare(q, write_sql[i], &q->writes[i]));
  TRY(sqlite_prepare(q, "SELECT sealed FROM record WHERE id = ?1", &q->get));
  q->checkpoint_at = LOG_PAGES_MAX;
  sqlite3_wal_hook(q->db, log_grew, q);
  return OK;
}

err_t sqlite_open(const char *dir, struct engine **out) {
  AUTO(sqlite) struct sqlite *q = mem_zalloc(sizeof *q);
  if (!q)
    return ERR_NOMEM;
  q->engine.type = &engine_sqlite;
  q->dir = DATADIR_NONE;
  off_t size;
  TRY(datadir_open(dir, &q->dir));
  TRY(find_or_create(q, dir, &size));
  TRY(connect_db(q, dir, "vault.db"));
  TRY(prepare(q, size));
  *out = &TAKE(q)->engine;
  return OK;
}

void sqlite_close(struct sqlite *q) {
  for (size_t i = 0; i < ENGINE_OPS; i++)
    sqlite3_finalize(q->writes[i]);
  sqlite3_finalize(q->get);
  if (q->db && q->broken != OK)
    sqlite3_db_config(q->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_close(q->db);
  datadir_close(&q->dir);
  mem_free(q);
}
