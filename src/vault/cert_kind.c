/* Certificates as a kind of object: their part of records and of an entry's life. */
#include "vault/cert_internal.h"

static void clear(struct version *v) {
  buf_free(&certificate_version_of(v)->cer);
}

static err_t copy(struct version *to, const struct version *from) {
  struct certificate_version *c = certificate_version_of(to);
  atomic_store(&c->notified, atomic_load(&certificate_version_of(from)->notified));
  buf_put_bytes(&c->cer, buf_bytes(&certificate_version_of(from)->cer));
  return buf_ok(&c->cer);
}

static void put_head(const struct entry *e, struct buf *out) {
  state_put(certificate_entry_of(e)->state, out);
}

static err_t get_head(struct unpack *u, struct entry *e) {
  return state_get(u, e->folded, &certificate_entry_of(e)->state);
}

static void put(const struct version *v, struct buf *out) {
  pack_bytes(out, buf_bytes(&certificate_version_of(v)->cer));
}

static err_t get(struct unpack *u, const char *folded, struct version *v) {
  struct certificate_version *c = certificate_version_of(v);
  buf_put_bytes(&c->cer, unpack_bytes(u));
  return buf_ok(&c->cer);
}

static void clear_entry(struct entry *e) {
  struct certificate_entry *c = certificate_entry_of(e);
  if (c->state)
    certificate_state_free(c->state);
}

const struct kind kind_certificate = {
  .id = KIND_CERTIFICATE,
  .noun = "Certificate",
  .collection = "certificates",
  .before_version = "/versions/",
  .head_place = "certificate",
  .version_place = "certificateversion",
  .backup_magic = "StrongroomCertificateBackupV1",
  .backup_max = CERT_BACKUP_MAX,
  .not_found = ERR_CERTIFICATE_NOT_FOUND,
  .carries = 1u << KIND_KEY | 1u << KIND_SECRET,
  .entry_size = sizeof(struct certificate_entry),
  .version_size = sizeof(struct certificate_version),
  .clear = clear,
  .copy = copy,
  .put_head = put_head,
  .get_head = get_head,
  .put = put,
  .get = get,
  .clear_entry = clear_entry,
  .due = certificate_due,
  .carry_out = certificate_carry_out,
};
