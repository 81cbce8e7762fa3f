/* Certificates: three objects that live and die together, and the operations that make them. */
#include "fixture.h"

#include "base/clock.h"
#include "vault/cert_internal.h"
#include "vault/secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants these above first */
#include <cmocka.h>

#define DAY 86400
#define SELF \
  "{\"key_props\":{\"kty\":\"EC\",\"crv\":\"P-256\"},\"issuer\":{\"name\":\"Self\"}," X509
#define X509 \
  "\"x509_props\":{\"subject\":\"CN=a.example\",\"sans\":{\"dns_names\":[\"a.example\"]}}}"
#define BY(name) "{\"key_props\":{\"kty\":\"EC\"},\"issuer\":{\"name\":\"" name "\"}," X509

static struct fixture f;
static char seen[256]; /* operations of the scheduler */

static int begin(void **state) {
  fixture_open(&f, NULL);
  hub_scheduler_stop(f.hub); /* the tests say when */
  seen[0] = '\0';
  return 0;
}

static int begin_slow(void **state) {
  fixture_open(&f, (const char *const[]){ "test.async_delete=600000", NULL });
  hub_scheduler_stop(f.hub);
  seen[0] = '\0';
  return 0;
}

static int end(void **state) {
  clock_shift(0);
  fixture_close(&f);
  return 0;
}

static struct vault *vault(void) {
  return f.hub->vault;
}

static err_t create_as(const char *name, const char *policy_text, const char *oid,
                       struct certificate_state **out) {
  AUTO_JSON *given = NULL;
  AUTO_CERT_POLICY policy = { 0 };
  TRY(json_read(bytes_str(policy_text), &given));
  TRY(cert_policy_read(given, (struct bytes){ 0 }, &policy));
  const struct certificate_request rq = { .policy = &policy, .oid = oid };
  return certificates_create(vault(), name, &rq, out);
}

static err_t create(const char *name, const char *policy) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  err_t e = create_as(name, policy, f.oid, &s);
  if (e == OK) {
    assert_int_equal(s->pending.status, CERT_IN_PROGRESS);
    assert_true(s->pending.csr.size > 0);
  }
  return e;
}

static enum cert_status status_of(const char *name) {
  AUTO(certificate_state) struct certificate_state *s = certificates_state(vault(), name);
  assert_non_null(s);
  assert_true(s->has_pending);
  if (s->pending.status == CERT_FAILED)
    print_message("%s failed: " BYTES_FMT "\n", name, BYTES_ARG(buf_bytes(&s->pending.error)));
  return s->pending.status;
}

static struct version *latest(enum kind_id kind, const char *name) {
  struct version *v = NULL;
  assert_int_equal(object_get(vault(), kind, name, "", &v), OK);
  return v;
}

static err_t exists(enum kind_id kind, const char *name) {
  AUTO(version) struct version *v = NULL;
  return object_get(vault(), kind, name, "", &v);
}

/* The secret's value is the certificate with the key that the vault uses. */
static void check_value(const char *name) {
  AUTO(version) struct version *c = latest(KIND_CERTIFICATE, name);
  AUTO(version) struct version *s = latest(KIND_SECRET, name);
  AUTO_BUF value = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  uint8_t pfx[8192];
  size_t size;
  assert_int_equal(secrets_value(vault(), s, &value), OK);
  assert_int_equal(b64_decode(buf_bytes(&value), pfx, sizeof pfx, &size), OK);
  assert_int_equal(cert_import_pkcs12(bytes_of(pfx, size), (struct bytes){ 0 }, &key, &chain), OK);
  assert_true(bytes_equal(buf_bytes(&chain.ders[0]), buf_bytes(&certificate_version_of(c)->cer)));
}

static void check_issued(const char *name, size_t versions) {
  struct version *page[8];
  size_t count;
  bool more;
  for (int k = 0; k < KINDS; k++) {
    assert_int_equal(
      object_list_versions(vault(), (enum kind_id)k, name, "", page, 8, &count, &more), OK);
    assert_int_equal(count, versions);
    while (count)
      version_free(page[--count]);
  }
  AUTO(version) struct version *c = latest(KIND_CERTIFICATE, name);
  AUTO(version) struct version *k = latest(KIND_KEY, name);
  AUTO(version) struct version *s = latest(KIND_SECRET, name);
  assert_string_equal(c->id, k->id);
  assert_string_equal(c->id, s->id);
  assert_true(k->managed && s->managed && !c->managed);
  assert_true(c->attributes.enabled);
  assert_int_equal(c->attributes.exp, k->attributes.exp);
  assert_true(certificate_issued(c));
}

static void test_self(void **state) {
  assert_int_equal(create("Web", SELF), OK);
  assert_int_equal(status_of("web"), CERT_COMPLETED);
  check_issued("web", 1);
  check_value("web");
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  check_issued("WEB", 1);
  check_value("web");
  assert_int_equal(create("web", SELF), OK);
  check_issued("web", 2);
  struct vault_counts counts;
  vault_counts(vault(), KIND_CERTIFICATE, &counts);
  assert_int_equal(counts.objects, 1);
  assert_int_equal(counts.versions, 2);
}

static void test_managed(void **state) {
  AUTO(key_version) struct key_version *kv = NULL;
  AUTO(version) struct version *out = NULL;
  struct deleted d;
  struct key_policy policy = { .expiry = "P90D" };
  const struct key_request rq = { .spec = { KEY_EC, 256, CURVE_P256, 0 } };
  const struct secret_request srq = { .value = bytes_str("x") };
  AUTO_BUF blob = BUF_EMPTY;
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(object_delete(vault(), KIND_KEY, "web", &d), ERR_MANAGED);
  assert_int_equal(object_delete(vault(), KIND_SECRET, "web", &d), ERR_MANAGED);
  assert_int_equal(object_backup(vault(), KIND_KEY, "web", &blob), ERR_MANAGED);
  assert_int_equal(keys_update(vault(), "web", "", &rq, &kv), ERR_MANAGED);
  assert_int_equal(keys_rotate(vault(), "web", &kv), ERR_MANAGED);
  assert_int_equal(keys_create(vault(), "web", &rq, &kv), ERR_MANAGED);
  assert_int_equal(keys_policy_set(vault(), "web", &policy), ERR_MANAGED);
  assert_int_equal(secrets_set(vault(), "web", &srq, &out), ERR_MANAGED);
  assert_int_equal(secrets_update(vault(), "web", "", &srq, &out), ERR_MANAGED);
  check_issued("web", 1);
}

static void test_names(void **state) {
  AUTO(key_version) struct key_version *kv = NULL;
  const struct key_request rq = { .spec = { KEY_EC, 256, CURVE_P256, 0 } };
  assert_int_equal(keys_create(vault(), "taken", &rq, &kv), OK);
  assert_int_equal(create("taken", SELF), ERR_CONFLICT);
  assert_int_equal(exists(KIND_CERTIFICATE, "taken"), ERR_CERTIFICATE_NOT_FOUND);
}

/* What goes with the certificate goes at once, and comes back. */
static void test_life(void **state) {
  struct deleted d;
  AUTO(version) struct version *back = NULL;
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(object_delete(vault(), KIND_CERTIFICATE, "web", &d), OK);
  version_free(d.latest);
  assert_int_equal(exists(KIND_CERTIFICATE, "web"), ERR_CERTIFICATE_NOT_FOUND);
  assert_int_equal(exists(KIND_KEY, "web"), ERR_KEY_NOT_FOUND);
  assert_int_equal(exists(KIND_SECRET, "web"), ERR_SECRET_NOT_FOUND);
  assert_int_equal(create("web", SELF), ERR_DELETED);
  assert_int_equal(object_purge(vault(), KIND_KEY, "web"), ERR_MANAGED);
  assert_int_equal(object_recover(vault(), KIND_SECRET, "web", &back), ERR_MANAGED);
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  assert_int_equal(object_recover(vault(), KIND_CERTIFICATE, "web", &back), OK);
  check_issued("web", 1);
  check_value("web");
  assert_int_equal(object_delete(vault(), KIND_CERTIFICATE, "web", &d), OK);
  version_free(d.latest);
  assert_int_equal(object_purge(vault(), KIND_CERTIFICATE, "web"), OK);
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  struct vault_counts counts;
  for (int k = 0; k < KINDS; k++) {
    vault_counts(vault(), (enum kind_id)k, &counts);
    assert_int_equal(counts.objects + counts.deleted + counts.versions, 0);
  }
}

static void test_backup(void **state) {
  AUTO_BUF blob = BUF_EMPTY;
  struct deleted d;
  AUTO(version) struct version *out = NULL;
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(object_backup(vault(), KIND_CERTIFICATE, "web", &blob), OK);
  assert_int_equal(object_restore(vault(), KIND_CERTIFICATE, buf_bytes(&blob), "h", &out),
                   ERR_CONFLICT);
  assert_int_equal(object_restore(vault(), KIND_KEY, buf_bytes(&blob), "h", &out), ERR_BACKUP_BLOB);
  assert_int_equal(object_delete(vault(), KIND_CERTIFICATE, "web", &d), OK);
  version_free(d.latest);
  assert_int_equal(object_purge(vault(), KIND_CERTIFICATE, "web"), OK);
  assert_int_equal(object_restore(vault(), KIND_CERTIFICATE, buf_bytes(&blob), "h", &out), OK);
  check_issued("web", 2);
  fixture_reopen(&f);
  check_value("web");
}

/* Signs a pending request with an authority that the hub does not know. */
static void sign(const char *name, struct buf *der, struct buf *ca_der) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  AUTO(certificate_state) struct certificate_state *s = certificates_state(vault(), name);
  AUTO(key) struct key *ca = NULL;
  AUTO_CERT_INFO asked = { 0 };
  struct cert_profile authority = { .subject = "CN=Elsewhere",
                                    .ca = true,
                                    .usage = USAGE_KEY_CERT_SIGN,
                                    .not_before = clock_now() - DAY,
                                    .not_after = clock_now() + 100 * DAY };
  assert_int_equal(key_generate(&spec, &ca), OK);
  assert_int_equal(cert_self_sign(ca, &authority, ca_der), OK);
  assert_int_equal(cert_request_read(buf_bytes(&s->pending.csr), &asked), OK);
  asked.is.not_before = clock_now() - 60;
  asked.is.not_after = clock_now() + 30 * DAY;
  assert_int_equal(cert_issue(ca, buf_bytes(ca_der), asked.public_key, &asked.is, der), OK);
}

static void test_merge(void **state) {
  AUTO_BUF der = BUF_EMPTY, ca = BUF_EMPTY, other = BUF_EMPTY, other_ca = BUF_EMPTY;
  AUTO(version) struct version *out = NULL;
  const struct object_request rq = { 0 };
  assert_int_equal(create("ext", BY("Unknown")), OK);
  assert_int_equal(create("ext2", BY("Unknown")), OK);
  assert_int_equal(status_of("ext"), CERT_IN_PROGRESS);
  assert_int_equal(exists(KIND_KEY, "ext"), ERR_KEY_NOT_FOUND);
  assert_int_equal(create("ext", BY("Unknown")), ERR_CONFLICT);
  fixture_reopen(&f); /* the key is kept */
  hub_scheduler_stop(f.hub);
  sign("ext", &der, &ca);
  sign("ext2", &other, &other_ca);
  struct bytes wrong[] = { buf_bytes(&other), buf_bytes(&other_ca) };
  assert_int_equal(certificates_merge(vault(), "ext", wrong, 2, &rq, &out), ERR_BAD_PARAMETER);
  struct bytes right[] = { buf_bytes(&ca), buf_bytes(&der) };
  assert_int_equal(certificates_merge(vault(), "ext", right, 2, &rq, &out), OK);
  check_issued("ext", 1);
  check_value("ext");
  assert_int_equal(status_of("ext"), CERT_COMPLETED);
  AUTO(version) struct version *again = NULL;
  assert_int_equal(certificates_merge(vault(), "ext", right, 2, &rq, &again), ERR_CONFLICT);
}

static void test_cancel(void **state) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  AUTO(certificate_state) struct certificate_state *was = NULL;
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(status_of("web"), CERT_IN_PROGRESS);
  assert_int_equal(certificates_cancel(vault(), "web", &s), OK);
  fixture_reopen(&f); /* it would complete now */
  hub_scheduler_stop(f.hub);
  assert_int_equal(vault_carry_out_due(vault(), NULL, NULL), OK);
  assert_int_equal(status_of("web"), CERT_IN_PROGRESS);
  assert_int_equal(exists(KIND_KEY, "web"), ERR_KEY_NOT_FOUND);
  assert_int_equal(certificates_delete_pending(vault(), "web", &was), OK);
  AUTO(certificate_state) struct certificate_state *none = NULL;
  assert_int_equal(certificates_pending(vault(), "web", &none), ERR_PENDING_NOT_FOUND);
  AUTO(version) struct version *first = latest(KIND_CERTIFICATE, "web");
  assert_int_equal(create("web", BY("Unknown")), OK);
  AUTO(version) struct version *second = latest(KIND_CERTIFICATE, "web");
  assert_string_equal(first->id, second->id); /* it was never issued */
}

static err_t note(void *ctx, const char *operation, const struct version *v, err_t e) {
  size_t n = strlen(seen);
  if (e != OK)
    print_message("%s: %s\n", operation, err_text(e));
  snprintf(seen + n, sizeof seen - n, "%s%s:%s ", operation, e == OK ? "" : "!", v->name);
  return OK;
}

static void carry_out(void) {
  seen[0] = '\0';
  assert_int_equal(vault_carry_out_due(vault(), note, NULL), OK);
}

/* What a stop cut off is completed by the next start. */
static void test_cut_off(void **state) {
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(status_of("web"), CERT_IN_PROGRESS);
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  carry_out(); /* unless the scheduler was there already */
  check_issued("web", 1);
  check_value("web");
}

static void test_renewal(void **state) {
  AUTO(version) struct version *out = NULL;
  const struct object_request rq = { .has_tags = true, .tags = bytes_str("{\"a\":\"b\"}") };
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(create("hub", BY("Hub")), OK);
  assert_int_equal(create("ext", BY("Unknown")), OK);
  assert_int_equal(certificates_update(vault(), "web", "", &rq, NULL, f.oid, &out), OK);
  carry_out();
  assert_string_equal(seen, "");
  clock_shift(290 * DAY); /* before 80 % */
  carry_out();
  assert_string_equal(seen, "");
  clock_shift(294 * DAY);
  carry_out();
  assert_string_equal(seen, "CertificateRenewIfDue:hub CertificateRenewIfDue:web ");
  check_issued("web", 2);
  check_issued("hub", 2);
  check_value("web");
  AUTO(version) struct version *fresh = latest(KIND_CERTIFICATE, "web");
  assert_true(fresh->attributes.exp > clock_now() + 300 * DAY);
  assert_true(bytes_equal_str(buf_bytes(&fresh->tags), "{\"a\":\"b\"}"));
  carry_out();
  assert_string_equal(seen, "");
}

static void test_hub_issuer(void **state) {
  char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  AUTO(certificate_state) struct certificate_state *s = NULL;
  AUTO_JSON *policy = NULL;
  assert_int_equal(identity_create(f.hub->identity, "nobody", app_id), OK);
  assert_int_equal(identity_find(f.hub->identity, "nobody", app_id, oid), OK);
  assert_int_equal(create_as("web", BY("Hub"), oid, &s), ERR_ACCESS_DENIED);
  assert_int_equal(create_as("web", BY("Hub"), "", &s), ERR_ACCESS_DENIED);
  assert_int_equal(exists(KIND_CERTIFICATE, "web"), ERR_CERTIFICATE_NOT_FOUND);
  assert_int_equal(create_as("web", BY("Nowhere"), oid, &s), ERR_ISSUER_NOT_FOUND);
  assert_int_equal(create("web", BY("Hub")), OK);
  assert_int_equal(status_of("web"), CERT_COMPLETED);
  check_issued("web", 1);
  AUTO(version) struct version *secret = latest(KIND_SECRET, "web");
  AUTO_BUF value = BUF_EMPTY;
  assert_int_equal(secrets_value(vault(), secret, &value), OK);
  assert_true(value.size > 1500); /* with the issuing authority's certificate */
  /* Another policy is the one's who set it. */
  assert_int_equal(json_read(bytes_str(BY("Hub")), &policy), OK);
  assert_int_equal(certificates_update_policy(vault(), "web", policy, oid, &s), ERR_ACCESS_DENIED);
}

/* While it waits for its certificate, nobody takes its names. */
static void test_reserved(void **state) {
  AUTO(key_version) struct key_version *kv = NULL;
  AUTO(version) struct version *out = NULL;
  const struct key_request rq = { .spec = { KEY_EC, 256, CURVE_P256, 0 } };
  const struct secret_request srq = { .value = bytes_str("x") };
  assert_int_equal(create("pend", BY("Unknown")), OK);
  assert_int_equal(keys_create(vault(), "Pend", &rq, &kv), ERR_MANAGED);
  assert_int_equal(secrets_set(vault(), "pend", &srq, &out), ERR_MANAGED);
}

#define KEEP(exportable) \
  "{\"key_props\":{\"kty\":\"EC\",\"reuse_key\":true,\"exportable\":" exportable "}," \
  "\"secret_props\":{\"contentType\":\"application/" \
  "x-pem-file\"},\"issuer\":{\"name\":\"Self\"}," X509

static bool secret_has_key(const char *name) {
  AUTO(version) struct version *s = latest(KIND_SECRET, name);
  AUTO_BUF value = BUF_EMPTY;
  assert_int_equal(secrets_value(vault(), s, &value), OK);
  return memmem(value.data, value.size, "PRIVATE", 7) != NULL;
}

static void set_policy(const char *name, const char *text) {
  AUTO_JSON *policy = NULL;
  AUTO(certificate_state) struct certificate_state *s = NULL;
  assert_int_equal(json_read(bytes_str(text), &policy), OK);
  assert_int_equal(certificates_update_policy(vault(), name, policy, f.oid, &s), OK);
}

/* What was made to stay inside does not come out by way of another policy: not when the key is
 * reused, */
static void test_stays_inside(void **state) {
  assert_int_equal(create("in", KEEP("false")), OK);
  assert_false(secret_has_key("in"));
  set_policy("in", KEEP("true"));
  assert_int_equal(create("in", KEEP("true")), ERR_BAD_PARAMETER);
  clock_shift(340 * DAY);
  assert_int_equal(vault_carry_out_due(vault(), note, NULL), OK);
  assert_string_equal(seen, "CertificateRenewIfDue!:in ");
  check_issued("in", 1);
}

/* nor when the policy changes while the operation is pending. */
static void test_stays_inside_pending(void **state) {
  assert_int_equal(create("in", KEEP("false")), OK);
  set_policy("in", KEEP("true"));
  fixture_reopen(&f);
  hub_scheduler_stop(f.hub);
  assert_int_equal(vault_carry_out_due(vault(), note, NULL), OK);
  check_issued("in", 1);
  assert_false(secret_has_key("in"));
}

/* A policy that changed while a key was made is not set back. */
static void test_policy_meanwhile(void **state) {
  AUTO_CERT_POLICY policy = { 0 };
  AUTO(certificate_state) struct certificate_state *s = NULL;
  AUTO(certificate_state) struct certificate_state *out = NULL;
  assert_int_equal(create("web", SELF), OK);
  s = certificates_state(vault(), "web");
  assert_int_equal(cert_policy_read(NULL, buf_bytes(&s->policy), &policy), OK);
  const struct certificate_request rq = { .policy = &policy, .keep_policy = true, .oid = f.oid };
  assert_int_equal(certificates_create(vault(), "web", &rq, &out), OK);
  set_policy("web", KEEP("false"));
  AUTO(certificate_state) struct certificate_state *again = NULL;
  assert_int_equal(certificates_create(vault(), "web", &rq, &again), ERR_CONFLICT);
}

/* Every kind of name goes through to the authority. */
static void test_hub_names(void **state) {
  AUTO_CERT_INFO info = { 0 };
  assert_int_equal(
    create("all", "{\"key_props\":{\"kty\":\"EC\"},\"issuer\":{\"name\":\"Hub\"},"
                  "\"x509_props\":{\"subject\":\"\",\"sans\":{\"dns_names\":[\"a.example\"],"
                  "\"emails\":[\"a@a.example\"],\"upns\":[\"u@a.example\"],"
                  "\"uris\":[\"spiffe://a.example/b\"],\"ip_addresses\":[\"10.0.0.1\"]}}}"),
    OK);
  check_issued("all", 1);
  AUTO(version) struct version *c = latest(KIND_CERTIFICATE, "all");
  assert_int_equal(cert_read(buf_bytes(&certificate_version_of(c)->cer), &info), OK);
  for (int kind = 0; kind < SAN_KINDS; kind++)
    assert_int_equal(info.is.sans[kind].count, 1);
}

static unsigned taken_back;

static err_t any(void *ctx, const char *oid, const struct cert_profile *says) {
  return OK;
}

static err_t issue_junk(void *ctx, const char *oid, const struct cert_profile *says,
                        const struct key *k, struct cert_chain *out) {
  out->count = 1;
  buf_put_str(&out->ders[0], "no certificate");
  return OK;
}

static void take_back(void *ctx, struct bytes der) {
  taken_back += bytes_equal_str(der, "no certificate");
}

/* What was issued and can't be kept is revoked, and nothing of it is there. */
static void test_taken_back(void **state) {
  const struct cert_authority junk = { NULL, any, issue_junk, take_back };
  vault_set_authority(vault(), &junk);
  taken_back = 0;
  assert_int_equal(create("web", BY("Hub")), OK);
  assert_int_equal(taken_back, 1);
  assert_int_equal(status_of("web"), CERT_FAILED);
  assert_int_equal(exists(KIND_KEY, "web"), ERR_KEY_NOT_FOUND);
}

static void test_disabled(void **state) {
  AUTO(version) struct version *out = NULL;
  const struct object_request off = { .has_enabled = true };
  assert_int_equal(create("web", SELF), OK);
  assert_int_equal(certificates_update(vault(), "web", "", &off, NULL, f.oid, &out), OK);
  AUTO(version) struct version *k = latest(KIND_KEY, "web");
  AUTO(version) struct version *s = latest(KIND_SECRET, "web");
  assert_false(out->attributes.enabled || k->attributes.enabled || s->attributes.enabled);
}

static void test_reuse_and_export(void **state) {
  assert_int_equal(create("keep",
                          "{\"key_props\":{\"kty\":\"EC\",\"reuse_key\":true,\"exportable\":false},"
                          "\"secret_props\":{\"contentType\":\"application/x-pem-file\"},"
                          "\"issuer\":{\"name\":\"Self\"}," X509),
                   OK);
  AUTO(version) struct version *first = latest(KIND_KEY, "keep");
  AUTO(version) struct version *secret = latest(KIND_SECRET, "keep");
  AUTO_BUF value = BUF_EMPTY;
  assert_int_equal(secrets_value(vault(), secret, &value), OK);
  assert_true(bytes_starts(buf_bytes(&value), "-----BEGIN CERTIFICATE-----"));
  assert_null(memmem(value.data, value.size, "PRIVATE", 7));
  AUTO(certificate_state) struct certificate_state *s = NULL;
  AUTO_CERT_POLICY policy = { 0 };
  s = certificates_state(vault(), "keep");
  assert_int_equal(cert_policy_read(NULL, buf_bytes(&s->policy), &policy), OK);
  const struct certificate_request rq = { .policy = &policy, .oid = f.oid };
  AUTO(certificate_state) struct certificate_state *next = NULL;
  assert_int_equal(certificates_create(vault(), "keep", &rq, &next), OK);
  AUTO(version) struct version *second = latest(KIND_KEY, "keep");
  assert_string_not_equal(first->id, second->id);
  assert_true(bytes_equal(key_version_public(key_version_of(first)),
                          key_version_public(key_version_of(second))));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(test_self, begin, end),
    cmocka_unit_test_setup_teardown(test_managed, begin, end),
    cmocka_unit_test_setup_teardown(test_names, begin, end),
    cmocka_unit_test_setup_teardown(test_life, begin, end),
    cmocka_unit_test_setup_teardown(test_backup, begin, end),
    cmocka_unit_test_setup_teardown(test_merge, begin, end),
    cmocka_unit_test_setup_teardown(test_cancel, begin_slow, end),
    cmocka_unit_test_setup_teardown(test_cut_off, begin_slow, end),
    cmocka_unit_test_setup_teardown(test_renewal, begin, end),
    cmocka_unit_test_setup_teardown(test_hub_issuer, begin, end),
    cmocka_unit_test_setup_teardown(test_reserved, begin, end),
    cmocka_unit_test_setup_teardown(test_stays_inside, begin, end),
    cmocka_unit_test_setup_teardown(test_stays_inside_pending, begin_slow, end),
    cmocka_unit_test_setup_teardown(test_policy_meanwhile, begin, end),
    cmocka_unit_test_setup_teardown(test_hub_names, begin, end),
    cmocka_unit_test_setup_teardown(test_taken_back, begin, end),
    cmocka_unit_test_setup_teardown(test_disabled, begin, end),
    cmocka_unit_test_setup_teardown(test_reuse_and_export, begin, end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
