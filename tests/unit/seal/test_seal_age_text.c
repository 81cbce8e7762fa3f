/* The texts of age: Bech32, stanzas, headers, armor; what is well formed and what is not. */
#include "age_check.h"

#include "seal/age_armor.h"
#include "seal/age_header.h"
#include "seal/bech32.h"

#define NAME "age-encryption.org/v1\n"
#define MAC "--- yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03As\n"
#define BODY64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"

static void bech32_is_read_as_it_was_written(void **state) {
  for (size_t n = 0; n < 70; n++) {
    uint8_t data[70];
    char prefix[BECH32_PREFIX_MAX + 1];
    struct buf text = BUF_EMPTY, back = BUF_EMPTY;
    bool upper = true;
    for (size_t i = 0; i < n; i++)
      data[i] = (uint8_t)(i * 37 + n);
    bech32_encode("age1strongroom", bytes_of(data, n), &text);
    assert_ok(bech32_decode(buf_bytes(&text), prefix, &back, &upper));
    assert_string_equal(prefix, "age1strongroom");
    assert_false(upper);
    assert_bytes(buf_bytes(&back), bytes_of(data, n));
    for (size_t i = 0; i < text.size; i++) /* each change of one character is seen */
      if (text.data[i] != '1') {
        text.data[i] ^= 1;
        assert_err(bech32_decode(buf_bytes(&text), prefix, &back, NULL), ERR_BAD_PARAMETER);
        text.data[i] ^= 1;
      }
    buf_free(&text);
    buf_free(&back);
  }
}

/* From BIP 173; and the keys of the specification of age. */
static void bech32_of_others(void **state) {
  static const char *const good[] = {
    "A12UEL5L",
    "a12uel5l",
    "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
    "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
    "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    "?1ezyfcl",
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
  };
  static const char *const bad[] = {
    "",
    "1",
    "age",
    "1nwldj5",
    "\x20"
    "1nwldj5",
    "\x7f"
    "1axkwrx",
    "\x80"
    "1eym55h",
    "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
    "pzry9x0s0muk",
    "1pzry9x0s0muk",
    "x1b4n0q5v",
    "li1dgmt3",
    "de1lg7wt\xff",
    "A1G7SGD8",
    "10a06t8",
    "1qzzfhee",
    "a12UEL5L",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk",
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj ",
    /* bits that are left over: a whole group, and one that is not zero */
    "age1qdd35qf",
    "age1qqqyst3gn",
    "age1qpu0j2ex",
  };
  char prefix[BECH32_PREFIX_MAX + 1];
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct buf data = BUF_EMPTY;
    if (bech32_decode(str(good[i]), prefix, &data, NULL) != OK && i != 4)
      fail_msg("%s is refused", good[i]);
    buf_free(&data);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct buf data = BUF_EMPTY;
    if (bech32_decode(str(bad[i]), prefix, &data, NULL) != ERR_BAD_PARAMETER)
      fail_msg("%s is taken", bad[i]);
    assert_int_equal(data.size, 0);
    buf_free(&data);
  }
}

static void stanzas_are_read_as_they_were_written(void **state) {
  for (size_t n = 0; n < 200; n++) {
    uint8_t data[200] = { 1, 2, 3 };
    struct buf text = BUF_EMPTY, body = BUF_EMPTY;
    struct stanza s, shifted;
    stanza_write(str("first ~!\" third"), bytes_of(data, n), &text);
    struct bytes rest = buf_bytes(&text);
    assert_ok(stanza_read(&rest, &s));
    assert_int_equal(rest.size, 0);
    assert_int_equal(stanza_arg_count(&s), 3);
    assert_true(stanza_is(&s, "first"));
    assert_bytes(stanza_arg(&s, 1), str("~!\""));
    assert_bytes(stanza_arg(&s, 2), str("third"));
    assert_int_equal(stanza_arg(&s, 3).size, 0);
    shifted = stanza_shift(&s, 2);
    assert_true(stanza_is(&shifted, "third"));
    assert_int_equal(stanza_arg_count(&shifted), 1);
    assert_int_equal(stanza_body_size(&s), n);
    stanza_body(&s, &body);
    assert_bytes(buf_bytes(&body), bytes_of(data, n));
    for (size_t cut = 0; cut < text.size; cut++) { /* what is cut off could still become one */
      rest = bytes_of(text.data, cut);
      assert_err(stanza_read(&rest, &s), ERR_TRUNCATED);
      assert_int_equal(rest.size, cut);
    }
    buf_free(&text);
    buf_free(&body);
  }
}

static void malformed_stanzas(void **state) {
  static const char *const bad[] = {
    "\n",
    "-> \n\n",
    "->\n\n",
    "->  a\n\n",
    "-> a \n\n",
    "-> a  b\n\n",
    "-> a\tb\n\n",
    "-> a\x7f\n\n",
    "-> \xc3\xa4\n\n",
    "-> a\r\n\n",
    "> a\n\n",
    "=> a\n\n",
    "- > a\n\n",
    "-> a\nA\n",
    "-> a\nAB\n",
    "-> a\nAA==\n",
    "-> a\nA A\n",
    "-> a\n-_\n",
    "-> a\n\r\n",
    "-> a\n" BODY64 "-> b\n\n",
    "-> a\nA" BODY64 "\n",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct bytes rest = str(bad[i]);
    struct stanza s;
    if (stanza_read(&rest, &s) != ERR_DAMAGED)
      fail_msg("stanza %zu is taken", i);
  }
}

static const struct {
  const char *text;
  err_t is;
} headers[] = {
  { NAME "-> a\n\n" MAC, OK },
  { NAME "-> a\n\n" MAC "payload", OK },
  { NAME "-> a b c\n" BODY64 "AAAA\n-> --- ---\n\n" MAC, OK },
  { "", ERR_TRUNCATED },
  { "age", ERR_TRUNCATED },
  { "age-encryption.org/v1", ERR_TRUNCATED },
  { NAME, ERR_TRUNCATED },
  { NAME "-> a\n", ERR_TRUNCATED },
  { NAME "-> a\n\n", ERR_TRUNCATED },
  { NAME "-> a\n\n--", ERR_TRUNCATED },
  { NAME "-> a\n\n---", ERR_TRUNCATED },
  { NAME "-> a\n\n--- yp4Z0lV1", ERR_TRUNCATED },
  { "age-encryption.com/v1\n-> a\n\n" MAC, ERR_NOT_SEALED },
  { "\n" NAME "-> a\n\n" MAC, ERR_NOT_SEALED },
  { "age-encryption.org/v2\n-> a\n\n" MAC, ERR_DAMAGED },
  { "age-encryption.org/v1 \n-> a\n\n" MAC, ERR_DAMAGED },
  { "age-encryption.org/v1\r\n-> a\n\n" MAC, ERR_DAMAGED },
  { NAME MAC, ERR_DAMAGED },
  { NAME "-> a\n\n--- \n", ERR_DAMAGED },
  { NAME "-> a\n\n---\n", ERR_DAMAGED },
  { NAME "-> a\n\n---yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03As\n", ERR_DAMAGED },
  { NAME "-> a\n\n---  yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03As\n", ERR_DAMAGED },
  { NAME "-> a\n\n--- yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03As=\n", ERR_DAMAGED },
  { NAME "-> a\n\n--- yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03At\n", ERR_DAMAGED },
  { NAME "-> a\n\n--- yp4Z0lV1LEdkm1+uDCuPUV+9hIXbPKrBXKQ/f5Y03As \n", ERR_DAMAGED },
  { NAME "-> a\n\n\n" MAC, ERR_DAMAGED },
};

static void headers_good_and_bad(void **state) {
  for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
    struct age_header h = { 0 };
    err_t e = age_header_read(str(headers[i].text), &h);
    if (e != headers[i].is)
      fail_msg("header %zu: %s (%s)", i, err_info(e)->name, err_reason(e));
    if (e == OK)
      assert_true(h.size == strlen(headers[i].text) ||
                  strcmp(headers[i].text + h.size, "payload") == 0);
  }
}

/* Reading as little as is missing ends exactly behind the header. */
static void what_is_missing_is_never_too_much(void **state) {
  for (size_t i = 0; i < 3; i++) {
    const char *text = headers[i].text;
    size_t end = (size_t)(strstr(text, MAC) - text) + sizeof MAC - 1, size = 0, line = 0, missing;
    unsigned steps = 0;
    while ((missing = age_header_missing(bytes_of(text, size), &line))) {
      size += missing;
      assert_true(size <= end && ++steps < 20);
    }
    assert_int_equal(size, end);
  }
  size_t line = 0;
  assert_int_equal(age_header_missing(str("something else"), &line), 0);
}

static void macs_are_verified(void **state) {
  static const uint8_t key[AGE_FILE_KEY] = { 7 }, other[AGE_FILE_KEY] = { 8 };
  struct buf text = BUF_EMPTY;
  struct age_header h;
  age_header_begin(&text);
  stanza_write(str("a b"), str("body"), &text);
  assert_ok(age_header_end(bytes_of(key, sizeof key), &text));
  assert_ok(age_header_read(buf_bytes(&text), &h));
  assert_int_equal(h.size, text.size);
  assert_ok(age_header_verify(&h, bytes_of(key, sizeof key)));
  assert_err(age_header_verify(&h, bytes_of(other, sizeof other)), ERR_DAMAGED);
  text.data[sizeof NAME - 1 + 3] ^= 1;
  assert_ok(age_header_read(buf_bytes(&text), &h));
  assert_err(age_header_verify(&h, bytes_of(key, sizeof key)), ERR_DAMAGED);
  buf_free(&text);
}

#define BEGIN "-----BEGIN AGE ENCRYPTED FILE-----\n"
#define END "-----END AGE ENCRYPTED FILE-----"

static const struct {
  const char *text, *holds; /* NULL: not an armor */
} armors[] = {
  { BEGIN END, "" },
  { BEGIN "YWdl\n" END "\n", "age" },
  { BEGIN "YWdlCg==\n" END "\r\n \t\n", "age\n" },
  { "\n\r\n \t" BEGIN "YWdl\r\n" END "\r\n", "age" },
  { BEGIN "YWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdl\n" END,
    "ageageageageageageageageageageageageageageageage" },
  { BEGIN "YWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdl\nYWdl\n" END,
    "ageageageageageageageageageageageageageageageageage" },
  { "", NULL },
  { BEGIN, NULL },
  { BEGIN "YWdl\n", NULL },
  { BEGIN "YWdl\n" END "x", NULL },
  { BEGIN "YWdl\n" END "\nx", NULL },
  { BEGIN "YWdl\n" END " \n" END, NULL },
  { "x" BEGIN "YWdl\n" END, NULL },
  { BEGIN "\nYWdl\n" END, NULL },
  { BEGIN "YWdl\n\n" END, NULL },
  { BEGIN "YWdl\nYWdl\n" END, NULL },
  { BEGIN "YWdl \n" END, NULL },
  { BEGIN " YWdl\n" END, NULL },
  { BEGIN "YWdl\r\r\n" END, NULL },
  { BEGIN "YWdlCg=\n" END, NULL },
  { BEGIN "YWdlCg\n" END, NULL },
  { BEGIN "YWdlCh==\n" END, NULL },
  { BEGIN "YW-_\n" END, NULL },
  { BEGIN "YWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdlYWdl\n" END, NULL },
  { "-----BEGIN AGE ENCRYPTED FILE-----YWdl\n" END, NULL },
  { "-----BEGIN AGE ENCRYPTED FILE----- \nYWdl\n" END, NULL },
};

/* In pieces of every size the result is the same. */
static void armors_good_and_bad(void **state) {
  for (size_t i = 0; i < sizeof armors / sizeof *armors; i++)
    for (size_t step = 1; step < 80; step++) {
      struct armor a = { 0 };
      struct buf out = BUF_EMPTY;
      struct bytes rest = str(armors[i].text);
      err_t e = OK;
      while (rest.size && e == OK) {
        size_t n = rest.size < step ? rest.size : step;
        e = armor_push(&a, bytes_of(rest.data, n), &out);
        rest = bytes_of(rest.data + n, rest.size - n);
      }
      if (e == OK)
        e = armor_end(&a, &out);
      if ((e == OK) != (armors[i].holds != NULL))
        fail_msg("armor %zu in steps of %zu: %s", i, step, err_info(e)->name);
      if (e == OK)
        assert_bytes(buf_bytes(&out), str(armors[i].holds));
      buf_free(&out);
    }
}

static void malformed_stanzas_of_ours(void **state) {
  static const char *const bad[] = {
    "strongroom",
    "strongroom " FAKE_URL "/keys/a/" FAKE_VERSION,
    "strongroom " FAKE_URL "/keys/a/" FAKE_VERSION " A256KW more",
    "strongroom " FAKE_URL "/keys/a A256KW",
    "strongroom a/" FAKE_VERSION " A256KW",
    "strongroom " FAKE_URL "/keys/a/" FAKE_VERSION " RSA1_5",
    "strongroom " FAKE_URL "/keys/../" FAKE_VERSION " A256KW",
    "strongroom http://vault.example/keys/a/" FAKE_VERSION " A256KW",
  };
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    AUTO_BUF text = BUF_EMPTY;
    stanza_write(str(bad[n]), str("wrapped wrapped wrapped."), &text);
    if (age_check_stanzas(buf_bytes(&text)) != ERR_DAMAGED)
      fail_msg("taken: %s", bad[n]);
  }
  uint8_t big[WRAPPED_MAX + 1] = { 0 };
  for (size_t size = 0; size <= sizeof big; size += sizeof big) {
    AUTO_BUF text = BUF_EMPTY;
    stanza_write(str("strongroom " FAKE_URL "/keys/a/" FAKE_VERSION " A256KW"), bytes_of(big, size),
                 &text);
    assert_err(age_check_stanzas(buf_bytes(&text)), ERR_DAMAGED);
  }
  AUTO_BUF good = BUF_EMPTY;
  stanza_write(str("strongroom " FAKE_URL "/keys/a/" FAKE_VERSION " A256KW"),
               bytes_of(big, WRAPPED_MAX), &good);
  assert_ok(age_check_stanzas(buf_bytes(&good)));
}

static void work_factors(void **state) {
  static const struct {
    const char *text, *code;
  } cases[] = {
    { "1", "OK" },
    { "20", "OK" },
    { "21", "ERR_BAD_PARAMETER" },
    { "64", "ERR_BAD_PARAMETER" },
    { "18446744073709551634", "ERR_BAD_PARAMETER" },
    { "0", "ERR_DAMAGED" },
    { "018", "ERR_DAMAGED" },
    { "+18", "ERR_DAMAGED" },
    { "18x", "ERR_DAMAGED" },
  };
  uint8_t body[AGE_WRAPPED_KEY] = { 0 };
  for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
    AUTO_BUF args = BUF_EMPTY, text = BUF_EMPTY;
    buf_printf(&args, "scrypt AAAAAAAAAAAAAAAAAAAAAA %s", cases[n].text);
    stanza_write(buf_bytes(&args), bytes_of(body, sizeof body), &text);
    assert_result(age_check_stanzas(buf_bytes(&text)), cases[n].code);
  }
  assert_non_null(strstr(err_reason(age_check_stanzas(str("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 30\n"
                                                          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                                          "AAAAA\n"))),
                         "2^30"));
}

static void what_looks_like_age(void **state) {
  static const char *const yes[] = { NAME, "age-encryption.org/v7", BEGIN, ("\r\n\t " BEGIN) };
  static const char *const no[] = {
    "", "\n\n", "SRSEAL", "age: a word", "-----BEGIN CERTIFICATE", (" " NAME),
  };
  for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
    assert_true(age_looks_like(str(yes[i])));
  for (size_t i = 0; i < sizeof no / sizeof *no; i++)
    assert_false(age_looks_like(str(no[i])));
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(bech32_is_read_as_it_was_written),
    cmocka_unit_test(bech32_of_others),
    cmocka_unit_test(stanzas_are_read_as_they_were_written),
    cmocka_unit_test(malformed_stanzas),
    cmocka_unit_test(headers_good_and_bad),
    cmocka_unit_test(what_is_missing_is_never_too_much),
    cmocka_unit_test(macs_are_verified),
    cmocka_unit_test(armors_good_and_bad),
    cmocka_unit_test(malformed_stanzas_of_ours),
    cmocka_unit_test(work_factors),
    cmocka_unit_test(what_looks_like_age),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
