/* Headers: what is written is read, what is wrong is told apart, one half is enough. */
#include "fixture.h"

static struct header example(void) {
  struct header h = { .kind = HEADER_STREAM, .generation = 7 };
  strcpy(h.wrapped.key_id, "https://vault.test/keys/backups/3fd0b3d7e2fb4c1f8a9a2b8f5f3b1c55");
  strcpy(h.wrapped.alg, "A256KW");
  h.wrapped.size = 40;
  memset(h.wrapped.data, 0xa5, 40);
  return h;
}

static void assert_same(const struct header *a, const struct header *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->generation, b->generation);
  assert_string_equal(a->wrapped.key_id, b->wrapped.key_id);
  assert_string_equal(a->wrapped.alg, b->wrapped.alg);
  assert_bytes(bytes_of(a->wrapped.data, a->wrapped.size),
               bytes_of(b->wrapped.data, b->wrapped.size));
}

/* A slot's digest, after a change. */
static void digest(uint8_t *slot) {
  assert_ok(
    crypto_sha256(bytes_of(slot, HEADER_SLOT - SHA256_SIZE), slot + HEADER_SLOT - SHA256_SIZE));
}

static void what_is_written_is_read(void **state) {
  static const char *const algs[] = { "A256KW", "A192KW", "A128KW", "RSA-OAEP-256" };
  uint8_t data[HEADER_SIZE];
  for (size_t i = 0; i < 4; i++) {
    struct header h = example(), got;
    strcpy(h.wrapped.alg, algs[i]);
    h.kind = i % 2 ? HEADER_LOG : HEADER_STREAM;
    h.wrapped.size = i == 3 ? WRAPPED_MAX : 40;
    memset(h.wrapped.key_id, 'k', i == 3 ? KEY_ID_MAX - 1 : 1);
    assert_ok(header_write(&h, data));
    assert_true(header_looks_like(bytes_of(data, 8)));
    assert_ok(header_read(bytes_of(data, sizeof data), &got));
    assert_same(&got, &h);
    assert_int_equal(got.slot, 0);
  }
}

/* The bytes themselves: files of today are to be read for ever. */
static void bytes_of_the_first_version(void **state) {
  uint8_t data[HEADER_SIZE];
  struct header h = example();
  strcpy(h.wrapped.key_id, "id");
  h.wrapped.size = 3;
  assert_ok(header_write(&h, data));
  assert_memory_equal(data, "SRSEAL\0\1\1\1\0\0\0\7\0\2id\0\3\xa5\xa5\xa5\0", 24);
  assert_memory_equal(data, data + HEADER_SLOT, HEADER_SLOT);
}

static void what_does_not_fit_is_refused(void **state) {
  uint8_t data[HEADER_SIZE];
  struct header h = example();
  strcpy(h.wrapped.alg, "RSA1_5");
  assert_err(header_write(&h, data), ERR_BAD_PARAMETER);
  h = example();
  h.wrapped.size = 0;
  assert_err(header_write(&h, data), ERR_BAD_PARAMETER);
  h.wrapped.size = WRAPPED_MAX + 1;
  assert_err(header_write(&h, data), ERR_BAD_PARAMETER);
  h = example();
  h.wrapped.key_id[0] = '\0';
  assert_err(header_write(&h, data), ERR_BAD_PARAMETER);
  h.wrapped.key_id[0] = '\n';
  assert_err(header_write(&h, data), ERR_BAD_PARAMETER);
}

/* In both halves, with right digests. */
struct malformed {
  const char *what;
  size_t at;
  uint8_t value;
  const char *error;
};
static const struct malformed malformed[] = {
  { "another format", 0, 'X', "ERR_NOT_SEALED" },
  { "another version", 7, 2, "ERR_NOT_SEALED" },
  { "no kind", 8, 0, "ERR_DAMAGED" },
  { "an unknown kind", 8, 3, "ERR_DAMAGED" },
  { "no algorithm", 9, 0, "ERR_DAMAGED" },
  { "an unknown algorithm", 9, 5, "ERR_DAMAGED" },
  { "a key id beyond the slot", 14, 0xff, "ERR_DAMAGED" },
  { "a key id of other length", 15, 0x20, "ERR_DAMAGED" },
  { "a key id that is a control", 16, 27, "ERR_DAMAGED" },
  { "a key id with a NUL", 17, 0, "ERR_DAMAGED" },
  { "a key id that is not ASCII", 17, 0xc3, "ERR_DAMAGED" },
  { "bytes in the padding", 900, 1, "ERR_DAMAGED" },
  { "bytes before the digest", HEADER_SLOT - SHA256_SIZE - 1, 1, "ERR_DAMAGED" },
};

static void malformed_headers(void **state) {
  struct header h = example(), got;
  for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
    uint8_t data[HEADER_SIZE];
    assert_ok(header_write(&h, data));
    for (int slot = 0; slot < 2; slot++) {
      data[slot * HEADER_SLOT + malformed[i].at] = malformed[i].value;
      digest(data + slot * HEADER_SLOT);
    }
    const char *got_error = err_info(header_read(bytes_of(data, sizeof data), &got))->name;
    if (strcmp(got_error, malformed[i].error) != 0)
      fail_msg("%s: %s", malformed[i].what, got_error);
  }
}

static void lengths(void **state) {
  uint8_t data[HEADER_SIZE + 1];
  struct header h = example(), got;
  assert_ok(header_write(&h, data));
  for (size_t size = 0; size < HEADER_SIZE; size++) {
    err_t e = header_read(bytes_of(data, size), &got);
    assert_int_equal(e, size < 8 ? ERR_NOT_SEALED : ERR_TRUNCATED);
  }
  assert_ok(header_read(bytes_of(data, sizeof data), &got));
}

/* Whatever happens to one half, the other opens the file. */
static void one_half_is_enough(void **state) {
  uint8_t data[HEADER_SIZE];
  struct header h = example(), got;
  assert_ok(header_write(&h, data));
  for (size_t i = 0; i < HEADER_SIZE; i++) {
    data[i] ^= 0x10;
    assert_ok(header_read(bytes_of(data, sizeof data), &got));
    assert_same(&got, &h);
    assert_int_equal(got.slot, i < HEADER_SLOT ? 1 : 0);
    data[i] ^= 0x10;
  }
  data[100] ^= 1;
  data[HEADER_SLOT + 100] ^= 1;
  assert_err(header_read(bytes_of(data, sizeof data), &got), ERR_DAMAGED);
}

static void the_higher_generation_counts(void **state) {
  for (unsigned slot = 0; slot < 2; slot++) {
    uint8_t data[HEADER_SIZE];
    struct header h = example(), got;
    assert_ok(header_write(&h, data));
    h.generation++;
    strcpy(h.wrapped.key_id, "newer");
    assert_ok(header_write_slot(&h, data + (size_t)slot * HEADER_SLOT));
    assert_ok(header_read(bytes_of(data, sizeof data), &got));
    assert_same(&got, &h);
    assert_int_equal(got.slot, slot);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_written_is_read),
    cmocka_unit_test(bytes_of_the_first_version),
    cmocka_unit_test(what_does_not_fit_is_refused),
    cmocka_unit_test(malformed_headers),
    cmocka_unit_test(lengths),
    cmocka_unit_test(one_half_is_enough),
    cmocka_unit_test(the_higher_generation_counts),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
