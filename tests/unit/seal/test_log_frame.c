/* How a stream is cut into entries: the same wherever its reads happen to end, and what comes out
 * is what went in. */
#include "log_fixture.h"

/* Entries as text: each in brackets, a part that goes on with '+', one without an end with '~'. */
static struct buf shown, output;

static void show(const struct log_batch *b) {
  struct log_entries it = { .rest = buf_bytes(&b->entries), .ns = b->first_ns };
  struct log_entry e;
  while (log_entries_next(&it, &e)) {
    buf_put_str(&shown, e.flags & LOG_CONTINUES ? "+[" : "[");
    buf_put_bytes(&shown, e.text);
    buf_put_str(&shown, e.flags & LOG_UNTERMINATED ? "]~" : e.flags & LOG_GOES_ON ? "]+" : "]");
    buf_put_bytes(&output, e.text);
    if (!(e.flags & (LOG_UNTERMINATED | LOG_GOES_ON)))
      buf_put_char(&output, '\n');
  }
  assert_false(it.bad);
}

static void cut(enum log_format format, struct bytes in, size_t piece, struct log_batch *b) {
  AUTO_LOG_FRAMER f = { .format = format };
  log_batch_clear(b);
  buf_clear(&shown);
  buf_clear(&output);
  for (size_t at = 0; at < in.size; at += piece) {
    size_t n = in.size - at < piece ? in.size - at : piece;
    log_framer_put(&f, (int64_t)at, bytes_of(in.data + at, n), b);
  }
  log_framer_end(&f, (int64_t)in.size, b);
  assert_ok(log_framer_ok(&f, b));
  show(b);
}

struct example {
  const char *in;
  size_t size;
  const char *entries;
};
#define IN(text) text, sizeof(text) - 1

static void check(enum log_format format, const struct example *e, bool exact) {
  AUTO_LOG_BATCH b = { 0 };
  struct bytes in = bytes_of(e->in, e->size);
  for (size_t piece = 1; piece <= in.size + 1; piece++) {
    cut(format, in, piece, &b);
    assert_bytes(buf_bytes(&shown), bytes_str(e->entries));
    if (exact)
      assert_bytes(buf_bytes(&output), in);
  }
}

static void lines(void **state) {
  static const struct example examples[] = {
    { IN(""), "" },
    { IN("a\n"), "[a]" },
    { IN("a\nbc\n"), "[a][bc]" },
    { IN("\n\n"), "[][]" },
    { IN("a\nbc"), "[a][bc]~" },
    { IN("no end"), "[no end]~" },
    { IN("cr\r\n\tb\n"), "[cr\r][\tb]" },
    { IN("A=1\nB=2\n\n"), "[A=1][B=2][]" },
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    check(LOG_LINES, &examples[i], true);
}

/* NUL and all other bytes. */
static void any_bytes(void **state) {
  AUTO_LOG_BATCH b = { 0 };
  for (unsigned seed = 0; seed < 50; seed++) {
    struct bytes in = pattern(seed, 5000);
    for (int format = LOG_LINES; format <= LOG_JOURNAL; format++) {
      cut((enum log_format)format, in, 1 + seed * 37, &b);
      assert_bytes(buf_bytes(&output), in);
    }
  }
}

static void journal(void **state) {
  static const struct example examples[] = {
    { IN("A=1\nB=2\n\n"), "[A=1\nB=2\n]" },
    { IN("A=1\n\nB=2\n\n"), "[A=1\n][B=2\n]" },
    { IN("A=x=y\n\n"), "[A=x=y\n]" },
    { IN("A=1\n"), "[A=1\n]~" },
    { IN("A=1"), "[A=1]~" },
    { IN("\n"), "[]" },
    { IN("A=1\n\n\nB=2\n\n"), "[A=1\n][][B=2\n]" },
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    check(LOG_JOURNAL, &examples[i], true);
}

/* Data with line feeds, empty lines and equals signs in it: only its size counts. */
static void binary_fields(void **state) {
  static const char in[] = "A=1\nM\n\x06\0\0\0\0\0\0\0x\n\ny=\0\nB=2\n\n"
                           "E\n\0\0\0\0\0\0\0\0\n\nlast=1\n\n";
  AUTO_LOG_BATCH b = { 0 };
  struct bytes all = bytes_of(in, sizeof in - 1);
  for (size_t piece = 1; piece <= all.size; piece++) {
    cut(LOG_JOURNAL, all, piece, &b);
    assert_int_equal(b.count, 3);
    assert_bytes(buf_bytes(&output), all);
  }
}

/* What is not of the format is kept, and the next entry is found again. */
static void journal_malformed(void **state) {
  static const struct example examples[] = {
    { IN("no equals sign\n12345678901234\n\nB=2\n\n"),
      "[no equals sign\n12345678901234\n][B=2\n]" },     /* the size is absurd */
    { IN("M\n\x01\0\0\0\0\0\0\0xyz\n\nB=2\n\n"), NULL }, /* no line feed behind data */
    { IN("M\n\xff\xff\xff\xff\xff\xff\xff\xff\n\nB=2\n\n"), NULL },
    { IN("M\n\x01\0\0"), NULL },
    { IN("M\n\x09\0\0\0\0\0\0\0xyz"), NULL },
    { IN("=\n\n=\n"), NULL },
  };
  AUTO_LOG_BATCH b = { 0 };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    struct bytes in = bytes_of(examples[i].in, examples[i].size);
    for (size_t piece = 1; piece <= in.size; piece++) {
      cut(LOG_JOURNAL, in, piece, &b);
      assert_bytes(buf_bytes(&output), in);
      if (examples[i].entries)
        assert_bytes(buf_bytes(&shown), bytes_str(examples[i].entries));
    }
  }
}

static void octet_counting(void **state) {
  static const struct example examples[] = {
    { IN("5 hello3 abc"), "[hello][abc]" },
    { IN("11 hello\nworld1 x"), "[hello\nworld][x]" },
    { IN("12 <13>1 - - -"), "[<13>1 - - -]~" },
    { IN("11 <13>1 - - -"), "[<13>1 - - -]" },
    { IN("10 1234567890"), "[1234567890]" },
    { IN("5 ab"), "[ab]~" },
    { IN("12"), "[12]~" },
    { IN("plain\n3 abc"), "[plain][abc]" },
    { IN("0 x\n1 y"), "[0 x][y]" },
    { IN("\n1 y"), "[][y]" },
    { IN("12x\n1 y"), "[12x][y]" },
    { IN("123456789 x\n1 y"), "[123456789 x][y]" },
    { IN("99999999 x\n1 y"), "[99999999 x][y]" },
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
    check(LOG_SYSLOG, &examples[i], false);
}

/* --- long ones --- */

static void long_line(size_t size, unsigned parts) {
  AUTO_LOG_BATCH b = { 0 };
  AUTO_BUF in = BUF_EMPTY;
  buf_put_str(&in, "before\n");
  assert_true(buf_reserve(&in, size + 10));
  memset(in.data + in.size, 'x', size);
  in.size += size;
  buf_put_str(&in, "\nafter\n");
  for (size_t piece = 1000; piece < 4u << 20; piece *= 7) {
    unsigned found = 0;
    cut(LOG_LINES, buf_bytes(&in), piece, &b);
    assert_bytes(buf_bytes(&output), buf_bytes(&in));
    assert_int_equal(b.count, 3);
    struct log_entries it = { .rest = buf_bytes(&b.entries), .ns = b.first_ns };
    for (struct log_entry e; log_entries_next(&it, &e); found++)
      assert_true(e.text.size <= LOG_PART);
    assert_int_equal(found, parts + 2);
  }
}

static void long_lines_are_in_parts(void **state) {
  long_line(LOG_PART - 1, 1);
  long_line(LOG_PART, 1);
  long_line(LOG_PART + 1, 2);
  long_line(2 * LOG_PART, 2);
  long_line(3 * LOG_PART + 5, 4);
}

static void a_long_line_without_an_end(void **state) {
  AUTO_LOG_BATCH b = { 0 };
  struct bytes in = pattern(3, LOG_PART);
  memset((uint8_t *)in.data, 'x', in.size);
  AUTO_LOG_FRAMER f = { .format = LOG_LINES };
  log_framer_put(&f, 1, in, &b);
  assert_int_equal(b.count, 0);
  log_framer_put(&f, 2, bytes_str("y"), &b);
  assert_int_equal(b.count, 1);
  log_framer_end(&f, 3, &b);
  assert_int_equal(b.count, 1);
  buf_clear(&shown);
  buf_clear(&output);
  show(&b);
  assert_int_equal(output.size, LOG_PART + 1);
  assert_string_equal(buf_cstr(&shown) + shown.size - 6, "++[y]~");
}

/* --- packing --- */

static void times_are_kept(void **state) {
  static const int64_t times[] = { 5, 5, 1, INT64_MAX, INT64_MIN, 0, 1764000000000000000, -1 };
  AUTO_LOG_BATCH b = { 0 };
  size_t n = sizeof times / sizeof *times;
  for (size_t i = 0; i < n; i++) {
    struct log_entry e = { 0, times[i], bytes_str("x") };
    log_batch_add(&b, &e);
  }
  assert_true(b.first_ns == 5 && b.last_ns == INT64_MAX);
  struct log_entries it = { .rest = buf_bytes(&b.entries), .ns = b.first_ns };
  struct log_entry e;
  for (size_t i = 0; i < n; i++) {
    assert_true(log_entries_next(&it, &e));
    assert_true(e.ns == times[i]);
  }
  assert_false(log_entries_next(&it, &e));
  assert_false(it.bad);
}

static void malformed_entries(void **state) {
  static const struct example examples[] = {
    { IN("\x80"), NULL },
    { IN("\x08"), NULL },
    { IN("\x08\x80"), NULL },
    { IN("\x10\0x"), NULL }, /* two bytes, one there */
    { IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0x"), NULL },
    { IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\0x"), NULL }, /* 65 bits */
    { IN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0x"), NULL },
  };
  for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
    struct log_entries it = { .rest = bytes_of(examples[i].in, examples[i].size) };
    struct log_entry e;
    assert_false(log_entries_next(&it, &e));
    assert_true(it.bad);
    assert_false(log_entries_next(&it, &e));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(lines),
    cmocka_unit_test(any_bytes),
    cmocka_unit_test(journal),
    cmocka_unit_test(binary_fields),
    cmocka_unit_test(journal_malformed),
    cmocka_unit_test(octet_counting),
    cmocka_unit_test(long_lines_are_in_parts),
    cmocka_unit_test(a_long_line_without_an_end),
    cmocka_unit_test(times_are_kept),
    cmocka_unit_test(malformed_entries),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  buf_free(&shown);
  buf_free(&output);
  return failed;
}
