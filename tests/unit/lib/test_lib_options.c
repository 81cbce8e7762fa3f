#include "lib/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct sr_options *fresh(void) {
  struct sr_options *o;
  assert_int_equal(SR_OK, sr_options_new(&o, NULL));
  return o;
}

static void texts(void **state) {
  struct sr_options *o = fresh();
  for (int i = SR_VAULT_URL; i <= SR_CA_FILE; i++) {
    char value[16];
    snprintf(value, sizeof value, "value %d", i);
    assert_int_equal(SR_OK, sr_options_set(o, (enum sr_option)i, value, NULL));
  }
  assert_string_equal("value 1", o->settings.text[SET_URL]);
  assert_string_equal("value 2", o->settings.text[SET_AUTHORITY]);
  assert_string_equal("value 3", o->settings.text[SET_TENANT]);
  assert_string_equal("value 4", o->settings.text[SET_CLIENT_ID]);
  assert_true(bytes_equal_str(secret_bytes(&o->settings.secret), "value 5"));
  assert_string_equal("value 6", o->settings.text[SET_SECRET_FILE]);
  assert_string_equal("value 7", o->settings.text[SET_ASSERTION_FILE]);
  assert_string_equal("value 8", o->settings.text[SET_CERTIFICATE]);
  assert_string_equal("value 9", o->settings.text[SET_IDENTITY_ENDPOINT]);
  assert_true(bytes_equal_str(secret_bytes(&o->settings.identity_header), "value 10"));
  assert_string_equal("value 11", o->settings.text[SET_IMDS_HOST]);
  assert_string_equal("value 12", o->settings.text[SET_CA]);

  AUTO_SETTINGS copy = { 0 };
  assert_int_equal(OK, options_settings(o, &copy));
  assert_int_equal(SR_OK, sr_options_set(o, SR_TENANT, NULL, NULL));
  assert_int_equal(SR_OK, sr_options_set(o, SR_CLIENT_SECRET, "", NULL));
  assert_null(o->settings.text[SET_TENANT]);
  assert_int_equal(0, o->settings.secret.size);
  sr_options_free(o);
  assert_string_equal("value 3", copy.text[SET_TENANT]);
  assert_true(bytes_equal_str(secret_bytes(&copy.secret), "value 5"));
  assert_true(bytes_equal_str(secret_bytes(&copy.identity_header), "value 10"));
}

static void numbers(void **state) {
  struct sr_options *o = fresh();
  struct sr_error error;
  assert_int_equal(7, options_number(o, SR_RETRY_MS, 7));
  assert_int_equal(SR_OK, sr_options_set_number(o, SR_RETRY_MS, 12, NULL));
  assert_int_equal(12, options_number(o, SR_RETRY_MS, 7));
  assert_int_equal(9, options_number(o, SR_TIMEOUT_MS, 9));
  assert_int_equal(SR_OK, sr_options_set_number(o, SR_RETRY_MS, 0, NULL));
  assert_int_equal(7, options_number(o, SR_RETRY_MS, 7));
  assert_int_equal(SR_OK, sr_options_set_number(o, SR_DATA_KEY_LIFETIME_S, 86400, NULL));
  assert_int_equal(SR_BAD_ARGUMENT,
                   sr_options_set_number(o, SR_DATA_KEY_LIFETIME_S, 86401, &error));
  assert_int_equal(86400, options_number(o, SR_DATA_KEY_LIFETIME_S, 0));
  /* A text is no number, and the other way round; and there are others. */
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_set_number(o, SR_TENANT, 1, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_set(o, SR_RETRY_MS, "1", &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_set(o, (enum sr_option)0, "1", &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_set_number(o, (enum sr_option)99, 1, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_set(NULL, SR_TENANT, "1", &error));
  assert_string_equal("options must not be NULL", error.message);
  sr_options_free(o);
}

static void environment(void **state) {
  struct sr_options *o = fresh();
  assert_int_equal(SR_OK, sr_options_set(o, SR_TENANT, "kept", NULL));
  assert_int_equal(SR_OK, sr_options_set(o, SR_CLIENT_ID, "replaced", NULL));
  setenv("KEY_VAULT_URL", "https://a", 1);
  setenv("AZURE_CLIENT_ID", "id", 1);
  unsetenv("AZURE_TENANT_ID");
  assert_int_equal(SR_OK, sr_options_environment(o, NULL));
  assert_string_equal("https://a", o->settings.text[SET_URL]);
  assert_string_equal("id", o->settings.text[SET_CLIENT_ID]);
  assert_string_equal("kept", o->settings.text[SET_TENANT]);
  sr_options_free(o);
}

static void files(void **state) {
  static const char text[] = "# a comment\nexport KEY_VAULT_URL='https://b'\nexport "
                             "AZURE_CLIENT_SECRET='s'\nexport OTHER='x'\n";
  char path[] = "/tmp/strongroom-options.XXXXXX";
  int fd = mkstemp(path);
  struct sr_options *o = fresh();
  struct sr_error error;
  assert_int_equal(sizeof text - 1, write(fd, text, sizeof text - 1));
  assert_int_equal(SR_OK, sr_options_file(o, path, NULL));
  assert_string_equal("https://b", o->settings.text[SET_URL]);
  assert_true(bytes_equal_str(secret_bytes(&o->settings.secret), "s"));
  assert_int_equal(4, pwrite(fd, "what", 4, 0));
  assert_int_equal(SR_CONFIG, sr_options_file(o, path, &error));
  assert_non_null(strstr(error.message, "line 1"));
  close(fd);
  unlink(path);
  assert_int_equal(SR_CONFIG, sr_options_file(o, path, &error));
  assert_int_equal(SR_BAD_ARGUMENT, sr_options_file(o, NULL, &error));
  sr_options_free(o);
}

static void connecting(void **state) {
  struct sr_options *o = fresh();
  struct sr_vault *v = (struct sr_vault *)1;
  struct sr_error error;
  struct sr_bytes token;
  assert_int_equal(SR_CONFIG, sr_connect(o, &v, &error));
  assert_null(v);
  assert_non_null(strstr(error.message, "KEY_VAULT_URL"));
  assert_int_equal(SR_OK, sr_options_set(o, SR_VAULT_URL, "ftp://host", NULL));
  assert_int_equal(SR_CONFIG, sr_connect(o, &v, &error));
  assert_int_equal(SR_OK, sr_options_set(o, SR_VAULT_URL, "https://localhost:1", NULL));
  assert_int_equal(SR_OK, sr_options_set(o, SR_CA_FILE, "/nowhere", NULL));
  assert_int_equal(SR_CONFIG, sr_connect(o, &v, &error));
  assert_int_equal(SR_OK, sr_options_set(o, SR_CA_FILE, NULL, NULL));
  assert_int_equal(SR_OK, sr_connect(o, &v, &error)); /* to nothing yet */
  sr_options_free(o);
  assert_int_equal(SR_CONFIG, sr_get_token(v, &token, &error)); /* no credential */
  assert_null(token.data);
  assert_int_equal(SR_BAD_ARGUMENT, sr_get_token(v, NULL, &error));
  sr_close(v);
  assert_int_equal(SR_BAD_ARGUMENT, sr_connect(NULL, NULL, &error));
}

int main(void) {
  static const char *const ours[] = { "KEY_VAULT_URL",   "AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID",
                                      "AZURE_CLIENT_ID", "IDENTITY_ENDPOINT",    "SSL_CERT_FILE" };
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(texts), cmocka_unit_test(numbers),    cmocka_unit_test(environment),
    cmocka_unit_test(files), cmocka_unit_test(connecting),
  };
  for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
    unsetenv(ours[i]);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
