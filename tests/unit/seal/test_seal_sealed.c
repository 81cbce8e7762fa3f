/* Sealed files: header and payload together, random access, changes of the key. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CHUNKS (HEADER_SIZE + COBBLESTONE_PREFIX) /* where they begin */

static struct fake_vault vault;

static struct sealed_options in_context(const char *context) {
  return (struct sealed_options){ .context = bytes_str(context), .stream = { .threads = 2 } };
}

static int sealed_file_of(struct key_cache *keys, const char *context, struct bytes plain) {
  struct sealed_options o = in_context(context);
  int in = file_of(plain), out = empty_file();
  assert_ok(sealed_seal(keys, "backups", &o, in, out));
  close(in);
  file_rewind(out);
  return out;
}

static err_t opened(struct key_cache *keys, const char *context, struct bytes sealed,
                    struct bytes *got) {
  struct sealed_options o = in_context(context);
  int in = file_of(sealed), out = empty_file();
  err_t e = sealed_open(keys, &o, in, out);
  *got = file_bytes(out);
  close(in);
  close(out);
  return e;
}

static void what_is_sealed_opens(void **state) {
  static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, BLOCK, 3 * BLOCK + 1 };
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes plain = pattern(1, sizes[i]), got;
    int file = sealed_file_of(keys, "shop/today", plain);
    struct bytes sealed = file_bytes(file);
    assert_ok(opened(keys, "shop/today", sealed, &got));
    assert_bytes(got, plain);
    AUTO_BUF again = BUF_EMPTY;
    assert_ok(sealed_get(keys, bytes_str("shop/today"), sealed, &again));
    assert_bytes(buf_bytes(&again), plain);
    close(file);
  }
  assert_true(vault.asked <= 2); /* one key for all */
}

static void texts_in_memory(void **state) {
  static const size_t sizes[] = { 0, 1, 16383, 16384, 16385, 100000 };
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct bytes plain = pattern(1, sizes[i]), got;
    AUTO_BUF sealed = BUF_EMPTY, again = BUF_EMPTY;
    buf_put_str(&sealed, "before");
    assert_ok(sealed_put(keys, "backups", bytes_str("c"), plain, &sealed));
    buf_drop(&sealed, 6);
    assert_ok(opened(keys, "c", buf_bytes(&sealed), &got));
    assert_bytes(got, plain);
    buf_put_str(&again, "before");
    assert_ok(sealed_get(keys, bytes_str("c"), buf_bytes(&sealed), &again));
    assert_bytes(bytes_of(again.data + 6, again.size - 6), plain);
    assert_err(sealed_get(keys, bytes_str("d"), buf_bytes(&sealed), &again), ERR_WRONG_KEY);
    sealed.data[sealed.size - 1] ^= 1;
    assert_err(sealed_get(keys, bytes_str("c"), buf_bytes(&sealed), &again), ERR_DAMAGED);
    assert_int_equal(again.size, 6 + plain.size);
  }
}

static void a_file_opens_as_what_it_was_sealed(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes got;
  int a = sealed_file_of(keys, "a", bytes_str("of a")),
      b = sealed_file_of(keys, "b", bytes_str("of b"));
  assert_err(opened(keys, "a", file_bytes(b), &got), ERR_WRONG_KEY);
  assert_int_equal(got.size, 0);
  assert_err(opened(keys, "", file_bytes(a), &got), ERR_WRONG_KEY);
  AUTO_BUF mixed = BUF_EMPTY; /* a's header before b's payload */
  buf_put(&mixed, file_bytes(a).data, HEADER_SIZE);
  buf_put(&mixed, file_bytes(b).data + HEADER_SIZE, file_bytes(b).size - HEADER_SIZE);
  assert_ok(opened(keys, "b", buf_bytes(&mixed), &got)); /* under one data key */
  assert_err(opened(keys, "a", buf_bytes(&mixed), &got), ERR_WRONG_KEY);
  close(a);
  close(b);
}

/* The kind is part of what a payload is bound to. */
static void kinds_differ(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  AUTO_BUF sealed = BUF_EMPTY;
  struct bytes got;
  struct header h;
  assert_ok(sealed_put(keys, "k", bytes_str("c"), bytes_str("text"), &sealed));
  assert_ok(header_read(buf_bytes(&sealed), &h));
  h.kind = HEADER_LOG;
  assert_ok(header_write(&h, sealed.data));
  assert_err(opened(keys, "c", buf_bytes(&sealed), &got), ERR_NOT_SEALED);
}

/* Files of today are to be opened for ever. */
static void what_payloads_are_bound_to(void **state) {
  static const char stream[] = "strongroom sealed file v1\0\1shop";
  static const char log[] = "strongroom sealed file v1\0\2";
  AUTO_BUF a = BUF_EMPTY, b = BUF_EMPTY;
  assert_ok(sealed_context(HEADER_STREAM, bytes_str("shop"), &a));
  assert_bytes(buf_bytes(&a), bytes_of(stream, sizeof stream - 1));
  assert_ok(sealed_context(HEADER_LOG, (struct bytes){ 0 }, &b));
  assert_bytes(buf_bytes(&b), bytes_of(log, sizeof log - 1));
}

static void another_data_key(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct fake_vault second;
  AUTO(key_cache) struct key_cache *others = fake_keys(&second);
  struct bytes got;
  int a = sealed_file_of(keys, "c", bytes_str("of a")),
      b = sealed_file_of(others, "c", bytes_str("of b"));
  AUTO_BUF mixed = BUF_EMPTY;
  buf_put(&mixed, file_bytes(a).data, HEADER_SIZE);
  buf_put(&mixed, file_bytes(b).data + HEADER_SIZE, file_bytes(b).size - HEADER_SIZE);
  assert_err(opened(keys, "c", buf_bytes(&mixed), &got), ERR_WRONG_KEY);
  close(a);
  close(b);
}

static void cut_off_anywhere(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes plain = pattern(1, 20000), got;
  AUTO_BUF sealed = BUF_EMPTY;
  assert_ok(sealed_put(keys, "k", bytes_str("c"), plain, &sealed));
  for (size_t size = 0; size < sealed.size; size += size < CHUNKS + 40 ? 1 : 311) {
    AUTO_BUF out = BUF_EMPTY;
    err_t e = opened(keys, "c", bytes_of(sealed.data, size), &got);
    assert_int_equal(e, size < 8                                          ? ERR_NOT_SEALED
                        : size < CHUNKS + 16                              ? ERR_TRUNCATED
                        : size >= CHUNKS + 16400 && size < CHUNKS + 16416 ? ERR_TRUNCATED
                                                                          : ERR_DAMAGED);
    assert_bytes(got, bytes_of(plain.data, size >= CHUNKS + 16400 ? 16384 : 0));
    e = sealed_get(keys, bytes_str("c"), bytes_of(sealed.data, size), &out);
    assert_true(e == ERR_NOT_SEALED || e == ERR_TRUNCATED || e == ERR_DAMAGED);
    assert_int_equal(out.size, 0);
  }
}

/* Of the header one half may be wrong; behind it nothing. */
static void one_bit_anywhere(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes plain = pattern(1, 20000), got;
  AUTO_BUF sealed = BUF_EMPTY;
  assert_ok(sealed_put(keys, "k", bytes_str("c"), plain, &sealed));
  for (size_t i = 0; i < sealed.size; i += i < CHUNKS ? 1 : 97) {
    sealed.data[i] ^= 4;
    err_t e = opened(keys, "c", buf_bytes(&sealed), &got);
    assert_int_equal(e, i < HEADER_SIZE ? OK : i < CHUNKS ? ERR_WRONG_KEY : ERR_DAMAGED);
    sealed.data[i] ^= 4;
  }
}

static void what_is_not_sealed(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes got;
  assert_err(opened(keys, "c", bytes_str("a text"), &got), ERR_NOT_SEALED);
  assert_err(opened(keys, "c", bytes_str(""), &got), ERR_NOT_SEALED);
  assert_err(opened(keys, "c", pattern(1, 100000), &got), ERR_NOT_SEALED);
}

/* What the vault says is what the caller hears, and nothing is written. */
static void the_vault_says_no(void **state) {
  static const err_t answers[] = { ERR_AWAY, ERR_FORBIDDEN, ERR_NOT_FOUND, ERR_NOMEM };
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  AUTO_BUF sealed = BUF_EMPTY;
  struct bytes got;
  assert_ok(sealed_put(keys, "k", bytes_str("c"), bytes_str("text"), &sealed));
  for (size_t i = 0; i < 4; i++) {
    AUTO(key_cache) struct key_cache *fresh = fake_keys(&vault);
    struct sealed_options o = in_context("c");
    int in = file_of(bytes_str("text")), out = empty_file();
    vault.answer = answers[i];
    assert_int_equal(sealed_seal(fresh, "k", &o, in, out), answers[i]);
    assert_int_equal(file_bytes(out).size, 0);
    assert_int_equal(opened(fresh, "c", buf_bytes(&sealed), &got), answers[i]);
    close(in);
    close(out);
  }
}

static void the_start_was_read_already(void **state) {
  static const size_t sizes[] = {
    0, 8, HEADER_SIZE, HEADER_SIZE + 10, CHUNKS, CHUNKS + 100, CHUNKS + BLOCK
  };
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes plain = pattern(1, 2 * BLOCK);
  int file = sealed_file_of(keys, "c", plain);
  struct bytes sealed = file_bytes(file);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    struct sealed_options o = in_context("c");
    int out = empty_file();
    lseek(file, (off_t)sizes[i], SEEK_SET);
    assert_ok(sealed_open_rest(keys, &o, bytes_of(sealed.data, sizes[i]), file, out));
    assert_bytes(file_bytes(out), plain);
    close(out);
  }
  close(file);
}

static void full_outputs(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct sealed_options o = in_context("c");
  int in = file_of(bytes_str("text")), full = open("/dev/full", O_WRONLY);
  assert_err(sealed_seal(keys, "k", &o, in, full), ERR_OUTPUT);
  assert_non_null(strstr(err_last()->why, "No space left on device"));
  close(in);
  close(full);
}

/* --- random access --- */

static void pieces_of_a_file(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct bytes plain = pattern(1, 10 * 16384 + 77);
  int file = sealed_file_of(keys, "c", plain), out = empty_file();
  AUTO(sealed_file) struct sealed_file *f = NULL;
  uint8_t got[40000];
  uint64_t size = 0;
  unsigned seed = 1;
  assert_ok(sealed_file_open(keys, bytes_str("c"), file, &f));
  assert_ok(sealed_file_size(f, &size));
  assert_int_equal(size, plain.size);
  for (int i = 0; i < 1000; i++) {
    size_t offset, room, n = 0;
    seed = seed * 1103515245 + 12345;
    offset = (seed >> 8) % (plain.size + 100);
    room = (seed >> 4) % (i % 2 ? 600 : sizeof got);
    size_t left = offset < plain.size ? plain.size - offset : 0;
    assert_ok(sealed_file_read(f, offset, got, room, &n));
    assert_int_equal(n, room < left ? room : left);
    if (n)
      assert_memory_equal(got, plain.data + offset, n);
  }
  assert_ok(sealed_file_range(f, 16000, 20000, out));
  assert_bytes(file_bytes(out), bytes_of(plain.data + 16000, 20000));
  close(file);
  close(out);
}

static void files_that_do_not_open(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  int file = sealed_file_of(keys, "c", pattern(1, 40000));
  struct sealed_file *f = NULL;
  assert_err(sealed_file_open(keys, bytes_str("d"), file, &f), ERR_WRONG_KEY);
  assert_int_equal(ftruncate(file, CHUNKS + 2 * 16400), 0);
  assert_err(sealed_file_open(keys, bytes_str("c"), file, &f), ERR_TRUNCATED);
  assert_int_equal(ftruncate(file, CHUNKS + 16400 + 500), 0);
  assert_err(sealed_file_open(keys, bytes_str("c"), file, &f), ERR_DAMAGED);
  assert_int_equal(ftruncate(file, 100), 0);
  assert_err(sealed_file_open(keys, bytes_str("c"), file, &f), ERR_TRUNCATED);
  assert_null(f);
  close(file);
}

/* --- changing the key --- */

static void assert_opens(struct bytes sealed, struct bytes plain) {
  struct fake_vault v;
  AUTO(key_cache) struct key_cache *keys = fake_keys(&v);
  AUTO_BUF got = BUF_EMPTY;
  assert_ok(sealed_get(keys, bytes_str("c"), sealed, &got));
  assert_bytes(buf_bytes(&got), plain);
}

static void resealing(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct key_service s = fake_service(&vault);
  struct bytes plain = pattern(1, 20000);
  int file = sealed_file_of(keys, "c", plain);
  struct bytes first = file_bytes(file);
  struct header h;
  bool changed = true;
  assert_ok(sealed_reseal(&s, "backups", file, &changed));
  assert_false(changed);
  assert_bytes(file_bytes(file), first);
  for (unsigned version = 2; version < 7; version++) {
    char id[KEY_ID_MAX];
    vault.version = version;
    assert_ok(sealed_reseal(&s, "backups", file, &changed));
    assert_true(changed);
    struct bytes now = file_bytes(file);
    assert_ok(header_read(now, &h));
    snprintf(id, sizeof id, "https://vault.test/keys/backups/%032x", version);
    assert_string_equal(h.wrapped.key_id, id);
    assert_int_equal(h.slot, version % 2 ? 0 : 1);
    assert_int_equal(h.generation, version);
    assert_opens(now, plain);
    assert_memory_equal(now.data + HEADER_SIZE, first.data + HEADER_SIZE, first.size - HEADER_SIZE);
  }
  assert_ok(sealed_reseal(&s, "others", file, &changed)); /* another key */
  assert_true(changed);
  vault.version++;
  assert_ok(sealed_reseal(&s, NULL, file, &changed)); /* the newest of its own */
  assert_true(changed);
  assert_ok(header_read(file_bytes(file), &h));
  assert_non_null(strstr(h.wrapped.key_id, "/keys/others/"));
  assert_opens(file_bytes(file), plain);
  close(file);
}

/* However little of a new half has reached the disk, and in which order: the file opens. */
static void torn_writes(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct key_service s = fake_service(&vault);
  struct bytes plain = pattern(1, 100);
  int file = sealed_file_of(keys, "c", plain);
  bool changed;
  for (unsigned version = 2; version < 5; version++) {
    AUTO_BUF before = BUF_EMPTY, after = BUF_EMPTY;
    vault.version = version;
    buf_put_bytes(&before, file_bytes(file));
    assert_ok(sealed_reseal(&s, "backups", file, &changed));
    buf_put_bytes(&after, file_bytes(file));
    for (size_t cut = 0; cut <= HEADER_SIZE; cut += 13) {
      AUTO_BUF torn = BUF_EMPTY;
      buf_put(&torn, after.data, cut);
      buf_put(&torn, before.data + cut, before.size - cut);
      assert_opens(buf_bytes(&torn), plain);
      memcpy(torn.data, before.data, cut); /* the end of it first */
      memcpy(torn.data + cut, after.data + cut, after.size - cut);
      assert_opens(buf_bytes(&torn), plain);
    }
    size_t at = version % 2 ? 0 : HEADER_SLOT; /* a sector that became anything */
    for (size_t i = 0; i + 64 <= HEADER_SLOT; i += 64) {
      AUTO_BUF torn = BUF_EMPTY;
      buf_put_bytes(&torn, buf_bytes(&after));
      memset(torn.data + at + i, 0xff, 64);
      assert_opens(buf_bytes(&torn), plain);
    }
  }
  close(file);
}

static void resealing_that_fails(void **state) {
  AUTO(key_cache) struct key_cache *keys = fake_keys(&vault);
  struct key_service s = fake_service(&vault);
  int file = sealed_file_of(keys, "c", bytes_str("text")), none = file_of(bytes_str("a text"));
  struct bytes before = file_bytes(file);
  bool changed = false;
  char path[64];
  vault.version = 2;
  vault.answer = ERR_AWAY;
  assert_err(sealed_reseal(&s, "backups", file, &changed), ERR_AWAY);
  vault.answer = OK;
  assert_err(sealed_reseal(&s, "backups", none, &changed), ERR_NOT_SEALED);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  int read_only = open(path, O_RDONLY);
  assert_err(sealed_reseal(&s, "backups", read_only, &changed), ERR_OUTPUT);
  assert_bytes(file_bytes(file), before);
  assert_false(changed);
  close(read_only);
  close(file);
  close(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_sealed_opens),
    cmocka_unit_test(texts_in_memory),
    cmocka_unit_test(a_file_opens_as_what_it_was_sealed),
    cmocka_unit_test(kinds_differ),
    cmocka_unit_test(what_payloads_are_bound_to),
    cmocka_unit_test(another_data_key),
    cmocka_unit_test(cut_off_anywhere),
    cmocka_unit_test(one_bit_anywhere),
    cmocka_unit_test(what_is_not_sealed),
    cmocka_unit_test(the_vault_says_no),
    cmocka_unit_test(the_start_was_read_already),
    cmocka_unit_test(full_outputs),
    cmocka_unit_test(pieces_of_a_file),
    cmocka_unit_test(files_that_do_not_open),
    cmocka_unit_test(resealing),
    cmocka_unit_test(torn_writes),
    cmocka_unit_test(resealing_that_fails),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
