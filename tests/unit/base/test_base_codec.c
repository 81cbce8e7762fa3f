#include "base/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* RFC 4648, section 10, and bytes whose digits are the last two of the alphabets. */
static const struct {
  const char *plain, *b64, *b64url, *hex;
} vectors[] = {
  { "", "", "", "" },
  { "f", "Zg==", "Zg", "66" },
  { "fo", "Zm8=", "Zm8", "666f" },
  { "foo", "Zm9v", "Zm9v", "666f6f" },
  { "foob", "Zm9vYg==", "Zm9vYg", "666f6f62" },
  { "fooba", "Zm9vYmE=", "Zm9vYmE", "666f6f6261" },
  { "foobar", "Zm9vYmFy", "Zm9vYmFy", "666f6f626172" },
  { "\xfb\xff\xbf", "+/+/", "-_-_", "fbffbf" },
};

static void known_answers(void **state) {
  for (size_t i = 0; i < COUNT(vectors); i++) {
    struct bytes plain = bytes_str(vectors[i].plain);
    AUTO_BUF b64 = BUF_EMPTY, url = BUF_EMPTY, hex = BUF_EMPTY;
    buf_put_b64(&b64, plain);
    buf_put_b64url(&url, plain);
    buf_put_hex(&hex, plain);
    assert_true(bytes_equal_str(buf_bytes(&b64), vectors[i].b64));
    assert_true(bytes_equal_str(buf_bytes(&url), vectors[i].b64url));
    assert_true(bytes_equal_str(buf_bytes(&hex), vectors[i].hex));
    assert_int_equal(B64URL_SIZE(plain.size), url.size);
    assert_int_equal(B64URL_BYTES(url.size), plain.size);

    uint8_t out[8];
    size_t n = 99;
    assert_int_equal(b64_decode(buf_bytes(&b64), out, sizeof out, &n), OK);
    assert_true(bytes_equal(bytes_of(out, n), plain));
    assert_int_equal(b64url_decode(buf_bytes(&url), out, sizeof out, &n), OK);
    assert_true(bytes_equal(bytes_of(out, n), plain));
    assert_int_equal(hex_decode(buf_bytes(&hex), out, sizeof out, &n), OK);
    assert_true(bytes_equal(bytes_of(out, n), plain));
  }
}

static void every_length_round_trips(void **state) {
  uint8_t in[200], out[200];
  for (size_t i = 0; i < sizeof in; i++)
    in[i] = (uint8_t)(i * 151 + 7);
  for (size_t size = 0; size <= sizeof in; size++) {
    AUTO_BUF text = BUF_EMPTY, back = BUF_EMPTY;
    buf_put_b64url(&text, bytes_of(in, size));
    buf_put_str(&back, "x");
    assert_int_equal(buf_put_b64url_decoded(&back, buf_bytes(&text)), OK);
    assert_int_equal(back.size, size + 1);
    assert_memory_equal(back.data + 1, in, size);
    size_t n;
    buf_clear(&text);
    buf_put_b64(&text, bytes_of(in, size));
    assert_int_equal(b64_decode(buf_bytes(&text), out, sizeof out, &n), OK);
    assert_true(bytes_equal(bytes_of(out, n), bytes_of(in, size)));
  }
}

/* Exactly the 64 digits are taken, in both positions that matter. */
static void every_character(void **state) {
  unsigned url = 0, std = 0;
  for (int c = 0; c < 256; c++) {
    char text[4] = { 'A', (char)c, 'A', 'A' };
    uint8_t out[3];
    size_t n;
    url += b64url_decode(bytes_of(text, 4), out, sizeof out, &n) == OK;
    std += b64_decode(bytes_of(text, 4), out, sizeof out, &n) == OK;
  }
  assert_int_equal(url, 64);
  assert_int_equal(std, 64);
}

static void refuses_malformed(void **state) {
  static const char *const url[] = { "A",   "AAAAA", "Zg==", "Zm8=", "Zh",   "Zm9", "Z g",  "Zg\n",
                                     "Zg ", "+/+/",  "AA*A", "=",    "====", "A=",  "Zm9v=" };
  static const char *const std[] = { "A",    "AA",   "AAA",  "Zh==", "Zm9=",   "-_-_",    "=",
                                     "====", "A===", "AA=A", "=AAA", "Zg==\n", "Zg==Zg==" };
  static const char *const hex[] = { "0", "000", "0g", "g0", "0x00", " 00", "0 ", "\x30\x10" };
  uint8_t out[16];
  size_t n = 99;
  for (size_t i = 0; i < COUNT(url); i++)
    assert_int_equal(b64url_decode(bytes_str(url[i]), out, sizeof out, &n), ERR_BAD_PARAMETER);
  for (size_t i = 0; i < COUNT(std); i++)
    assert_int_equal(b64_decode(bytes_str(std[i]), out, sizeof out, &n), ERR_BAD_PARAMETER);
  for (size_t i = 0; i < COUNT(hex); i++)
    assert_int_equal(hex_decode(bytes_str(hex[i]), out, sizeof out, &n), ERR_BAD_PARAMETER);
  assert_int_equal(b64url_decode(bytes_of("AA\0A", 4), out, sizeof out, &n), ERR_BAD_PARAMETER);
  assert_int_equal(n, 99);
}

static void refuses_too_little_room(void **state) {
  uint8_t out[3] = { 0, 0, 0xee };
  size_t n;
  assert_int_equal(b64url_decode(bytes_str("Zm9v"), out, 2, &n), ERR_BAD_PARAMETER);
  assert_int_equal(b64_decode(bytes_str("Zm9v"), out, 2, &n), ERR_BAD_PARAMETER);
  assert_int_equal(hex_decode(bytes_str("010203"), out, 2, &n), ERR_BAD_PARAMETER);
  assert_int_equal(b64url_decode(bytes_str("Zm8"), out, 2, &n), OK);
  assert_int_equal(out[2], 0xee);
  assert_int_equal(hex_decode(bytes_str("aBCd"), out, 2, &n), OK);
  assert_memory_equal(out, "\xab\xcd\xee", 3);
}

static void failed_append_leaves_the_buffer(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  buf_put_str(&b, "kept");
  assert_int_equal(buf_put_b64url_decoded(&b, bytes_str("Zm9v!")), ERR_BAD_PARAMETER);
  assert_true(bytes_equal_str(buf_bytes(&b), "kept"));
  assert_int_equal(buf_ok(&b), OK);
}

static void guids(void **state) {
  uint8_t id[16];
  for (size_t i = 0; i < sizeof id; i++)
    id[i] = (uint8_t)(i * 17);
  char text[GUID_SIZE + 1];
  guid_format(id, text);
  assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
  assert_true(guid_valid(bytes_str(text)));
  assert_true(guid_valid(bytes_str("00112233-4455-6677-8899-AABBCCDDEEFF")));
  static const char *const bad[] = { "",
                                     "00112233-4455-6677-8899-aabbccddeef",
                                     "00112233-4455-6677-8899-aabbccddeeff0",
                                     "00112233445566778899aabbccddeeff----",
                                     "0011223-34455-6677-8899-aabbccddeeff",
                                     "00112233-4455-6677-8899-aabbccddeefg",
                                     "{0112233-4455-6677-8899-aabbccddeef}" };
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(guid_valid(bytes_str(bad[i])));
}

static void code_points(void **state) {
  static const struct {
    const char *text;
    size_t size;
    uint32_t expected; /* 0: refused */
  } rows[] = {
    { "a", 1, 'a' },
    { "\x7f", 1, 0x7f },
    { "\xc2\x80", 2, 0x80 },
    { "\xe2\x82\xac", 3, 0x20ac },
    { "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
    { "", 0, 0 },
    { "\x80", 1, 0 },
    { "\xc1\xbf", 2, 0 },
    { "\xc2", 1, 0 },
    { "\xc2\x80", 1, 0 },
    { "\xe2\x82"
      "a",
      3, 0 },
    { "\xe0\x9f\xbf", 3, 0 },
    { "\xed\xa0\x80", 3, 0 },
    { "\xf4\x90\x80\x80", 4, 0 },
    { "\xf8\x88\x80\x80\x80", 5, 0 },
  };
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct bytes text = bytes_of(rows[i].text, rows[i].size);
    uint32_t c = 0;
    assert_int_equal(utf8_next(&text, &c), rows[i].expected != 0);
    assert_int_equal(c, rows[i].expected);
    assert_int_equal(text.size, rows[i].expected ? 0 : rows[i].size);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(known_answers),
    cmocka_unit_test(every_length_round_trips),
    cmocka_unit_test(every_character),
    cmocka_unit_test(refuses_malformed),
    cmocka_unit_test(refuses_too_little_room),
    cmocka_unit_test(failed_append_leaves_the_buffer),
    cmocka_unit_test(guids),
    cmocka_unit_test(code_points),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
