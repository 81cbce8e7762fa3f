/* Payloads: sizes, nonces, chunks. (Known answers are in tests/vectors.) */
#include "fixture.h"

#include "crypto/aead.h"

static void sizes(void **state) {
  static const struct {
    int format;
    uint64_t plain, sealed;
  } table[] = {
    { COBBLESTONE, 0, 56 + 16 },
    { COBBLESTONE, 1, 56 + 17 },
    { COBBLESTONE, 16383, 56 + 16399 },
    { COBBLESTONE, 16384, 56 + 16400 + 16 },
    { COBBLESTONE, 16385, 56 + 16400 + 17 },
    { COBBLESTONE, 32768, 56 + 2 * 16400 + 16 },
    { COBBLESTONE, UINT64_C(4) << 50, 0 }, /* one chunk too many */
    { COBBLESTONE, (UINT64_C(4) << 50) - 1, 56 + (UINT64_C(16400) << 38) - 1 },
    { AGE, 0, 16 + 16 },
    { AGE, 1, 16 + 17 },
    { AGE, 65535, 16 + 65551 },
    { AGE, 65536, 16 + 65552 },
    { AGE, 65537, 16 + 65552 + 17 },
    { AGE, 131072, 16 + 2 * 65552 },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    AUTO(payload) struct payload *p = payload_of(table[i].format);
    uint64_t plain, sealed = payload_sealed_size(payload_shape(p), table[i].plain);
    if (!table[i].sealed) {
      assert_err(payload_plain_size(payload_shape(p), sealed, &plain), ERR_DAMAGED);
      continue;
    }
    assert_int_equal(sealed, table[i].sealed);
    assert_ok(payload_plain_size(payload_shape(p), sealed, &plain));
    assert_int_equal(plain, table[i].plain);
  }
}

static void sizes_that_nothing_has(void **state) {
  static const struct {
    int format;
    uint64_t sealed;
    const char *error;
  } table[] = {
    { COBBLESTONE, 0, "ERR_TRUNCATED" },
    { COBBLESTONE, 55, "ERR_TRUNCATED" },
    { COBBLESTONE, 56, "ERR_TRUNCATED" },
    { COBBLESTONE, 56 + 15, "ERR_TRUNCATED" },
    { COBBLESTONE, 56 + 16400, "ERR_TRUNCATED" },
    { COBBLESTONE, 56 + 16400 + 15, "ERR_TRUNCATED" },
    { AGE, 0, "ERR_TRUNCATED" },
    { AGE, 16, "ERR_TRUNCATED" },
    { AGE, 16 + 15, "ERR_TRUNCATED" },
    { AGE, 16 + 65552 + 15, "ERR_TRUNCATED" },
    { AGE, 16 + 65552 + 16, "ERR_DAMAGED" },
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    AUTO(payload) struct payload *p = payload_of(table[i].format);
    uint64_t plain;
    assert_string_equal(
      err_info(payload_plain_size(payload_shape(p), table[i].sealed, &plain))->name,
      table[i].error);
  }
}

/* Chunks are bound to their number, whichever of its bits differ, and to being the last. */
static void chunks_are_bound_to_their_place(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    AUTO(payload_cipher) struct payload_cipher *c = NULL;
    size_t size = payload_shape(p)->chunk;
    struct bytes plain = pattern(2, size);
    uint8_t *sealed = malloc(size + 16), *out = malloc(size);
    assert_ok(payload_cipher_new(p, &c));
    assert_ok(payload_seal_chunk(c, 5, false, plain, sealed));
    assert_ok(payload_open_chunk(c, 5, false, bytes_of(sealed, size + 16), out));
    assert_memory_equal(out, plain.data, size);
    for (unsigned bit = 0; bit < 38; bit++) {
      out[0] = 1;
      assert_err(
        payload_open_chunk(c, 5 ^ UINT64_C(1) << bit, false, bytes_of(sealed, size + 16), out),
        ERR_DAMAGED);
      assert_int_equal(out[0], 0);
    }
    assert_err(payload_open_chunk(c, 5, true, bytes_of(sealed, size + 16), out), ERR_DAMAGED);
    free(sealed);
    free(out);
  }
}

/* The last chunk is short in one format, and in the other not empty but where all is. */
static void chunks_have_their_sizes(void **state) {
  static const struct {
    int format;
    uint64_t number;
    bool last;
    size_t size;
    bool good;
  } table[] = {
    { COBBLESTONE, 0, false, 16384, true },
    { COBBLESTONE, 0, false, 16383, false },
    { COBBLESTONE, 0, true, 16384, false },
    { COBBLESTONE, 1, true, 16383, true },
    { COBBLESTONE, 1, true, 0, true },
    { COBBLESTONE, 0, true, 16385, false },
    { COBBLESTONE, 0, false, 0, false },
    { AGE, 0, false, 65536, true },
    { AGE, 0, true, 65536, true },
    { AGE, 0, true, 0, true },
    { AGE, 1, true, 0, false },
    { AGE, 1, false, 1, false },
    { AGE, 1, true, 1, true },
    { AGE, 1, true, 65537, false },
  };
  uint8_t *out = malloc(70000), *again = malloc(70000);
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    AUTO(payload) struct payload *p = payload_of(table[i].format);
    AUTO(payload_cipher) struct payload_cipher *c = NULL;
    assert_ok(payload_cipher_new(p, &c));
    err_t sealed =
      payload_seal_chunk(c, table[i].number, table[i].last, pattern(3, table[i].size), out);
    err_t opened = payload_open_chunk(c, table[i].number, table[i].last,
                                      bytes_of(out, table[i].size + 16), again);
    assert_int_equal(sealed, table[i].good ? OK : ERR_INTERNAL);
    assert_int_equal(opened, table[i].good ? OK : ERR_DAMAGED);
  }
  free(out);
  free(again);
}

static void chunk_numbers_end(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  AUTO(payload_cipher) struct payload_cipher *c = NULL;
  uint8_t out[17];
  assert_ok(payload_cipher_new(p, &c));
  assert_ok(payload_seal_chunk(c, (UINT64_C(1) << 38) - 1, true, pattern(1, 1), out));
  assert_err(payload_seal_chunk(c, UINT64_C(1) << 38, true, pattern(1, 1), out), ERR_TOO_LARGE);
  assert_err(payload_open_chunk(c, 0, true, bytes_of(out, 15), out), ERR_DAMAGED);
}

static void keys_and_contexts(void **state) {
  struct bytes key = pattern(1, 32), other = pattern(2, 32), context = bytes_str("context");
  AUTO(payload) struct payload *p = NULL, *q = NULL;
  assert_ok(payload_new(key, context, &p));
  struct bytes prefix = payload_prefix(p);
  assert_err(payload_open(other, context, prefix, &q), ERR_WRONG_KEY);
  assert_err(payload_open(key, bytes_str("contex"), prefix, &q), ERR_WRONG_KEY);
  assert_err(payload_open(key, bytes_str(""), prefix, &q), ERR_WRONG_KEY);
  assert_err(payload_open(key, context, bytes_of(prefix.data, 55), &q), ERR_TRUNCATED);
  assert_err(payload_open(bytes_of(key.data, 31), context, prefix, &q), ERR_BAD_PARAMETER);
  assert_err(payload_open_age(key, prefix, &q), ERR_BAD_PARAMETER);
  assert_err(payload_open_age(bytes_of(key.data, 16), bytes_of(prefix.data, 15), &q),
             ERR_TRUNCATED);
  uint8_t changed[COBBLESTONE_PREFIX];
  for (size_t i = 0; i < sizeof changed; i++) {
    memcpy(changed, prefix.data, sizeof changed);
    changed[i] ^= 0x80;
    assert_err(payload_open(key, context, bytes_of(changed, sizeof changed), &q), ERR_WRONG_KEY);
  }
  assert_null(q);
  assert_ok(payload_open(key, context, prefix, &q));
}

static void salts_differ(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format), *q = payload_of(format);
    assert_memory_not_equal(payload_prefix(p).data, payload_prefix(q).data, payload_prefix(p).size);
  }
}

/* Contexts of any length. */
static void a_long_context(void **state) {
  AUTO(payload) struct payload *p = NULL, *q = NULL;
  struct bytes context = pattern(4, 100000);
  assert_ok(payload_new(pattern(1, 32), context, &p));
  assert_ok(payload_open(pattern(1, 32), context, payload_prefix(p), &q));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sizes),
    cmocka_unit_test(sizes_that_nothing_has),
    cmocka_unit_test(chunks_are_bound_to_their_place),
    cmocka_unit_test(chunks_have_their_sizes),
    cmocka_unit_test(chunk_numbers_end),
    cmocka_unit_test(keys_and_contexts),
    cmocka_unit_test(salts_differ),
    cmocka_unit_test(a_long_context),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
