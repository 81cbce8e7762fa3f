/* What compiled programs rely on: sizes, places and numbers of the public header. A failure here
 * means a new soname. */
#include "lib/lib.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define AT(type, member, place) \
  _Static_assert(offsetof(struct type, member) == (place), #type "." #member)

_Static_assert(sizeof(void *) != 8 || sizeof(struct sr_error) == 1128, "sr_error");
AT(sr_error, http_status, 4);
AT(sr_error, code, 8);
AT(sr_error, message, 72);
AT(sr_bytes, size, sizeof(void *));
_Static_assert(sizeof(void *) != 8 || sizeof(struct sr_wrapped) == 1016, "sr_wrapped");
AT(sr_wrapped, algorithm, 480);
AT(sr_wrapped, data, 496);
AT(sr_wrapped, size, 1008);
#ifdef __LP64__
_Static_assert(sizeof(struct sr_certificate) == 136, "sr_certificate");
AT(sr_certificate, not_before, 40);
AT(sr_certificate, certificate, 56);
AT(sr_certificate, key, 88);
_Static_assert(sizeof(struct sr_stream) == 80, "sr_stream");
AT(sr_stream, threads, 16);
AT(sr_stream, flags, 20);
AT(sr_stream, total, 24);
AT(sr_stream, progress, 32);
AT(sr_stream, user, 40);
AT(sr_stream, reserved, 48);
#endif

static void statuses(void **state) {
  static const struct {
    enum sr_status status;
    int number;
    const char *name;
  } all[] = {
    { SR_OK, 0, "SR_OK" },
    { SR_BAD_ARGUMENT, 1, "SR_BAD_ARGUMENT" },
    { SR_CONFIG, 2, "SR_CONFIG" },
    { SR_NO_MEMORY, 3, "SR_NO_MEMORY" },
    { SR_AWAY, 4, "SR_AWAY" },
    { SR_UNAUTHORIZED, 5, "SR_UNAUTHORIZED" },
    { SR_FORBIDDEN, 6, "SR_FORBIDDEN" },
    { SR_NOT_FOUND, 7, "SR_NOT_FOUND" },
    { SR_CONFLICT, 8, "SR_CONFLICT" },
    { SR_TIMEOUT, 9, "SR_TIMEOUT" },
    { SR_BAD_SIGNATURE, 10, "SR_BAD_SIGNATURE" },
    { SR_NOT_SEALED, 11, "SR_NOT_SEALED" },
    { SR_TRUNCATED, 12, "SR_TRUNCATED" },
    { SR_DAMAGED, 13, "SR_DAMAGED" },
    { SR_WRONG_KEY, 14, "SR_WRONG_KEY" },
    { SR_INPUT, 15, "SR_INPUT" },
    { SR_OUTPUT, 16, "SR_OUTPUT" },
    { SR_STOPPED, 17, "SR_STOPPED" },
    { SR_INTERNAL, 18, "SR_INTERNAL" },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    assert_int_equal(all[i].number, all[i].status);
    assert_string_equal(all[i].name, sr_status_name(all[i].status));
  }
  assert_string_equal("SR_INTERNAL", sr_status_name((enum sr_status)19));
}

static void options(void **state) {
  static const int texts[] = { SR_VAULT_URL,       SR_AUTHORITY,          SR_TENANT,
                               SR_CLIENT_ID,       SR_CLIENT_SECRET,      SR_CLIENT_SECRET_FILE,
                               SR_ASSERTION_FILE,  SR_CLIENT_CERTIFICATE, SR_IDENTITY_ENDPOINT,
                               SR_IDENTITY_HEADER, SR_IMDS_HOST,          SR_CA_FILE };
  for (int i = 0; i < 12; i++)
    assert_int_equal(i + 1, texts[i]);
  assert_int_equal(32, SR_TIMEOUT_MS);
  assert_int_equal(33, SR_RETRY_MS);
  assert_int_equal(34, SR_DATA_KEY_LIFETIME_S);
  assert_int_equal(35, SR_DATA_KEYS);
}

static void version(void **state) {
  assert_string_equal(SR_VERSION, sr_version());
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(statuses),
    cmocka_unit_test(options),
    cmocka_unit_test(version),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
