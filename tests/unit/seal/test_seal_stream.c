/* Streams: what goes in comes out, whatever the sizes and threads; what was changed, cut off or put
 * elsewhere does not, and what was right before it does. */
#include "fixture.h"

#include <unistd.h>

static void what_is_sealed_opens(void **state) {
  static const size_t sizes[] = {
    0,
    1,
    16383,
    16384,
    16385,
    32768,
    65535,
    65536,
    65537,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    2 * BLOCK,
    3 * BLOCK - 1,
    8 * BLOCK,
    8 * BLOCK + 17,
    20 * BLOCK + 5,
  };
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (unsigned threads = 1; threads <= 4; threads++) {
        struct bytes plain = pattern(7, sizes[i]), sealed, opened;
        assert_ok(run(p, true, threads, plain, &sealed));
        assert_ok(run(p, false, 5 - threads, sealed, &opened));
        assert_bytes(opened, plain);
      }
  }
}

static void threads_make_no_difference(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes plain = pattern(7, 9 * BLOCK + 3), one = sealed_of(p, plain), many;
  for (unsigned threads = 0; threads < 9; threads += 4) {
    assert_ok(run(p, true, threads, plain, &many));
    assert_bytes(many, one);
  }
}

/* Cut off anywhere: what is before the cut's chunk comes out, and then an error; between two chunks
 * it is known for what it is. */
static void truncated(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    const struct payload_shape *s = payload_shape(p);
    size_t stride = s->chunk + s->overhead;
    struct bytes plain = pattern(3, 5 * s->chunk + 100), got;
    AUTO_BUF sealed = BUF_EMPTY;
    buf_put_bytes(&sealed, sealed_of(p, plain));
    static const size_t around[] = { 0, 1, 15, 16, 17, 1000 };
    for (size_t chunk = 0; chunk < 6; chunk++)
      for (size_t i = 0; i < 6; i++) {
        size_t size = chunk * stride + around[i];
        if (size >= sealed.size)
          continue;
        err_t e = run(p, false, 1 + chunk % 2, bytes_of(sealed.data, size), &got);
        assert_true(e == ERR_TRUNCATED || e == ERR_DAMAGED);
        assert_bytes(got, bytes_of(plain.data, chunk * s->chunk));
        if (around[i] == 0)
          assert_string_equal(err_info(e)->name, "ERR_TRUNCATED");
      }
    assert_err(run(p, false, 2, bytes_of(sealed.data, 0), &got), ERR_TRUNCATED);
  }
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  struct bytes sealed = sealed_of(p, pattern(3, 40000)), got;
  assert_err(run(p, false, 1, bytes_of(sealed.data, 2 * 16400), &got), ERR_TRUNCATED);
}

static void extended(void **state) {
  static const size_t sizes[] = { 0, 1, 16384, 65536, 100000, BLOCK, BLOCK + 1 };
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (size_t more = 1; more < 40000; more *= 7) {
        AUTO_BUF longer = BUF_EMPTY;
        struct bytes got, plain = pattern(4, sizes[i]);
        buf_put_bytes(&longer, sealed_of(p, plain));
        buf_put_bytes(&longer, pattern(5, more));
        err_t e = run(p, false, 1 + i % 2, buf_bytes(&longer), &got);
        assert_true(e == ERR_DAMAGED || e == ERR_TRUNCATED);
        assert_true(got.size <= plain.size);
        assert_bytes(got, bytes_of(plain.data, got.size));
      }
  }
}

/* age's last chunk may be full: that it is the last one shows, and so does what follows it. */
static void extended_behind_a_full_chunk(void **state) {
  AUTO(payload) struct payload *p = payload_of(AGE);
  AUTO_BUF longer = BUF_EMPTY;
  struct bytes got, plain = pattern(4, 2 * 65536);
  buf_put_bytes(&longer, sealed_of(p, plain));
  buf_put_str(&longer, "more");
  assert_err(run(p, false, 1, buf_bytes(&longer), &got), ERR_DAMAGED);
  assert_bytes(got, plain);
}

static void reordered(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    const struct payload_shape *s = payload_shape(p);
    size_t stride = s->chunk + s->overhead;
    AUTO_BUF mixed = BUF_EMPTY;
    struct bytes plain = pattern(6, 9 * s->chunk + 1), sealed = sealed_of(p, plain), got;
    buf_put_bytes(&mixed, sealed);
    memcpy(mixed.data + 4 * stride, sealed.data + 5 * stride, stride);
    memcpy(mixed.data + 5 * stride, sealed.data + 4 * stride, stride);
    assert_err(run(p, false, 2, buf_bytes(&mixed), &got), ERR_DAMAGED);
    assert_bytes(got, bytes_of(plain.data, 4 * s->chunk));
    memcpy(mixed.data + 4 * stride, sealed.data + 3 * stride, stride); /* twice */
    assert_err(run(p, false, 1, buf_bytes(&mixed), &got), ERR_DAMAGED);
    memmove(mixed.data + 4 * stride, sealed.data + 5 * stride, sealed.size - 5 * stride);
    mixed.size -= stride; /* one taken out */
    assert_err(run(p, false, 1, buf_bytes(&mixed), &got), ERR_DAMAGED);
    assert_bytes(got, bytes_of(plain.data, 4 * s->chunk));
  }
}

static void one_bit_anywhere(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    const struct payload_shape *s = payload_shape(p);
    AUTO_BUF changed = BUF_EMPTY;
    struct bytes plain = pattern(8, 2 * s->chunk + 1000), got;
    buf_put_bytes(&changed, sealed_of(p, plain));
    for (size_t i = 0; i < changed.size; i += i % (s->chunk + s->overhead) < 40 ? 1 : 997) {
      changed.data[i] ^= (uint8_t)(1u << i % 8);
      assert_err(run(p, false, 1 + i % 2, buf_bytes(&changed), &got), ERR_DAMAGED);
      assert_bytes(got, bytes_of(plain.data, i / (s->chunk + s->overhead) * s->chunk));
      changed.data[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_ok(run(p, false, 1, buf_bytes(&changed), &got));
  }
}

/* Damage in a late block, with many threads at work on those after it. */
static void what_is_before_damage_is_written(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  AUTO_BUF changed = BUF_EMPTY;
  struct bytes plain = pattern(8, 20 * BLOCK), got;
  buf_put_bytes(&changed, sealed_of(p, plain));
  changed.data[100 * 16400 + 5] ^= 1;
  changed.data[150 * 16400 + 5] ^= 1;
  for (unsigned threads = 1; threads < 9; threads++) {
    assert_err(run(p, false, threads, buf_bytes(&changed), &got), ERR_DAMAGED);
    assert_non_null(strstr(err_last()->why, "chunk 100 "));
    assert_bytes(got, bytes_of(plain.data, (size_t)100 * 16384));
  }
}

/* --- resuming --- */

static void goes_on_behind_sealed_chunks(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    const struct payload_shape *s = payload_shape(p);
    struct bytes plain = pattern(2, 40 * s->chunk + 1), sealed = sealed_of(p, plain), got;
    for (size_t skip = 0; skip <= 40; skip += 8) {
      struct stream_options o = { .threads = 2, .skip = skip };
      int in = file_of(plain), out = file_of(bytes_of(sealed.data, skip * (s->chunk + 16)));
      lseek(in, (off_t)(skip * s->chunk), SEEK_SET);
      lseek(out, 0, SEEK_END);
      assert_ok(stream_seal(p, &o, in, out));
      assert_bytes(file_bytes(out), sealed);
      close(in);
      in = file_of(sealed);
      lseek(in, (off_t)(skip * (s->chunk + 16)), SEEK_SET);
      int again = empty_file();
      assert_ok(stream_open(p, &o, in, again));
      got = file_bytes(again);
      assert_bytes(got, bytes_of(plain.data + skip * s->chunk, plain.size - skip * s->chunk));
      close(in);
      close(out);
      close(again);
    }
  }
}

/* An age payload whose last chunk is sealed already has nothing to go on with. */
static void nothing_to_go_on_with(void **state) {
  AUTO(payload) struct payload *p = payload_of(AGE);
  struct stream_options o = { .threads = 1, .skip = 1 };
  int in = empty_file(), out = empty_file();
  assert_err(stream_seal(p, &o, in, out), ERR_TRUNCATED);
  assert_err(stream_open(p, &o, in, out), ERR_TRUNCATED);
  assert_int_equal(file_bytes(out).size, 0);
  close(in);
  close(out);
}

/* Bytes that were read to see what it is. */
static void what_was_read_before_counts(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    struct bytes plain = pattern(2, 3 * BLOCK), sealed = sealed_of(p, plain);
    static const size_t sizes[] = { 0, 1, 100, 16400, 65552, BLOCK + 300, 3 * BLOCK };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      struct stream_options o = { .threads = 2, .ahead = bytes_of(sealed.data, sizes[i]) };
      int in = file_of(sealed), out = empty_file();
      lseek(in, (off_t)sizes[i], SEEK_SET);
      assert_ok(stream_open(p, &o, in, out));
      assert_bytes(file_bytes(out), plain);
      close(in);
      close(out);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_sealed_opens),
    cmocka_unit_test(threads_make_no_difference),
    cmocka_unit_test(truncated),
    cmocka_unit_test(extended),
    cmocka_unit_test(extended_behind_a_full_chunk),
    cmocka_unit_test(reordered),
    cmocka_unit_test(one_bit_anywhere),
    cmocka_unit_test(what_is_before_damage_is_written),
    cmocka_unit_test(goes_on_behind_sealed_chunks),
    cmocka_unit_test(nothing_to_go_on_with),
    cmocka_unit_test(what_was_read_before_counts),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
