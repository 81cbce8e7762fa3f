/* Files that somebody else had in hand: what was changed does not open, what was copied does not
 * tell anything. */
#include "helper.h"
#include "store/record.h"

#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

static char dir[PATH_SIZE];

static int each_dir(void **state) {
  make_dir(dir);
  return 0;
}

static int end_dir(void **state) {
  remove_dir(dir);
  return 0;
}

/* Runs SQL on a closed store's database; %s in it is a file name. */
static void edit(const char *of, const char *sql) {
  char path[PATH_SIZE];
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(file_in(of, "vault.db", path), &db), SQLITE_OK);
  if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
    fail_msg("%s: %s", sql, sqlite3_errmsg(db));
  sqlite3_close(db);
}

static void fill(const char *where, const char *prefix) {
  AUTO(store) struct store *s = opened(where);
  for (int i = 0; i < 3; i++) {
    char place[32], body[32];
    snprintf(place, sizeof place, "%s/%d", prefix, i);
    snprintf(body, sizeof body, "body %d", i);
    assert_int_equal(put(s, place, body), OK);
  }
}

static err_t load_again(void) {
  AUTO(store) struct store *s = NULL;
  AUTO_RECORDS r = { 0 };
  TRY(open_store(dir, &s));
  return load(s, &r);
}

static void swapped_rows(void **state) {
  fill(dir, "key");
  assert_int_equal(load_again(), OK);
  edit(dir, "UPDATE record SET sealed = (SELECT r.sealed FROM record r WHERE r.id <> record.id "
            "ORDER BY r.id LIMIT 1)");
  assert_int_equal(load_again(), ERR_CORRUPT);
}

static void renamed_row(void **state) {
  fill(dir, "key");
  edit(dir, "UPDATE record SET id = randomblob(32) WHERE id = (SELECT max(id) FROM record)");
  assert_int_equal(load_again(), ERR_CORRUPT);
}

/* Each of these rows is good by itself. */
static void removed_and_older_rows(void **state) {
  static const char *const sql[] = {
    "DELETE FROM record WHERE id = (SELECT max(id) FROM record)",
    "DELETE FROM record",
    "UPDATE record SET sealed = (SELECT sealed FROM old.record o WHERE o.id = record.id)",
    "INSERT INTO record SELECT * FROM old.record WHERE id NOT IN (SELECT id FROM record)",
    "DELETE FROM meta WHERE name = 'census'",
    "REPLACE INTO meta SELECT * FROM old.meta WHERE name = 'census'",
  };
  for (size_t i = 0; i < COUNT(sql); i++) {
    char path[PATH_SIZE], older[PATH_SIZE], attach[2 * PATH_SIZE + 300];
    fill(dir, "key");
    AUTO(store) struct store *s = opened(dir);
    assert_int_equal(put(s, "key/gone", "x"), OK);
    store_close(TAKE(s));
    AUTO_BUF before = slurp(file_in(dir, "vault.db", path));
    spill(file_in(dir, "older", older), buf_bytes(&before));
    s = opened(dir);
    assert_int_equal(put(s, "key/0", "another body"), OK);
    assert_int_equal(put(s, "key/1", "another body"), OK);
    assert_int_equal(put(s, "key/2", "another body"), OK);
    assert_int_equal(drop(s, "key/gone"), OK);
    store_close(TAKE(s));
    assert_int_equal(load_again(), OK);
    snprintf(attach, sizeof attach, "ATTACH '%s' AS old; %s", older, sql[i]);
    edit(dir, attach);
    assert_int_equal(load_again(), ERR_CORRUPT);
    end_dir(state);
    each_dir(state);
  }
}

static void malformed_rows(void **state) {
  static const char *const sql[] = {
    "INSERT INTO record VALUES(x'', x'00')",
    "INSERT INTO record VALUES(randomblob(31), randomblob(100))",
    "INSERT INTO record VALUES(randomblob(33), randomblob(100))",
    "INSERT INTO record VALUES(randomblob(32), x'')",
    "INSERT INTO record VALUES(randomblob(32), x'01')",
    "INSERT INTO record VALUES(randomblob(32), x'02' || randomblob(100))",
    "INSERT INTO record VALUES(randomblob(32), x'01' || zeroblob(27))",
    "INSERT INTO record VALUES(randomblob(32), x'01' || zeroblob(28))",
    "INSERT INTO record VALUES('a text', 'another')",
    "INSERT INTO record VALUES(5, 5)",
  };
  for (size_t i = 0; i < COUNT(sql); i++) {
    char one[PATH_SIZE];
    make_dir(one);
    fill(one, "key");
    edit(one, sql[i]);
    AUTO(store) struct store *s = opened(one);
    AUTO_RECORDS r = { 0 };
    assert_int_equal(load(s, &r), ERR_CORRUPT);
    store_close(TAKE(s));
    remove_dir(one);
  }
}

static void row_of_another_vault(void **state) {
  char other[PATH_SIZE], sql[2 * PATH_SIZE];
  make_dir(other);
  fill(dir, "key");
  fill(other, "key"); /* the same root key, the same places */
  snprintf(sql, sizeof sql,
           "ATTACH '%s/vault.db' AS other; INSERT INTO record SELECT * FROM other.record", other);
  edit(dir, sql);
  assert_int_equal(load_again(), ERR_CORRUPT);
  remove_dir(other);
}

static void master_key_of_another_vault(void **state) {
  char other[PATH_SIZE], sql[2 * PATH_SIZE];
  make_dir(other);
  fill(dir, "key");
  fill(other, "key");
  snprintf(sql, sizeof sql,
           "ATTACH '%s/vault.db' AS other; UPDATE meta SET value = (SELECT value FROM other.meta "
           "WHERE name = 'master') WHERE name = 'master'",
           other);
  edit(dir, sql);
  assert_int_equal(load_again(), ERR_CORRUPT);
  remove_dir(other);
}

/* Turns bits of one byte of the only record, on a closed store's database. */
static void flip(size_t at) {
  char path[PATH_SIZE];
  sqlite3 *db = NULL;
  sqlite3_stmt *get = NULL, *set = NULL;
  AUTO_BUF value = BUF_EMPTY;
  assert_int_equal(sqlite3_open(file_in(dir, "vault.db", path), &db), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, "SELECT sealed FROM record", -1, &get, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(get), SQLITE_ROW);
  buf_put(&value, sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0));
  sqlite3_finalize(get);
  assert_true(at < value.size);
  value.data[at] ^= 0x10;
  assert_int_equal(sqlite3_prepare_v2(db, "UPDATE record SET sealed = ?1", -1, &set, NULL),
                   SQLITE_OK);
  sqlite3_bind_blob(set, 1, value.data, (int)value.size, SQLITE_STATIC);
  assert_int_equal(sqlite3_step(set), SQLITE_DONE);
  sqlite3_finalize(set);
  assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void any_flipped_byte(void **state) {
  AUTO(store) struct store *s = opened(dir);
  assert_int_equal(put(s, "key/a", "body"), OK);
  store_close(TAKE(s));
  assert_int_equal(load_again(), OK);
  size_t size = record_sealed_size(bytes_str("key/a"), bytes_str("body"));
  for (size_t at = 0; at < size; at++) {
    flip(at);
    assert_int_equal(load_again(), ERR_CORRUPT);
    flip(at);
  }
  assert_int_equal(load_again(), OK); /* all of them were turned back */
}

static void wrong_metadata(void **state) {
  static const struct {
    const char *sql;
    err_t e;
  } cases[] = {
    { "UPDATE meta SET value = x'02' WHERE name = 'schema'", ERR_CONFIG },
    { "UPDATE meta SET value = x'' WHERE name = 'schema'", ERR_CORRUPT },
    { "DELETE FROM meta WHERE name = 'schema'", ERR_CORRUPT },
    { "UPDATE meta SET value = x'0102' WHERE name = 'master'", ERR_CORRUPT },
    { "DROP TABLE meta", ERR_CORRUPT },
    { "DROP TABLE record", ERR_CORRUPT },
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    char one[PATH_SIZE];
    make_dir(one);
    fill(one, "key");
    edit(one, cases[i].sql);
    struct store *s = NULL;
    assert_int_equal(open_store(one, &s), cases[i].e);
    remove_dir(one);
  }
}

/* Neither a trigger nor a view in the file is run. */
static void schema_with_a_trigger(void **state) {
  fill(dir, "key");
  edit(dir, "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END");
  AUTO(store) struct store *s = opened(dir);
  AUTO_RECORDS r = { 0 };
  assert_int_equal(put(s, "more", "x"), OK);
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 4);
}

static void damaged_files(void **state) {
  char path[PATH_SIZE];
  {
    AUTO(store) struct store *s = opened(dir);
    char place[16];
    for (int i = 0; i < 100; i++) {
      snprintf(place, sizeof place, "key/%d", i);
      assert_int_equal(put(s, place, "a body of some length, to fill more than one page"), OK);
    }
  }
  file_in(dir, "vault.db", path);
  AUTO_BUF whole = slurp(path);
  assert_true(whole.size >= 4 * 8192);
  /* Cut: to nothing, within the header, at a page, within a page. */
  const size_t sizes[] = { 0, 1, 50, 100, 8192, whole.size / 2, whole.size - 8192, whole.size - 1 };
  for (size_t i = 0; i < COUNT(sizes); i++) {
    spill(path, bytes_of(whole.data, sizes[i]));
    assert_int_equal(load_again(), ERR_CORRUPT);
  }
  /* Garbage: all of it, the header, each page. */
  AUTO_BUF bad = BUF_EMPTY;
  buf_put_bytes(&bad, buf_bytes(&whole));
  for (size_t at = 0; at < bad.size; at += 8192) {
    memset(bad.data + at, 0xd7, 8192);
    spill(path, buf_bytes(&bad));
    assert_int_equal(load_again(), ERR_CORRUPT);
    memcpy(bad.data + at, whole.data + at, 8192);
  }
  memset(bad.data, 0xd7, bad.size);
  spill(path, buf_bytes(&bad));
  assert_int_equal(load_again(), ERR_CORRUPT);
  spill(path, bytes_str("this is a text\n"));
  assert_int_equal(load_again(), ERR_CORRUPT);
  spill(path, buf_bytes(&whole));
  assert_int_equal(load_again(), OK);
}

static void lost_database_with_its_log_left(void **state) {
  char path[PATH_SIZE];
  fill(dir, "key");
  unlink(file_in(dir, "vault.db", path));
  spill(file_in(dir, "vault.db-wal", path), bytes_str("x"));
  assert_int_equal(load_again(), ERR_CORRUPT);
}

static void nothing_is_readable(void **state) {
  static const char *const secrets[] = { "key/payroll", "payroll", "vault.example.net",
                                         "-----BEGIN PRIVATE", "role/owner" };
  AUTO(store) struct store *s = opened(dir);
  assert_int_equal(put(s, "key/payroll", "-----BEGIN PRIVATE KEY-----"), OK);
  assert_int_equal(put(s, "role/owner", "https://vault.example.net"), OK);
  assert_int_equal(put(s, "key/payroll", "-----BEGIN PRIVATE KEY----- 2"), OK);
  static const char *const files[] = { "vault.db", "vault.db-wal", "vault.lock" };
  for (int closed = 0; closed < 2; closed++) {
    for (size_t f = 0; f < COUNT(files); f++) {
      char path[PATH_SIZE];
      AUTO_BUF data = slurp(file_in(dir, files[f], path));
      assert_true(closed || f == 2 || data.size > 0);
      for (size_t i = 0; data.size && i < COUNT(secrets); i++)
        assert_null(memmem(data.data, data.size, secrets[i], strlen(secrets[i])));
    }
    if (s)
      store_close(TAKE(s));
  }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, each_dir, end_dir)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(swapped_rows),
    TEST(renamed_row),
    TEST(removed_and_older_rows),
    TEST(malformed_rows),
    TEST(row_of_another_vault),
    TEST(master_key_of_another_vault),
    TEST(any_flipped_byte),
    TEST(wrong_metadata),
    TEST(schema_with_a_trigger),
    TEST(damaged_files),
    TEST(lost_database_with_its_log_left),
    TEST(nothing_is_readable),
  };
  return cmocka_run_group_tests(tests, start_crypto, NULL);
}
