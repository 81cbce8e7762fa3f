#include "lib/lib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check(struct sr_bytes *b, const char *text) {
  assert_non_null(b->data);
  assert_int_equal(strlen(text), b->size);
  assert_memory_equal(text, b->data, b->size + 1); /* and the NUL */
  assert_int_equal(0, (uintptr_t)b->data % 16);
  sr_bytes_free(b);
  assert_null(b->data);
  assert_int_equal(0, b->size);
  sr_bytes_free(b); /* harmless */
}

static void locked(void **state) {
  static const char *const texts[] = { "", "x",
                                       "a text of more than one block of the secure heap" };
  for (size_t i = 0; i < 3; i++) {
    struct sr_bytes b = { 0 };
    assert_int_equal(OK, put_secret(bytes_str(texts[i]), &b));
    check(&b, texts[i]);
  }
}

static void ordinary(void **state) {
  for (size_t n = 0; n < 2000; n += 13) {
    AUTO_BUF b = BUF_EMPTY;
    struct sr_bytes out = { 0 };
    char text[2001] = { 0 };
    memset(text, 'a', n);
    assert_int_equal(OK, put_start(&b));
    buf_put_str(&b, text);
    assert_int_equal(OK, put_done(&b, &out));
    assert_null(b.data);
    check(&out, text);
  }
}

static void nothing(void **state) {
  struct sr_certificate c = { 0 };
  sr_bytes_free(NULL);
  sr_certificate_free(NULL);
  sr_certificate_free(&c);
  sr_close(NULL);
  sr_file_close(NULL);
  sr_records_close(NULL);
  sr_options_free(NULL);
  sr_recipients_free(NULL);
  sr_identities_free(NULL);
}

static void wrapped_forms(void **state) {
  struct wrapped w = { .key_id = "https://h/keys/a/b", .alg = "A256KW", .size = 40 }, again;
  struct sr_wrapped p;
  memset(w.data, 7, w.size);
  wrapped_to_public(&w, &p);
  assert_int_equal(OK, wrapped_from_public(&p, &again));
  assert_memory_equal(&w, &again, sizeof w);

  struct sr_wrapped bad[6];
  for (size_t i = 0; i < 6; i++)
    bad[i] = p;
  memset(bad[0].key_id, 'a', sizeof bad[0].key_id);
  memset(bad[1].algorithm, 'a', sizeof bad[1].algorithm);
  bad[2].size = 0;
  bad[3].size = sizeof bad[3].data + 1;
  bad[4].key_id[0] = '\0';
  bad[5].algorithm[0] = '\0';
  for (size_t i = 0; i < 6; i++)
    assert_int_equal(ERR_USAGE, wrapped_from_public(&bad[i], &again));
  assert_int_equal(ERR_USAGE, wrapped_from_public(NULL, &again));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(locked),
    cmocka_unit_test(ordinary),
    cmocka_unit_test(nothing),
    cmocka_unit_test(wrapped_forms),
  };
  if (crypto_attach(NULL) != OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
