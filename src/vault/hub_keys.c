/* The hub's own keys: its certificate authority's and the one that signs the audit log. Sealed in
 * the store like all else. */
#include "base/clock.h"
#include "base/file.h"
#include "base/pack.h"
#include "vault/hub_internal.h"

#include <unistd.h>

#define FORMAT 1
#define CA_DAYS 3650
#define CA_PEM_MAX 65536

bool hub_owns(struct bytes place) {
  return bytes_starts(place, "hub/");
}

static err_t read_key(struct unpack *u, struct key **out) {
  return key_import(KEY_EC, unpack_bytes(u), out);
}

err_t hub_load(struct hub *h, struct bytes place, struct bytes body) {
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != FORMAT)
    FAIL(ERR_CORRUPT, "a record of the hub has a format that this version does not know");
  if (bytes_equal_str(place, "hub/ca")) {
    TRY(read_key(&u, &h->ca_key));
    buf_put_bytes(&h->ca_der, unpack_bytes(&u));
  } else if (bytes_equal_str(place, "hub/audit")) {
    TRY(read_key(&u, &h->audit_signer));
  } else if (bytes_equal_str(place, "hub/auditlog")) {
    h->audit_begun = true;
    h->audit_reached = unpack_u64(&u);
  } else if (bytes_equal_str(place, "hub/owner")) {
    unpack_str(&u, h->owner, sizeof h->owner);
    h->owner_has_secret = unpack_u8(&u) != 0;
  } else {
    FAIL(ERR_CORRUPT, "a record of the hub that this version does not know");
  }
  TRY(buf_ok(&h->ca_der));
  return unpack_end(&u);
}

static err_t commit_key(struct hub *h, const char *place, const struct key *k, struct bytes more) {
  AUTO_SECRET private_form = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  TRY(key_export(k, &private_form));
  pack_u8(&body, FORMAT);
  pack_bytes(&body, secret_bytes(&private_form));
  if (more.data)
    pack_bytes(&body, more);
  TRY(buf_ok(&body));
  return store_commit(h->store, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

static err_t make_ca(struct hub *h) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  int64_t now = clock_real();
  struct x509_subject subject = { .common_name = "Strongroom hub authority",
                                  .not_before = now - 300,
                                  .not_after = now + CA_DAYS * 86400ll };
  TRY(key_generate(&spec, &h->ca_key));
  TRY(x509_make_ca(h->ca_key, &subject, &h->ca_der));
  return commit_key(h, "hub/ca", h->ca_key, buf_bytes(&h->ca_der));
}

static err_t make_audit_signer(struct hub *h) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  TRY(key_generate(&spec, &h->audit_signer));
  return commit_key(h, "hub/audit", h->audit_signer, (struct bytes){ 0 });
}

err_t hub_mark_audit(struct hub *h) {
  AUTO_BUF body = BUF_EMPTY;
  uint64_t last = audit_last(h->audit);
  if (h->audit_begun && h->audit_reached == last)
    return OK;
  pack_u8(&body, FORMAT);
  pack_u64(&body, last);
  TRY(buf_ok(&body));
  TRY(store_commit(h->store, &(struct store_write){ "hub/auditlog", buf_bytes(&body) }, 1));
  h->audit_begun = true;
  h->audit_reached = last;
  return OK;
}

err_t hub_ready_keys(struct hub *h) {
  char path[HUB_PATH_MAX];
  AUTO_BUF pem = BUF_EMPTY;
  if (!h->ca_key)
    TRY(make_ca(h));
  if (!h->audit_signer)
    TRY(make_audit_signer(h));
  TRY(hub_path(h, "ca.pem", path));
  TRY(x509_to_pem(buf_bytes(&h->ca_der), &pem));
  AUTO_BUF present = BUF_EMPTY;
  if (file_read(path, CA_PEM_MAX, &present) == OK &&
      bytes_equal(buf_bytes(&present), buf_bytes(&pem)))
    return OK;
  return file_write_private(path, buf_bytes(&pem));
}
