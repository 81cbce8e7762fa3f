#include "base/pack.h"
#include "fault/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void put_record(struct buf *b) {
  pack_u8(b, 1);
  pack_u32(b, 0x01020304);
  pack_u64(b, UINT64_C(0x0102030405060708));
  pack_i64(b, -2);
  pack_bytes(b, bytes_of("a\0b", 3));
  pack_bytes(b, (struct bytes){ 0 });
  pack_str(b, "text");
}

static err_t get_record(struct bytes record) {
  struct unpack u = unpack_of(record);
  char text[8];
  uint8_t version = unpack_u8(&u);
  uint32_t w = unpack_u32(&u);
  uint64_t q = unpack_u64(&u);
  int64_t i = unpack_i64(&u);
  struct bytes ab = unpack_bytes(&u), none = unpack_bytes(&u);
  unpack_str(&u, text, sizeof text);
  TRY(unpack_end(&u));
  assert_int_equal(version, 1);
  assert_int_equal(w, 0x01020304);
  assert_true(q == UINT64_C(0x0102030405060708));
  assert_int_equal(i, -2);
  assert_true(bytes_equal(ab, bytes_of("a\0b", 3)));
  assert_int_equal(none.size, 0);
  assert_string_equal(text, "text");
  return OK;
}

static void layout(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  put_record(&b);
  static const char want[] = "\x01"
                             "\x01\x02\x03\x04"
                             "\x01\x02\x03\x04\x05\x06\x07\x08"
                             "\xff\xff\xff\xff\xff\xff\xff\xfe"
                             "\0\0\0\x03"
                             "a\0b"
                             "\0\0\0\0"
                             "\0\0\0\x04"
                             "text";
  assert_int_equal(buf_ok(&b), OK);
  assert_true(bytes_equal(buf_bytes(&b), bytes_of(want, sizeof want - 1)));
  assert_int_equal(get_record(buf_bytes(&b)), OK);
}

static void cut_or_longer_records_are_corrupt(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  put_record(&b);
  for (size_t n = 0; n < b.size; n++)
    assert_int_equal(get_record(bytes_of(b.data, n)), ERR_CORRUPT);
  assert_int_equal(get_record((struct bytes){ 0 }), ERR_CORRUPT);
  pack_u8(&b, 0);
  assert_int_equal(get_record(buf_bytes(&b)), ERR_CORRUPT);
}

static void a_length_beyond_the_end_reads_nothing(void **state) {
  struct unpack u = unpack_of(bytes_of("\xff\xff\xff\xff"
                                       "abcdefgh",
                                       12));
  assert_int_equal(unpack_bytes(&u).size, 0);
  assert_int_equal(unpack_u8(&u), 0); /* nothing is read after the first bad field */
  assert_int_equal(unpack_end(&u), ERR_CORRUPT);
}

static void strings_must_fit_and_hold_no_nul(void **state) {
  char text[4] = "zzz";
  AUTO_BUF b = BUF_EMPTY;
  pack_str(&b, "four");
  struct unpack u = unpack_of(buf_bytes(&b));
  unpack_str(&u, text, sizeof text);
  assert_string_equal(text, "");
  assert_int_equal(unpack_end(&u), ERR_CORRUPT);
  buf_clear(&b);
  pack_bytes(&b, bytes_of("a\0b", 3));
  u = unpack_of(buf_bytes(&b));
  unpack_str(&u, text, sizeof text);
  assert_int_equal(unpack_end(&u), ERR_CORRUPT);
}

static void oversized_bytes_fail(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  pack_bytes(&b, bytes_of("", (size_t)UINT32_MAX + 1));
  assert_int_equal(buf_ok(&b), ERR_NOMEM);
}

static void reports_out_of_memory(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  oom_start(1, OOM_ONE);
  put_record(&b);
  assert_true(oom_stop());
  assert_int_equal(buf_ok(&b), ERR_NOMEM);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(layout),
    cmocka_unit_test(cut_or_longer_records_are_corrupt),
    cmocka_unit_test(a_length_beyond_the_end_reads_nothing),
    cmocka_unit_test(strings_must_fit_and_hold_no_nul),
    cmocka_unit_test(oversized_bytes_fail),
    cmocka_unit_test(reports_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
