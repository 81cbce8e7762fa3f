#include "helper.h"

#include <stdio.h>
#include <sys/stat.h>
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

static void lives(void **state) {
  AUTO(root) struct root *root = root_of(1), *wrong = root_of(2);
  struct store *s = NULL;
  char provider[16];
  assert_int_equal(store_open(dir, &s), OK);
  assert_true(store_is_new(s) && store_is_sealed(s));
  assert_int_equal(store_provider(s, provider), ERR_CORRUPT);
  assert_int_equal(store_unseal(s, root), ERR_CONFLICT);
  assert_int_equal(store_init(s, root), OK);
  assert_false(store_is_new(s) || store_is_sealed(s));
  assert_int_equal(store_init(s, root), ERR_CONFLICT);
  assert_int_equal(put(s, "key/rsa1", "one"), OK);
  store_close(s);

  assert_int_equal(store_open(dir, &s), OK);
  assert_true(!store_is_new(s) && store_is_sealed(s));
  assert_int_equal(store_provider(s, provider), OK);
  assert_string_equal(provider, "file");
  assert_int_equal(store_init(s, root), ERR_CONFLICT);
  assert_int_equal(store_unseal(s, wrong), ERR_ROOT_KEY);
  assert_true(store_is_sealed(s));
  assert_int_equal(store_unseal(s, root), OK);
  assert_int_equal(store_unseal(s, wrong), ERR_ROOT_KEY); /* also when it is open already */
  assert_int_equal(store_unseal(s, root), OK);
  assert_false(store_is_sealed(s));
  AUTO_RECORDS r = { 0 };
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 1);
  assert_string_equal(body_of(&r, "key/rsa1"), "one");
  store_close(s);
}

static void sealed_store_answers_nothing(void **state) {
  store_close(opened(dir));
  AUTO(store) struct store *s = NULL;
  AUTO(root) struct root *root = root_of(1);
  AUTO_SECRET key = { 0 };
  AUTO_RECORDS r = { 0 };
  assert_int_equal(store_open(dir, &s), OK);
  assert_int_equal(put(s, "a", "b"), ERR_SEALED);
  assert_int_equal(store_commit(s, NULL, 0), ERR_SEALED);
  assert_int_equal(load(s, &r), ERR_SEALED);
  assert_int_equal(store_derive(s, "audit", 32, &key), ERR_SEALED);
  assert_int_equal(store_rewrap(s, root), ERR_SEALED);
}

static void puts_replaces_and_removes(void **state) {
  struct store *s = opened(dir);
  static uint8_t large[100000];
  memset(large, 0xa5, sizeof large);
  struct store_write writes[] = {
    { "a", bytes_str("first") },  { "b", bytes_str("") },
    { "c", bytes_of("x\0y", 3) }, { "d", bytes_of(large, sizeof large) },
    { "e", bytes_str("e") },
  };
  assert_int_equal(store_commit(s, writes, COUNT(writes)), OK);
  /* In one call the last write of a place counts. */
  struct store_write changes[] = {
    { "a", bytes_str("second") },
    { "a", bytes_str("third") },
    { "e", { 0 } },
    { "f", bytes_str("f") },
    { "f", { 0 } },
    { "never", { 0 } },
  };
  assert_int_equal(store_commit(s, changes, COUNT(changes)), OK);
  assert_int_equal(store_commit(s, NULL, 0), OK);
  for (int round = 0; round < 2; round++) {
    AUTO_RECORDS r = { 0 };
    assert_int_equal(load(s, &r), OK);
    assert_int_equal(r.count, 4);
    assert_string_equal(body_of(&r, "a"), "third");
    assert_string_equal(body_of(&r, "b"), "");
    assert_memory_equal(body_of(&r, "c"), "x\0y", 3);
    assert_memory_equal(body_of(&r, "d"), large, sizeof large);
    assert_null(body_of(&r, "e"));
    store_close(s);
    s = opened(dir);
  }
  /* What was removed is not left in the log. */
  char path[PATH_SIZE];
  assert_int_equal(drop(s, "a"), OK);
  AUTO_BUF log = slurp(file_in(dir, "vault.db-wal", path));
  assert_int_equal(log.size, 0);
  store_close(s);
}

static void limits(void **state) {
  AUTO(store) struct store *s = opened(dir);
  char place[STORE_PLACE_MAX + 2];
  memset(place, 'p', sizeof place);
  place[STORE_PLACE_MAX + 1] = '\0';
  assert_int_equal(put(s, place, "x"), ERR_INTERNAL);
  assert_int_equal(put(s, "", "x"), ERR_INTERNAL);
  place[STORE_PLACE_MAX] = '\0';
  assert_int_equal(put(s, place, "x"), OK);
  /* One write that cannot be done spoils its whole call. */
  struct store_write writes[] = { { "a", bytes_str("a") },
                                  { "b", bytes_of("", STORE_BODY_MAX + 1) } };
  assert_int_equal(store_commit(s, writes, COUNT(writes)), ERR_TOO_LARGE);
  AUTO_RECORDS r = { 0 };
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 1);
  assert_string_equal(body_of(&r, place), "x");
}

static err_t refuse(void *ctx, struct bytes place, struct bytes body) {
  ++*(int *)ctx;
  return ERR_BUSY;
}

static void load_stops_at_the_first_error(void **state) {
  AUTO(store) struct store *s = opened(dir);
  assert_int_equal(put(s, "a", "a"), OK);
  assert_int_equal(put(s, "b", "b"), OK);
  int calls = 0;
  assert_int_equal(store_load(s, refuse, &calls), ERR_BUSY);
  assert_int_equal(calls, 1);
  assert_int_equal(put(s, "c", "c"), OK); /* and the store goes on */
}

static void rewraps(void **state) {
  AUTO(root) struct root *first = root_of(1), *second = root_of(2), *third = NULL;
  assert_int_equal(root_open("passphrase", bytes_str("a long passphrase"), &third), OK);
  char provider[16];
  AUTO(store) struct store *s = opened(dir);
  assert_int_equal(put(s, "a", "kept"), OK);
  assert_int_equal(store_rewrap(s, second), OK);
  assert_int_equal(put(s, "b", "after"), OK);
  store_close(TAKE(s));

  assert_int_equal(store_open(dir, &s), OK);
  assert_int_equal(store_unseal(s, first), ERR_ROOT_KEY);
  assert_int_equal(store_unseal(s, second), OK);
  assert_int_equal(store_rewrap(s, third), OK);
  assert_int_equal(store_provider(s, provider), OK);
  assert_string_equal(provider, "passphrase");
  assert_int_equal(store_unseal(s, second), ERR_ROOT_KEY);
  store_close(TAKE(s));

  assert_int_equal(store_open(dir, &s), OK);
  assert_int_equal(store_unseal(s, second), ERR_ROOT_KEY);
  assert_int_equal(store_unseal(s, third), OK);
  AUTO_RECORDS r = { 0 };
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 2);
  assert_string_equal(body_of(&r, "a"), "kept");
}

static void derives(void **state) {
  char other[PATH_SIZE];
  make_dir(other);
  AUTO(store) struct store *s = opened(dir), *o = opened(other);
  AUTO_SECRET a = { 0 }, b = { 0 }, c = { 0 }, again = { 0 };
  assert_int_equal(store_derive(s, "audit", 32, &a), OK);
  assert_int_equal(store_derive(s, "backup", 32, &b), OK);
  assert_int_equal(store_derive(o, "audit", 32, &c), OK);
  assert_false(crypto_equal(secret_bytes(&a), secret_bytes(&b)));
  assert_false(crypto_equal(secret_bytes(&a), secret_bytes(&c)));
  AUTO(root) struct root *second = root_of(2);
  assert_int_equal(store_rewrap(s, second), OK);
  store_close(TAKE(s));
  assert_int_equal(store_open(dir, &s), OK);
  assert_int_equal(store_unseal(s, second), OK);
  assert_int_equal(store_derive(s, "audit", 32, &again), OK);
  assert_true(crypto_equal(secret_bytes(&a), secret_bytes(&again)));
  remove_dir(other);
}

static void one_process_at_a_time(void **state) {
  AUTO(store) struct store *s = opened(dir), *second = NULL;
  assert_int_equal(store_open(dir, &second), ERR_CONFLICT);
  assert_non_null(strstr(err_last()->why, "another process serves "));
  assert_null(second);
  assert_int_equal(put(s, "a", "a"), OK); /* the first is not disturbed */
  store_close(TAKE(s));
  assert_int_equal(store_open(dir, &second), OK);
}

static mode_t mode_of(const char *name) {
  char path[PATH_SIZE];
  struct stat st;
  assert_int_equal(stat(file_in(dir, name, path), &st), 0);
  return st.st_mode & 07777;
}

static void files_are_private(void **state) {
  mode_t before = umask(0);
  AUTO(store) struct store *s = opened(dir);
  umask(before);
  assert_int_equal(put(s, "a", "a"), OK);
  assert_int_equal(mode_of("."), 0700);
  assert_int_equal(mode_of("vault.db"), 0600);
  assert_int_equal(mode_of("vault.db-wal"), 0600);
  assert_int_equal(mode_of("vault.lock"), 0600);
  char path[PATH_SIZE];
  assert_int_equal(access(file_in(dir, "vault.db-shm", path), F_OK), -1);
  assert_int_equal(access(file_in(dir, "vault.db.new", path), F_OK), -1);
}

static void directories_of_others_are_refused(void **state) {
  AUTO(store) struct store *s = NULL;
  assert_int_equal(mkdir(dir, 0700), 0);
  static const mode_t bad[] = { 0720, 0702, 0777, 0770 };
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_int_equal(chmod(dir, bad[i]), 0);
    assert_int_equal(store_open(dir, &s), ERR_CONFIG);
  }
  assert_int_equal(chmod(dir, 0755), 0);
  assert_int_equal(store_open(dir, &s), OK);
  assert_int_equal(mode_of("."), 0755);
}

static void unusable_places_are_refused(void **state) {
  AUTO(store) struct store *s = NULL;
  char path[PATH_SIZE];
  assert_int_equal(store_open(file_in(dir, "below/nothing", path), &s), ERR_IO);
  spill(dir, bytes_str("a file"));
  assert_int_equal(store_open(dir, &s), ERR_IO);
  unlink(dir);
  assert_int_equal(mkdir(dir, 0700), 0);
  assert_int_equal(symlink("elsewhere.db", file_in(dir, "vault.db", path)), 0);
  assert_int_equal(store_open(dir, &s), ERR_CORRUPT);
  unlink(path);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(store_open(dir, &s), ERR_CORRUPT);
  assert_null(s);
}

/* A process that died while it made the database leaves no vault behind, only litter. */
static void an_unfinished_database_is_begun_again(void **state) {
  char path[PATH_SIZE];
  assert_int_equal(mkdir(dir, 0700), 0);
  spill(file_in(dir, "vault.db.new", path), bytes_str("half a database"));
  spill(file_in(dir, "vault.db.new-journal", path), bytes_str("half a journal"));
  AUTO(store) struct store *s = opened(dir);
  assert_int_equal(put(s, "a", "a"), OK);
  assert_int_equal(access(path, F_OK), -1);
}

static void close_empties_the_log(void **state) {
  struct store *s = opened(dir);
  char path[PATH_SIZE];
  assert_int_equal(put(s, "a", "a"), OK);
  AUTO_BUF log = slurp(file_in(dir, "vault.db-wal", path));
  assert_true(log.size > 0);
  store_close(s);
  AUTO_BUF none = slurp(path);
  assert_int_equal(none.size, 0);
}

/* Without checkpoints the log would hold every page ever written. */
static void the_log_stays_small(void **state) {
  AUTO(store) struct store *s = opened(dir);
  static uint8_t body[7000];
  struct store_write writes[200];
  char places[200][16], path[PATH_SIZE];
  for (int i = 0; i < 200; i++) {
    snprintf(places[i], sizeof places[i], "%d", i);
    writes[i] = (struct store_write){ places[i], bytes_of(body, sizeof body) };
  }
  for (int round = 0; round < 40; round++) /* some 65 MB */
    assert_int_equal(store_commit(s, writes, COUNT(writes)), OK);
  struct stat st;
  assert_int_equal(stat(file_in(dir, "vault.db-wal", path), &st), 0);
  assert_in_range(st.st_size, 1, 24 * 1024 * 1024);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, each_dir, end_dir)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(lives),
    TEST(sealed_store_answers_nothing),
    TEST(puts_replaces_and_removes),
    TEST(limits),
    TEST(load_stops_at_the_first_error),
    TEST(rewraps),
    TEST(derives),
    TEST(one_process_at_a_time),
    TEST(files_are_private),
    TEST(directories_of_others_are_refused),
    TEST(unusable_places_are_refused),
    TEST(an_unfinished_database_is_begun_again),
    TEST(close_empties_the_log),
    TEST(the_log_stays_small),
  };
  return cmocka_run_group_tests(tests, start_crypto, NULL);
}
