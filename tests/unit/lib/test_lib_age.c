/* Files of age by the public names: keys of the vault, keys of one's own, passphrases. */
#include "fake.h"

#include <sys/mman.h>

#define SIZE 200000u
static const char secret_key[] =
  "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
static const char public_key[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

static int in, sealed, out;
static uint8_t plain[SIZE], again[SIZE];

static int files(void **state) {
  for (size_t i = 0; i < SIZE; i++)
    plain[i] = (uint8_t)(i * 7 + i / 251);
  in = memfd_create("in", MFD_CLOEXEC);
  sealed = memfd_create("sealed", MFD_CLOEXEC);
  out = memfd_create("out", MFD_CLOEXEC);
  return write(in, plain, SIZE) == SIZE ? 0 : -1;
}

static int close_files(void **state) {
  close(in);
  close(sealed);
  close(out);
  return 0;
}

static void rewind_all(void) {
  lseek(in, 0, SEEK_SET);
  lseek(sealed, 0, SEEK_SET);
  lseek(out, 0, SEEK_SET);
}

static void seal(const struct sr_recipients *r) {
  struct sr_error error;
  rewind_all();
  assert_int_equal(0, ftruncate(sealed, 0));
  if (sr_age_seal(r, NULL, in, sealed, &error) != SR_OK)
    fail_msg("%s", error.message);
}

static enum sr_status open_it(const struct sr_identities *i) {
  rewind_all();
  assert_int_equal(0, ftruncate(out, 0));
  enum sr_status s = sr_age_open(i, NULL, sealed, out, NULL);
  if (s == SR_OK) {
    assert_int_equal(SIZE, pread(out, again, SIZE, 0));
    assert_memory_equal(plain, again, SIZE);
  }
  return s;
}

static struct sr_recipients *recipients(void) {
  struct sr_recipients *r;
  assert_int_equal(SR_OK, sr_recipients_new(&r, NULL));
  return r;
}

static struct sr_identities *identities(void) {
  struct sr_identities *i;
  assert_int_equal(SR_OK, sr_identities_new(&i, NULL));
  return i;
}

static void vault_and_break_glass(void **state) {
  struct sr_vault *v = vault_of(0);
  struct sr_recipients *r = recipients();
  assert_int_equal(SR_OK, sr_recipients_add_key(r, v, "k", NULL));
  assert_int_equal(SR_OK, sr_recipients_add(r, NULL, public_key, NULL));
  seal(r);
  sr_recipients_free(r);

  struct sr_identities *vault = identities(), *own = identities();
  assert_int_equal(SR_OK, sr_identities_add_vault(vault, v, NULL));
  assert_int_equal(SR_OK, sr_identities_add(own, NULL, secret_key, strlen(secret_key), NULL));
  assert_int_equal(SR_OK, open_it(vault));
  assert_int_equal(SR_OK, open_it(own));
  fake.failing = ERR_AWAY;
  assert_int_equal(SR_AWAY, open_it(vault));
  assert_int_equal(SR_OK, open_it(own));
  fake.failing = OK;

  rewind_all();
  assert_int_equal(0, ftruncate(out, 0));
  assert_int_equal(SR_OK, sr_age_copy(vault, sealed, 65530, 100, out, NULL));
  assert_int_equal(100, pread(out, again, SIZE, 0));
  assert_memory_equal(plain + 65530, again, 100);
  sr_identities_free(vault);
  sr_identities_free(own);
  vault_done(v);
}

static void passphrase(void **state) {
  struct sr_recipients *r = recipients();
  struct sr_identities *right = identities(), *wrong = identities(), *none = identities();
  assert_int_equal(SR_OK, sr_recipients_add_passphrase(r, "correct horse", NULL));
  seal(r);
  assert_int_equal(SR_OK, sr_identities_add_passphrase(right, "wrong", NULL));
  assert_int_equal(SR_OK, sr_identities_add_passphrase(right, "correct horse", NULL));
  assert_int_equal(SR_OK, sr_identities_add_passphrase(wrong, "wrong", NULL));
  assert_int_equal(SR_OK, open_it(right));
  assert_int_equal(SR_WRONG_KEY, open_it(wrong));
  assert_int_equal(SR_WRONG_KEY, open_it(none));
  sr_recipients_free(r);
  sr_identities_free(right);
  sr_identities_free(wrong);
  sr_identities_free(none);
}

static void refused(void **state) {
  struct sr_recipients *r = recipients();
  struct sr_identities *i = identities();
  struct sr_stream how = { .context = "c", .context_size = 1 };
  struct sr_error error;
  assert_int_equal(SR_BAD_ARGUMENT, sr_recipients_add(r, NULL, "age1nothing", &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_recipients_add(r, NULL, NULL, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_recipients_add_key(r, NULL, "k", &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_identities_add(i, NULL, "nothing", 7, &error));
  assert_int_equal(SR_OK, sr_recipients_add(r, NULL, public_key, NULL));
  assert_int_equal(SR_BAD_ARGUMENT, sr_age_seal(r, &how, in, sealed, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_age_seal(NULL, NULL, in, sealed, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_age_open(NULL, NULL, in, sealed, &error));
  rewind_all();
  assert_int_equal(SR_NOT_SEALED, sr_age_open(i, NULL, in, out, &error));
  sr_recipients_free(r);
  sr_identities_free(i);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(vault_and_break_glass, files, close_files),
    cmocka_unit_test_setup_teardown(passphrase, files, close_files),
    cmocka_unit_test_setup_teardown(refused, files, close_files),
  };
  if (crypto_attach(NULL) != OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
