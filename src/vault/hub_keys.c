/* The hub's own records: the key that signs the audit log, how far the log has come, the owner.
 * Sealed in the store like all else. */
#include "base/clock.h"
#include "base/file.h"
#include "base/pack.h"
#include "vault/hub_internal.h"

#include <unistd.h>

#define FORMAT 1
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
  if (bytes_equal_str(place, "hub/audit")) {
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
  return unpack_end(&u);
}

static err_t commit_key(struct hub *h, const char *place, const struct key *k) {
  AUTO_SECRET private_form = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  TRY(key_export(k, &private_form));
  pack_u8(&body, FORMAT);
  pack_bytes(&body, secret_bytes(&private_form));
  TRY(buf_ok(&body));
  return store_commit(h->store, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

static err_t make_audit_signer(struct hub *h) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  TRY(key_generate(&spec, &h->audit_signer));
  return commit_key(h, "hub/audit", h->audit_signer);
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

static err_t write_root(struct hub *h) {
  char path[HUB_PATH_MAX];
  AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY, present = BUF_EMPTY;
  TRY(hub_path(h, "ca.pem", path));
  TRY(ca_root(h->ca, &der));
  TRY(x509_to_pem(buf_bytes(&der), &pem));
  if (file_read(path, CA_PEM_MAX, &present) == OK &&
      bytes_equal(buf_bytes(&present), buf_bytes(&pem)))
    return OK;
  return file_write_private(path, buf_bytes(&pem));
}

err_t hub_ready_keys(struct hub *h) {
  if (!h->audit_signer)
    TRY(make_audit_signer(h));
  return write_root(h);
}
