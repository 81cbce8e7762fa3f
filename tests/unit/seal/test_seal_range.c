/* Pieces of payloads. */
#include "fixture.h"

#include <unistd.h>

/* --- ranges --- */

static void ranges(void **state) {
  for (int format = 0; format < FORMATS; format++) {
    AUTO(payload) struct payload *p = payload_of(format);
    size_t chunk = payload_shape(p)->chunk;
    const size_t sizes[] = { 0, 1, chunk - 1, chunk, chunk + 1, 7 * chunk, 7 * chunk + 100 };
    unsigned seed = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      AUTO_BUF file = BUF_EMPTY;
      struct bytes plain = pattern(2, sizes[i]);
      buf_put_str(&file, "before");
      buf_put_bytes(&file, payload_prefix(p));
      buf_put_bytes(&file, sealed_of(p, plain));
      int fd = file_of(buf_bytes(&file));
      uint8_t *out = malloc(plain.size + 100);
      for (int n = 0; n < 100; n++) {
        struct stream_range r = { .file = fd, .base = 6 };
        uint64_t got = 0;
        seed = seed * 1103515245 + 12345;
        r.offset = (seed >> 8) % (plain.size + 10);
        r.length = (seed >> 3) % (n % 2 ? 100 : plain.size + 100);
        size_t left = r.offset < plain.size ? plain.size - (size_t)r.offset : 0;
        assert_ok(stream_read_range(p, &r, out, &got));
        assert_int_equal(got, r.length < left ? r.length : left);
        if (got)
          assert_memory_equal(out, plain.data + r.offset, got);
      }
      int whole = empty_file();
      uint64_t got = 0;
      struct stream_range all = { fd, 6, 0, UINT64_MAX };
      assert_ok(stream_open_range(p, &all, whole, &got));
      assert_int_equal(got, plain.size);
      assert_bytes(file_bytes(whole), plain);
      all.offset = UINT64_MAX;
      assert_ok(stream_read_range(p, &all, out, &got));
      assert_int_equal(got, 0);
      close(fd);
      close(whole);
      free(out);
    }
  }
}

static void ranges_of_damaged_files(void **state) {
  AUTO(payload) struct payload *p = payload_of(COBBLESTONE);
  AUTO_BUF file = BUF_EMPTY;
  struct bytes plain = pattern(2, 5 * 16384 + 100);
  buf_put_bytes(&file, payload_prefix(p));
  buf_put_bytes(&file, sealed_of(p, plain));
  uint8_t out[100];
  uint64_t got = 0;
  int fd = file_of(buf_bytes(&file));
  struct stream_range r = { fd, 0, 2 * 16384 + 50, 100 };
  assert_ok(stream_read_range(p, &r, out, &got));
  uint8_t other = file.data[56 + 16400] ^ 1; /* in chunk 1, which is not asked for */
  assert_int_equal(pwrite(fd, &other, 1, 56 + 16400), 1);
  assert_ok(stream_read_range(p, &r, out, &got));
  r.offset = 16384;
  assert_err(stream_read_range(p, &r, out, &got), ERR_DAMAGED);
  r.offset = 2 * 16384;
  assert_int_equal(ftruncate(fd, 56 + 3 * 16400), 0); /* all that is asked for is there */
  assert_err(stream_read_range(p, &r, out, &got), ERR_TRUNCATED);
  assert_int_equal(ftruncate(fd, 56 + 3 * 16400 + 100), 0);
  assert_err(stream_read_range(p, &r, out, &got), ERR_DAMAGED);
  assert_int_equal(ftruncate(fd, 10), 0);
  assert_err(stream_read_range(p, &r, out, &got), ERR_TRUNCATED);
  close(fd);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  r.file = ends[0];
  assert_err(stream_read_range(p, &r, out, &got), ERR_INPUT);
  close(ends[0]);
  close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ranges),
    cmocka_unit_test(ranges_of_damaged_files),
  };
  return cmocka_run_group_tests(tests, start, NULL);
}
