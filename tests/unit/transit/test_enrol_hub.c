/* A certificate that is kept, of the hub itself, for an identity that may have it and nothing more.
 */
#include "check.h"
#include "fixture.h"
#undef AUTO_ANSWER /* the client's is meant */

#include "base/codec.h"
#include "client/settings.h"
#include "crypto/cert.h"
#include "crypto/crl.h"
#include "crypto/x509.h"
#include "identity/role.h"
#include "transit/enrol.h"
#include "vault/ca/ca.h"

#include <stdio.h>
#include <unistd.h>

static struct fixture f;
static struct client *client;
static struct enrol *kept;
static char oid[GUID_SIZE + 1], state_dir[512];
static const char *const names[] = { "web.example", "10.1.2.3" };

static void make_client(void) {
  char app_id[GUID_SIZE + 1], secret_id[GUID_SIZE + 1];
  AUTO_SECRET secret = { 0 };
  AUTO_SETTINGS s = { 0 };
  assert_ok(identity_create(f.hub->identity, "web", app_id));
  assert_ok(identity_find(f.hub->identity, "web", app_id, oid));
  assert_ok(role_assign(f.hub->roles, NULL, "99999999-2222-3333-4444-555555555555",
                        "strongroom-certificate-requester", oid, "/"));
  assert_ok(identity_add_secret(f.hub->identity, app_id, 0, secret_id, &secret));
  assert_ok(settings_read(f.dir, &s));
  assert_ok(settings_set(&s, "AZURE_CLIENT_ID", bytes_str(app_id)));
  assert_ok(settings_set(&s, "AZURE_CLIENT_SECRET", secret_bytes(&secret)));
  assert_ok(client_new_with(&s, &client));
}

static int start(void **state) {
  fixture_open(&f, NULL);
  assert_ok(http_server_start(f.hub->server));
  snprintf(state_dir, sizeof state_dir, "%s/enrolled", f.dir);
  make_client();
  return 0;
}

static int end(void **state) {
  enrol_free(TAKE(kept));
  client_free(TAKE(client));
  http_server_stop(f.hub->server, 1000);
  fixture_close(&f);
  return 0;
}

static err_t open_kept(void) {
  const struct enrol_options o = {
    .profile = "server", .names = names, .name_count = 2, .state = state_dir, .lists = true
  };
  return enrol_new(client, &o, 0, &kept);
}

static void read_current(struct cert_info *info, size_t *lists) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  AUTO_BUF der = BUF_EMPTY, root = BUF_EMPTY, ours = BUF_EMPTY;
  assert_ok(x509_from_pem(buf_bytes(&now->chain_pem), &der));
  assert_ok(cert_matches_key(buf_bytes(&der), now->key));
  assert_ok(cert_read(buf_bytes(&der), info));
  assert_ok(x509_from_pem(buf_bytes(&now->ca_pem), &root));
  assert_ok(ca_root(f.hub->ca, &ours));
  assert_bytes(buf_bytes(&root), buf_bytes(&ours));
  *lists = now->list_count;
}

#define wait_until(condition) \
  do { \
    unsigned waited_ = 0; \
    while (!(condition) && waited_++ < 3000) \
      usleep(10000); \
    if (!(condition)) \
      fail_msg("never: %s", #condition); \
  } while (0)

static size_t lists(void) {
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  return now->list_count;
}

static uint64_t renewals(void) {
  struct enrol_status s;
  enrol_status(kept, &s);
  return s.renewals;
}

static void hub(void **state) {
  static const char *granted[] = { "web.example", "10.1.0.0/16" };
  const struct cert_texts grant = { granted, 2 }, none = { 0 };
  AUTO_CERT_INFO first = { 0 }, second = { 0 }, third = { 0 };
  char serial[2 * CERT_SERIAL_MAX + 1];
  size_t count = 0;
  unsigned number = 0;
  assert_err(open_kept(), ERR_FORBIDDEN);
  assert_non_null(strstr(err_text(ERR_FORBIDDEN), "strongroom ca allow"));
  assert_ok(ca_grant(f.hub->ca, oid, 1u << CA_SERVER, &grant));
  assert_ok(open_kept());
  read_current(&first, &count);
  assert_int_equal(count, 2);
  assert_string_equal(first.is.sans[SAN_DNS].items[0], "web.example");
  assert_string_equal(first.is.sans[SAN_IP].items[0], "10.1.2.3");
  assert_string_equal(first.is.subject, "");
  /* Revoked: the list says so, and there is a new one. */
  assert_ok(enrol_start(kept, NULL, NULL));
  hex_encode(bytes_of(first.serial, first.serial_size), serial);
  assert_ok(ca_revoke(f.hub->ca, serial, 1, NULL));
  enrol_look_now(kept);
  wait_until(renewals() == 1);
  read_current(&second, &count);
  assert_int_equal(count, 2);
  /* A second authority, then a third one and the end of the first two. */
  assert_ok(ca_renew(f.hub->ca, NULL, &none, false, &number));
  enrol_look_now(kept);
  wait_until(lists() == 3);
  assert_int_equal(renewals(), 1);
  assert_ok(ca_renew(f.hub->ca, NULL, &none, true, &number));
  assert_int_equal(number, 3);
  enrol_look_now(kept);
  wait_until(renewals() == 2 && lists() == 2);
  read_current(&third, &count);
  assert_string_not_equal(third.issuer, second.issuer);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(hub) };
  return cmocka_run_group_tests_name("enrol_hub", tests, start, end);
}
