#include "helper.h"

#include "base/pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passphrase[] = "correct horse battery staple";
static const uint8_t master[32] = "the master key of 32 bytes here";

static struct root *passphrase_root(const char *text) {
  struct root *r = NULL;
  assert_int_equal(root_open("passphrase", bytes_str(text), &r), OK);
  return r;
}

static void table(void **state) {
  const char *const *names = root_providers();
  assert_string_equal(names[0], "file");
  assert_string_equal(names[1], "passphrase");
  assert_null(names[2]);
  struct root *r = NULL;
  assert_int_equal(root_open("hsm", bytes_of(master, 32), &r), ERR_CONFIG);
  assert_int_equal(root_open("", bytes_of(master, 32), &r), ERR_CONFIG);
  assert_null(r);
}

static void secrets_are_checked(void **state) {
  struct root *r = NULL;
  char long_one[1026];
  memset(long_one, 'x', sizeof long_one - 1);
  long_one[sizeof long_one - 1] = '\0';
  assert_int_equal(root_open("file", bytes_of(master, 31), &r), ERR_CONFIG);
  assert_int_equal(root_open("file", (struct bytes){ 0 }, &r), ERR_CONFIG);
  assert_int_equal(root_open("passphrase", bytes_str("seven77"), &r), ERR_CONFIG);
  assert_int_equal(root_open("passphrase", bytes_str(long_one), &r), ERR_CONFIG);
  assert_null(strstr(err_last()->why, "xxx"));
  assert_null(r);
}

static void wraps(struct root *right, struct root *wrong, const char *name) {
  AUTO_BUF wrapped = BUF_EMPTY, again = BUF_EMPTY;
  AUTO_SECRET got = { 0 };
  char provider[16];
  assert_int_equal(root_wrap(right, bytes_of(master, 32), &wrapped), OK);
  assert_int_equal(root_wrap(right, bytes_of(master, 32), &again), OK);
  assert_false(bytes_equal(buf_bytes(&wrapped), buf_bytes(&again)));
  assert_null(memmem(wrapped.data, wrapped.size, master, 32));
  assert_int_equal(root_provider_of(buf_bytes(&wrapped), provider), OK);
  assert_string_equal(provider, name);
  assert_int_equal(root_unwrap(wrong, buf_bytes(&wrapped), &got), ERR_ROOT_KEY);
  assert_null(got.data);
  assert_int_equal(root_unwrap(right, buf_bytes(&wrapped), &got), OK);
  assert_true(crypto_equal(secret_bytes(&got), bytes_of(master, 32)));
}

static void file_wraps(void **state) {
  AUTO(root) struct root *right = root_of(1), *wrong = root_of(2);
  wraps(right, wrong, "file");
  AUTO(root) struct root *other = passphrase_root(passphrase);
  AUTO_BUF wrapped = BUF_EMPTY;
  AUTO_SECRET got = { 0 };
  assert_int_equal(root_wrap(right, bytes_of(master, 32), &wrapped), OK);
  assert_int_equal(root_unwrap(other, buf_bytes(&wrapped), &got), ERR_ROOT_KEY);
}

static void passphrase_wraps(void **state) {
  AUTO(root) struct root *right = passphrase_root(passphrase);
  AUTO(root) struct root *wrong = passphrase_root("correct horse battery stapler");
  wraps(right, wrong, "passphrase");
}

static void altered_forms_do_not_open(void **state) {
  AUTO(root) struct root *r = root_of(1);
  AUTO_BUF wrapped = BUF_EMPTY;
  AUTO_SECRET got = { 0 };
  assert_int_equal(root_wrap(r, bytes_of(master, 32), &wrapped), OK);
  for (size_t i = 0; i < wrapped.size * 8; i++) {
    wrapped.data[i / 8] ^= (uint8_t)(1 << i % 8);
    err_t e = root_unwrap(r, buf_bytes(&wrapped), &got);
    assert_true(e == ERR_CORRUPT || e == ERR_ROOT_KEY);
    wrapped.data[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  char provider[16];
  for (size_t n = 0; n < wrapped.size; n++) {
    assert_int_equal(root_unwrap(r, bytes_of(wrapped.data, n), &got), ERR_CORRUPT);
    assert_int_equal(root_provider_of(bytes_of(wrapped.data, n), provider), ERR_CORRUPT);
  }
  assert_null(got.data);
}

/* A wrapped form that somebody else wrote must not make us spend hours or gigabytes. */
static void absurd_costs_are_refused(void **state) {
  AUTO(root) struct root *r = passphrase_root(passphrase);
  static const struct {
    uint8_t log2_n;
    size_t salt;
  } cases[] = { { 21, 16 }, { 63, 16 }, { 255, 16 }, { 9, 16 }, { 0, 16 }, { 17, 15 }, { 17, 0 } };
  for (size_t i = 0; i < COUNT(cases); i++) {
    AUTO_BUF params = BUF_EMPTY, wrapped = BUF_EMPTY;
    AUTO_SECRET got = { 0 };
    pack_u8(&params, cases[i].log2_n);
    pack_bytes(&params, bytes_of(master, cases[i].salt));
    pack_u8(&wrapped, 1);
    pack_str(&wrapped, "passphrase");
    pack_bytes(&wrapped, buf_bytes(&params));
    pack_bytes(&wrapped, bytes_of(master, 32));
    assert_int_equal(root_unwrap(r, buf_bytes(&wrapped), &got), ERR_CORRUPT);
  }
}

static void makes_and_reads_key_files(void **state) {
  char dir[PATH_SIZE], a[PATH_SIZE], b[PATH_SIZE];
  make_dir(dir);
  assert_int_equal(mkdir(dir, 0700), 0);
  file_in(dir, "a.key", a);
  file_in(dir, "b.key", b);
  AUTO_SECRET first = { 0 }, again = { 0 }, second = { 0 };
  assert_int_equal(root_file_create(a), OK);
  assert_int_equal(root_file_create(b), OK);
  struct stat st;
  assert_int_equal(stat(a, &st), 0);
  assert_int_equal(st.st_mode & 07777, 0600);
  assert_int_equal(st.st_nlink, 1);
  assert_int_equal(root_file_read(a, &first), OK);
  assert_int_equal(root_file_create(a), ERR_CONFLICT);
  assert_int_equal(root_file_read(a, &again), OK);
  assert_int_equal(root_file_read(b, &second), OK);
  assert_true(crypto_equal(secret_bytes(&first), secret_bytes(&again)));
  assert_false(crypto_equal(secret_bytes(&first), secret_bytes(&second)));

  unlink(a);
  unlink(b);
  assert_int_equal(rmdir(dir), 0); /* nothing was left beside them */
  assert_int_equal(root_file_create(a), ERR_IO);
  remove_dir(dir);
}

static void unfit_key_files_are_refused(void **state) {
  char dir[PATH_SIZE], path[PATH_SIZE];
  make_dir(dir);
  assert_int_equal(mkdir(dir, 0700), 0);
  file_in(dir, "root.key", path);
  AUTO_SECRET got = { 0 };
  assert_int_equal(root_file_read(path, &got), ERR_CONFIG); /* missing */
  assert_int_equal(root_file_read(dir, &got), ERR_CONFIG);  /* a directory */
  spill(path, bytes_of(master, 31));
  assert_int_equal(root_file_read(path, &got), ERR_CONFIG);
  spill(path, bytes_of("123456789012345678901234567890123", 33));
  assert_int_equal(root_file_read(path, &got), ERR_CONFIG);
  spill(path, bytes_of(master, 32));
  static const mode_t open_modes[] = { 0640, 0604, 0620, 0602, 0610, 0644 };
  for (size_t i = 0; i < COUNT(open_modes); i++) {
    assert_int_equal(chmod(path, open_modes[i]), 0);
    assert_int_equal(root_file_read(path, &got), ERR_CONFIG);
  }
  assert_int_equal(chmod(path, 0400), 0);
  assert_int_equal(root_file_read(path, &got), OK);
  unlink(path);
  assert_int_equal(mkfifo(path, 0600), 0);
  AUTO_SECRET none = { 0 };
  assert_int_equal(root_file_read(path, &none), ERR_CONFIG); /* and does not wait for a writer */
  assert_null(none.data);
  remove_dir(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(table),
    cmocka_unit_test(secrets_are_checked),
    cmocka_unit_test(file_wraps),
    cmocka_unit_test(passphrase_wraps),
    cmocka_unit_test(altered_forms_do_not_open),
    cmocka_unit_test(absurd_costs_are_refused),
    cmocka_unit_test(makes_and_reads_key_files),
    cmocka_unit_test(unfit_key_files_are_refused),
  };
  return cmocka_run_group_tests(tests, start_crypto, NULL);
}
