/* Each allocation of each function fails once: the function says so, gives nothing out and leaks
 * nothing (the sanitizer build looks for leaks). */
#include "fake.h"

#include "fault/oom.h"

#include <sys/mman.h>

static struct sr_vault *vault;
static struct sr_wrapped wrapped;
static struct sr_bytes sealed, record;
static int fd;

static enum sr_status options(void) {
  struct sr_options *o;
  struct sr_vault *v = NULL;
  enum sr_status s = sr_options_new(&o, NULL);
  if (s == SR_OK)
    s = sr_options_set(o, SR_VAULT_URL, "https://localhost:1", NULL);
  if (s == SR_OK)
    s = sr_options_set(o, SR_CLIENT_ID, "id", NULL);
  if (s == SR_OK)
    s = sr_connect(o, &v, NULL);
  assert_int_equal(s == SR_OK, v != NULL);
  sr_close(v);
  sr_options_free(o);
  return s;
}

static enum sr_status seal_bytes(void) {
  struct sr_bytes b;
  enum sr_status s = sr_bytes_seal(vault, "k", "c", 1, "text", 4, &b, NULL);
  assert_int_equal(s == SR_OK, b.data != NULL);
  sr_bytes_free(&b);
  return s;
}

static enum sr_status open_bytes(void) {
  struct sr_bytes b;
  enum sr_status s = sr_bytes_open(vault, "c", 1, sealed.data, sealed.size, &b, NULL);
  assert_int_equal(s == SR_OK, b.data != NULL);
  sr_bytes_free(&b);
  return s;
}

static enum sr_status new_records(void) {
  struct sr_records *r;
  struct sr_wrapped w;
  enum sr_status s = sr_records_new(vault, "k", &w, &r, NULL);
  assert_int_equal(s == SR_OK, r != NULL);
  sr_records_close(r);
  return s;
}

static enum sr_status open_record(void) {
  struct sr_records *r;
  struct sr_bytes b = { 0 };
  enum sr_status s = sr_records_open(vault, &wrapped, &r, NULL);
  if (s == SR_OK)
    s = sr_record_open(r, "a", 1, record.data, record.size, &b, NULL);
  assert_int_equal(s == SR_OK, b.data != NULL);
  sr_bytes_free(&b);
  sr_records_close(r);
  return s;
}

static enum sr_status read_file(void) {
  struct sr_file *f;
  char text[4];
  size_t got;
  enum sr_status s = sr_file_open(vault, "c", 1, fd, &f, NULL);
  if (s == SR_OK)
    s = sr_file_read(f, 0, text, sizeof text, &got, NULL);
  sr_file_close(f);
  return s;
}

static enum sr_status age(void) {
  struct sr_recipients *r;
  struct sr_identities *i = NULL;
  enum sr_status s = sr_recipients_new(&r, NULL);
  if (s == SR_OK)
    s = sr_recipients_add_key(r, vault, "k", NULL);
  if (s == SR_OK)
    s = sr_identities_new(&i, NULL);
  if (s == SR_OK)
    s = sr_identities_add_vault(i, vault, NULL);
  if (s == SR_OK)
    s = sr_identities_add_passphrase(i, "p", NULL);
  sr_recipients_free(r);
  sr_identities_free(i);
  return s;
}

static void each_allocation_fails(enum sr_status (*work)(void)) {
  for (int kind = OOM_ONE; kind <= OOM_ALL; kind++)
    for (unsigned long n = 1;; n++) {
      /* Nothing is kept of the time before. */
      key_cache_free(vault->keys);
      assert_int_equal(OK, key_cache_new(&vault->service, NULL, &vault->keys));
      oom_start(n, (enum oom)kind);
      enum sr_status s = work();
      if (!oom_stop()) {
        assert_int_equal(SR_OK, s);
        assert_true(n > 1);
        break;
      }
      /* A fresh data key that is not kept for opening, too, is none the worse. */
      if (s != SR_OK || (work != seal_bytes && work != new_records))
        assert_int_equal(SR_NO_MEMORY, s);
    }
}

static void all(void **state) {
  enum sr_status (*const works[])(void) = { options,     seal_bytes, open_bytes, new_records,
                                            open_record, read_file,  age };
  struct sr_records *r;
  vault = vault_of(0);
  assert_int_equal(SR_OK, sr_bytes_seal(vault, "k", "c", 1, "text", 4, &sealed, NULL));
  fd = memfd_create("sealed", MFD_CLOEXEC);
  assert_int_equal(sealed.size, write(fd, sealed.data, sealed.size));
  assert_int_equal(SR_OK, sr_records_new(vault, "k", &wrapped, &r, NULL));
  assert_int_equal(SR_OK, sr_record_seal(r, "a", 1, "text", 4, &record, NULL));
  sr_records_close(r);
  for (size_t i = 0; i < sizeof works / sizeof *works; i++)
    each_allocation_fails(works[i]);
  sr_bytes_free(&sealed);
  sr_bytes_free(&record);
  close(fd);
  vault_done(vault);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(all) };
  if (crypto_attach(NULL) != OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
