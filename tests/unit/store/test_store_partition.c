/* Parts of the store: what is in one opens with its master key at its place, and nowhere else. */
#include "helper.h"

#include "store/partition.h"

#define A "11111111-1111-4111-8111-111111111111"
#define B "22222222-2222-4222-8222-222222222222"

static char dir[PATH_SIZE];

static int each_dir(void **state) {
  make_dir(dir);
  return 0;
}

static int end_dir(void **state) {
  remove_dir(dir);
  return 0;
}

/* A part whose master key's bytes are all n. */
static struct partition part_of(struct store *s, const char *guid, uint8_t n) {
  struct partition p = { 0 };
  AUTO_SECRET master = { 0 };
  assert_int_equal(secret_new(PARTITION_MASTER_SIZE, &master), OK);
  memset(master.data, n, master.size);
  assert_int_equal(partition_open(s, guid, &master, &p), OK);
  assert_null(master.data);
  return p;
}

static err_t put_in(struct partition *p, const char *place, const char *body) {
  struct store_write w = { place, bytes_str(body) };
  return partition_commit(p, &w, 1);
}

/* The sealed body at a full place, as a loader gets it. */
static struct bytes sealed_at(const struct records *r, const char *full) {
  for (size_t i = 0; i < r->count; i++)
    if (strcmp(r->items[i].place, full) == 0)
      return bytes_of(r->items[i].body, r->items[i].body_size);
  fail_msg("there is no record at %s", full);
  return (struct bytes){ 0 };
}

static void keeps_bodies_to_itself(void **state) {
  AUTO(store) struct store *s = opened(dir);
  __attribute__((cleanup(partition_close))) struct partition a = part_of(s, A, 1);
  __attribute__((cleanup(partition_close))) struct partition b = part_of(s, B, 2);
  __attribute__((cleanup(partition_close))) struct partition wrong = part_of(s, A, 3);
  struct partition whole;
  partition_main(s, &whole);
  assert_int_equal(put_in(&a, "key/k", "of a"), OK);
  assert_int_equal(put_in(&b, "key/k", "of b"), OK);
  assert_int_equal(put_in(&whole, "key/k", "of the store"), OK);

  AUTO_RECORDS r = { 0 };
  AUTO_BUF plain = BUF_EMPTY;
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 3);
  assert_string_equal(body_of(&r, "key/k"), "of the store");
  struct bytes place = bytes_str("v/" A "/key/k"), sealed = sealed_at(&r, "v/" A "/key/k");
  assert_int_equal(partition_read(&a, place, sealed, &plain), OK);
  assert_true(bytes_equal_str(buf_bytes(&plain), "of a"));
  /* Not by another key, and not as another part's or place's. */
  assert_int_equal(partition_read(&b, place, sealed, &plain), ERR_CORRUPT);
  assert_int_equal(partition_read(&wrong, place, sealed, &plain), ERR_CORRUPT);
  assert_int_equal(partition_read(&a, bytes_str("v/" B "/key/k"), sealed, &plain), ERR_CORRUPT);
  assert_int_equal(partition_read(&a, bytes_str("v/" A "/key/j"), sealed, &plain), ERR_CORRUPT);
  assert_int_equal(plain.size, 0);
}

static void damage_is_noticed(void **state) {
  AUTO(store) struct store *s = opened(dir);
  __attribute__((cleanup(partition_close))) struct partition a = part_of(s, A, 1);
  assert_int_equal(put_in(&a, "key/k", "body"), OK);
  AUTO_RECORDS r = { 0 };
  AUTO_BUF plain = BUF_EMPTY, changed = BUF_EMPTY;
  assert_int_equal(load(s, &r), OK);
  struct bytes place = bytes_str("v/" A "/key/k"), sealed = sealed_at(&r, "v/" A "/key/k");
  for (size_t n = 0; n < sealed.size; n++)
    assert_int_equal(partition_read(&a, place, bytes_of(sealed.data, n), &plain), ERR_CORRUPT);
  for (size_t i = 0; i < sealed.size; i++) {
    buf_clear(&changed);
    buf_put_bytes(&changed, sealed);
    changed.data[i] ^= 1;
    assert_int_equal(partition_read(&a, place, buf_bytes(&changed), &plain), ERR_CORRUPT);
  }
}

static void replaces_removes_and_takes_empty_bodies(void **state) {
  AUTO(store) struct store *s = opened(dir);
  __attribute__((cleanup(partition_close))) struct partition a = part_of(s, A, 1);
  struct store_write writes[] = { { "one", bytes_str("1") },
                                  { "two", bytes_str("2") },
                                  { "none", bytes_of("", 0) } };
  assert_int_equal(partition_commit(&a, writes, COUNT(writes)), OK);
  struct store_write changes[] = { { "one", { 0 } }, { "two", bytes_str("22") } };
  assert_int_equal(partition_commit(&a, changes, COUNT(changes)), OK);
  assert_int_equal(partition_commit(&a, NULL, 0), OK);
  AUTO_RECORDS r = { 0 };
  AUTO_BUF plain = BUF_EMPTY;
  assert_int_equal(load(s, &r), OK);
  assert_int_equal(r.count, 2);
  assert_int_equal(
    partition_read(&a, bytes_str("v/" A "/two"), sealed_at(&r, "v/" A "/two"), &plain), OK);
  assert_true(bytes_equal_str(buf_bytes(&plain), "22"));
  assert_int_equal(
    partition_read(&a, bytes_str("v/" A "/none"), sealed_at(&r, "v/" A "/none"), &plain), OK);
  assert_int_equal(plain.size, 0);
}

static void derives_keys_of_its_own(void **state) {
  AUTO(store) struct store *s = opened(dir);
  __attribute__((cleanup(partition_close))) struct partition a = part_of(s, A, 1);
  __attribute__((cleanup(partition_close))) struct partition b = part_of(s, B, 2);
  struct partition whole;
  partition_main(s, &whole);
  struct secret keys[5] = { 0 };
  assert_int_equal(partition_derive(&a, "x", 32, &keys[0]), OK);
  assert_int_equal(partition_derive(&a, "y", 32, &keys[1]), OK);
  assert_int_equal(partition_derive(&b, "x", 32, &keys[2]), OK);
  assert_int_equal(partition_derive(&whole, "x", 32, &keys[3]), OK);
  assert_int_equal(store_derive(s, "x", 32, &keys[4]), OK);
  assert_true(crypto_equal(secret_bytes(&keys[3]), secret_bytes(&keys[4])));
  for (size_t i = 0; i < 4; i++)
    for (size_t j = 0; j < i; j++)
      assert_false(crypto_equal(secret_bytes(&keys[i]), secret_bytes(&keys[j])));
  for (size_t i = 0; i < COUNT(keys); i++)
    secret_free(&keys[i]);
}

static void places(void **state) {
  static const struct row {
    const char *full, *place; /* NULL: in no part */
  } rows[] = {
    { "v/" A "/key/k", "key/k" },
    { "v/" A "/k", "k" },
    { "v/" A "/", NULL },
    { "v/" A, NULL },
    { "v/" A "x/k", NULL },
    { "v/not-a-guid-at-all-but-of-its-full-length/k", NULL },
    { "v/11111111-1111-4111-8111-11111111111/1k", NULL },
    { "vaults/" A, NULL },
    { "key/k", NULL },
    { "v/", NULL },
    { "", NULL },
  };
  char guid[GUID_SIZE + 1];
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct bytes place;
    bool found = partition_of(bytes_str(rows[i].full), guid, &place);
    assert_int_equal(found, rows[i].place != NULL);
    if (!found)
      continue;
    assert_string_equal(guid, A);
    assert_true(bytes_equal_str(place, rows[i].place));
  }
}

static void limits(void **state) {
  AUTO(store) struct store *s = opened(dir);
  struct partition p = { 0 };
  AUTO_SECRET master = { 0 };
  assert_int_equal(partition_open(s, A, &master, &p), ERR_CORRUPT);
  assert_int_equal(secret_new(PARTITION_MASTER_SIZE, &master), OK);
  assert_int_equal(partition_open(s, "a", &master, &p), ERR_CORRUPT);
  assert_non_null(master.data);
  assert_int_equal(partition_open(s, A, &master, &p), OK);
  char place[STORE_PLACE_MAX + 2], full[STORE_PLACE_MAX + 1];
  memset(place, 'p', sizeof place);
  place[STORE_PLACE_MAX - PARTITION_PREFIX_SIZE] = '\0';
  assert_int_equal(put_in(&p, place, "fits"), OK);
  assert_int_equal(partition_place(&p, place, full), OK);
  assert_int_equal(strlen(full), STORE_PLACE_MAX);
  place[STORE_PLACE_MAX - PARTITION_PREFIX_SIZE] = 'p';
  place[STORE_PLACE_MAX - PARTITION_PREFIX_SIZE + 1] = '\0';
  assert_int_equal(put_in(&p, place, "does not"), ERR_INTERNAL);
  partition_close(&p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, each_dir, end_dir)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(keeps_bodies_to_itself),
    TEST(damage_is_noticed),
    TEST(replaces_removes_and_takes_empty_bodies),
    TEST(derives_keys_of_its_own),
    TEST(places),
    TEST(limits),
  };
  return cmocka_run_group_tests(tests, start_crypto, NULL);
}
