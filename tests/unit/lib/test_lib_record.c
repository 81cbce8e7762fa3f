/* Records, texts and sealed files over a vault that is a table of this test. */
#include "fake.h"

#include <sys/mman.h>

static struct sr_bytes seal(struct sr_records *r, const char *place, const char *text) {
  struct sr_bytes b;
  assert_int_equal(SR_OK, sr_record_seal(r, place, strlen(place), text, strlen(text), &b, NULL));
  assert_int_equal(strlen(text) + SR_RECORD_OVERHEAD, b.size);
  return b;
}

static enum sr_status open(struct sr_records *r, const char *place, const struct sr_bytes *sealed,
                           const char *text) {
  struct sr_bytes b;
  enum sr_status s = sr_record_open(r, place, strlen(place), sealed->data, sealed->size, &b, NULL);
  assert_int_equal(s == SR_OK, b.data != NULL);
  if (s == SR_OK)
    assert_string_equal(text, (const char *)b.data);
  sr_bytes_free(&b);
  return s;
}

static void records(void **state) {
  struct sr_vault *v = vault_of(0);
  struct sr_records *a, *b, *again;
  struct sr_wrapped wrapped, other;
  assert_int_equal(SR_OK, sr_records_new(v, "k", &wrapped, &a, NULL));
  assert_int_equal(SR_OK, sr_records_new(v, "k", &other, &b, NULL));
  struct sr_bytes sealed = seal(a, "a", "text"), empty = seal(a, "b", "");
  assert_int_equal(SR_OK, open(a, "a", &sealed, "text"));
  assert_int_equal(SR_OK, open(a, "b", &empty, ""));
  assert_int_equal(SR_DAMAGED, open(a, "b", &sealed, ""));
  assert_int_equal(SR_DAMAGED, open(b, "a", &sealed, ""));
  assert_int_equal(SR_OK, sr_records_open(v, &wrapped, &again, NULL));
  assert_int_equal(SR_OK, open(again, "a", &sealed, "text"));
  for (size_t i = 0; i < sealed.size; i++) {
    sealed.data[i] ^= 1;
    assert_int_equal(SR_DAMAGED, open(a, "a", &sealed, ""));
    sealed.data[i] ^= 1;
    struct sr_bytes cut = { sealed.data, i };
    assert_int_equal(SR_DAMAGED, open(a, "a", &cut, ""));
  }
  assert_int_equal(2, fake.wraps);
  assert_int_equal(2, fake.unwraps);
  sr_bytes_free(&sealed);
  sr_bytes_free(&empty);
  sr_records_close(a);
  sr_records_close(b);
  sr_records_close(again);
  vault_done(v);
}

/* Who may not use the key any more may not use the cipher that was made of it; and may again. */
static void revoked(void **state) {
  struct sr_vault *v = vault_of(1);
  struct sr_records *r;
  struct sr_wrapped wrapped;
  struct sr_bytes b;
  assert_int_equal(SR_OK, sr_records_new(v, "k", &wrapped, &r, NULL));
  struct sr_bytes sealed = seal(r, "a", "text");
  static const struct {
    err_t says;
    enum sr_status status;
  } answers[] = { { ERR_FORBIDDEN, SR_FORBIDDEN }, { ERR_AWAY, SR_AWAY } };
  for (size_t i = 0; i < 2; i++) {
    usleep(1100000);
    fake.failing = answers[i].says;
    assert_int_equal(answers[i].status, open(r, "a", &sealed, ""));
    assert_int_equal(answers[i].status, sr_record_seal(r, "a", 1, "x", 1, &b, NULL));
    assert_null(b.data);
    fake.failing = OK;
    assert_int_equal(SR_OK, open(r, "a", &sealed, "text"));
  }
  sr_bytes_free(&sealed);
  sr_records_close(r);
  vault_done(v);
}

static void files(void **state) {
  struct sr_vault *v = vault_of(1);
  static uint8_t plain[50000], got[50000];
  struct sr_bytes sealed;
  struct sr_file *f;
  uint64_t size;
  size_t n;
  memset(plain, 'a', sizeof plain);
  assert_int_equal(SR_OK, sr_bytes_seal(v, "k", "c", 1, plain, sizeof plain, &sealed, NULL));
  int fd = memfd_create("sealed", MFD_CLOEXEC);
  assert_int_equal(sealed.size, write(fd, sealed.data, sealed.size));
  assert_int_equal(SR_WRONG_KEY, sr_file_open(v, "d", 1, fd, &f, NULL));
  assert_int_equal(SR_OK, sr_file_open(v, "c", 1, fd, &f, NULL));
  assert_int_equal(SR_OK, sr_file_size(f, &size, NULL));
  assert_int_equal(sizeof plain, size);
  assert_int_equal(SR_OK, sr_file_read(f, 49990, got, sizeof got, &n, NULL));
  assert_int_equal(10, n);
  assert_memory_equal(plain, got, n);
  assert_int_equal(SR_OK, sr_file_read(f, 50000, got, sizeof got, &n, NULL));
  assert_int_equal(0, n);

  usleep(1100000);
  fake.failing = ERR_FORBIDDEN;
  memset(got, 1, sizeof got);
  assert_int_equal(SR_FORBIDDEN, sr_file_read(f, 0, got, sizeof got, &n, NULL));
  assert_int_equal(0, n);
  fake.failing = OK;
  assert_int_equal(SR_OK, sr_file_read(f, 0, got, sizeof got, &n, NULL));
  assert_memory_equal(plain, got, n);
  sealed.data[sealed.size - 20000] ^= 1;
  assert_int_equal(sealed.size, pwrite(fd, sealed.data, sealed.size, 0));
  assert_int_equal(SR_DAMAGED, sr_file_read(f, 0, got, sizeof got, &n, NULL));
  assert_int_equal(0, n);
  for (size_t i = 0; i < sizeof got; i++)
    assert_int_equal(0, got[i]);
  sr_file_close(f);
  close(fd);
  sr_bytes_free(&sealed);
  vault_done(v);
}

static void contexts(void **state) {
  struct sr_vault *v = vault_of(0);
  static char context[SR_CONTEXT_MAX + 1];
  struct sr_bytes sealed, b;
  for (size_t n = 0; n <= SR_CONTEXT_MAX; n = n ? 16 * n : 1) {
    assert_int_equal(SR_OK, sr_bytes_seal(v, "k", context, n, "text", 4, &sealed, NULL));
    assert_int_equal(SR_OK, sr_bytes_open(v, context, n, sealed.data, sealed.size, &b, NULL));
    assert_string_equal("text", (const char *)b.data);
    sr_bytes_free(&b);
    context[n ? n - 1 : 0] ^= n != 0;
    enum sr_status other = n ? SR_WRONG_KEY : SR_OK;
    assert_int_equal(other, sr_bytes_open(v, context, n, sealed.data, sealed.size, &b, NULL));
    sr_bytes_free(&b);
    sr_bytes_free(&sealed);
  }
  assert_int_equal(SR_BAD_ARGUMENT,
                   sr_bytes_seal(v, "k", context, SR_CONTEXT_MAX + 1, "text", 4, &b, NULL));
  vault_done(v);
}

static int stop_at_once(void *user, uint64_t done_bytes, uint64_t total) {
  ++*(int *)user;
  return 1;
}

static void streams(void **state) {
  struct sr_vault *v = vault_of(0);
  int calls = 0, in = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
  struct sr_stream how = { .progress = stop_at_once, .user = &calls };
  assert_int_equal(0, ftruncate(in, 3000000));
  assert_int_equal(SR_STOPPED, sr_stream_seal(v, "k", &how, in, out, NULL));
  assert_int_equal(1, calls);
  how.progress = NULL;
  how.flags = 4;
  assert_int_equal(SR_BAD_ARGUMENT, sr_stream_seal(v, "k", &how, in, out, NULL));
  how.flags = 0;
  how.reserved[3] = v;
  assert_int_equal(SR_BAD_ARGUMENT, sr_stream_seal(v, "k", &how, in, out, NULL));
  how.reserved[3] = NULL;
  how.context_size = 1;
  assert_int_equal(SR_BAD_ARGUMENT, sr_stream_seal(v, "k", &how, in, out, NULL));
  assert_int_equal(SR_BAD_ARGUMENT, sr_stream_seal(v, NULL, NULL, in, out, NULL));
  assert_int_equal(SR_BAD_ARGUMENT, sr_stream_seal(NULL, "k", NULL, in, out, NULL));
  assert_int_equal(SR_NOT_SEALED, sr_stream_open(v, NULL, in, out, NULL));
  close(in);
  assert_int_equal(SR_INPUT, sr_stream_seal(v, "k", NULL, in, out, NULL));
  close(out);
  vault_done(v);
}

static void of_another_process(void **state) {
  struct sr_vault *v = vault_of(0);
  struct sr_records *r;
  struct sr_wrapped wrapped;
  struct sr_bytes b;
  assert_int_equal(SR_OK, sr_records_new(v, "k", &wrapped, &r, NULL));
  v->process++;
  assert_int_equal(SR_BAD_ARGUMENT, sr_record_seal(r, "a", 1, "x", 1, &b, NULL));
  assert_int_equal(SR_BAD_ARGUMENT, sr_bytes_seal(v, "k", NULL, 0, "x", 1, &b, NULL));
  sr_records_close(r); /* does nothing */
  v->process--;
  sr_records_close(r);
  v->magic++;
  assert_int_equal(SR_BAD_ARGUMENT, sr_bytes_seal(v, "k", NULL, 0, "x", 1, &b, NULL));
  vault_done(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(records),  cmocka_unit_test(revoked), cmocka_unit_test(files),
    cmocka_unit_test(contexts), cmocka_unit_test(streams), cmocka_unit_test(of_another_process),
  };
  if (crypto_attach(NULL) != OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
