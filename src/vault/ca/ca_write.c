/* The authority and what it issued, as JSON. */
#include "base/write.h"
#include "vault/ca/ca_internal.h"

static err_t write_certificate(struct bytes der, struct buf *b) {
  AUTO_CERT_INFO info = { 0 };
  char serial[2 * CERT_SERIAL_MAX + 1], sha256[2 * SHA256_SIZE + 1];
  TRY(cert_read(der, &info));
  hex_encode(bytes_of(info.serial, info.serial_size), serial);
  hex_encode(bytes_of(info.sha256, SHA256_SIZE), sha256);
  write_text(b, "subject", bytes_str(info.is.subject));
  write_str(b, "serial", serial);
  write_str(b, "sha256", sha256);
  write_i64(b, "notBefore", info.is.not_before);
  write_i64(b, "notAfter", info.is.not_after);
  return OK;
}

static err_t write_authority(const struct ca *ca, const struct authority *a, struct buf *b) {
  write_open(b, NULL, '{');
  write_i64(b, "number", a->number);
  write_bool(b, "issues", a == ca->authorities[ca->authority_count - 1]);
  TRY(write_certificate(buf_bytes(&a->der), b));
  write_open(b, "permitted", '[');
  for (size_t i = 0; i < a->permitted.count; i++)
    write_str(b, NULL, a->permitted.items[i]);
  write_close(b, ']');
  if (a->revoked_at)
    write_i64(b, "revokedAt", a->revoked_at);
  write_i64(b, "crlNextUpdate", a->crl.next_update);
  write_close(b, '}');
  return OK;
}

err_t ca_write(struct ca *ca, struct buf *json) {
  CA_READ_LOCKED(ca);
  write_open(json, NULL, '{');
  write_open(json, "root", '{');
  TRY(write_certificate(buf_bytes(&ca->root.der), json));
  write_bool(json, "offline", !ca->root.key);
  write_i64(json, "crlNextUpdate", ca->root.crl.next_update);
  write_close(json, '}');
  write_open(json, "authorities", '[');
  for (size_t i = 0; i < ca->authority_count; i++)
    TRY(write_authority(ca, ca->authorities[i], json));
  write_close(json, ']');
  write_i64(json, "certificates", (int64_t)ca->ledger.count);
  write_i64(json, "revoked", (int64_t)ca->ledger.revoked_count);
  write_str(json, "url", ca->url);
  write_close(json, '}');
  return buf_ok(json);
}

static void write_issued(const struct issued *i, struct buf *b) {
  write_open(b, NULL, '{');
  write_str(b, "serial", i->serial);
  write_text(b, "subject", bytes_str(i->subject));
  write_open(b, "names", '[');
  for (size_t k = 0; k < i->name_count; k++)
    write_text(b, NULL, bytes_str(i->names[k].text));
  write_close(b, ']');
  write_str(b, "profile", ca_profile_name(i->profile));
  write_i64(b, "authority", i->authority);
  write_str(b, "objectId", i->oid);
  write_str(b, "via", i->via);
  write_i64(b, "issued", i->at);
  write_i64(b, "notBefore", i->not_before);
  write_i64(b, "notAfter", i->not_after);
  if (i->revoked_at) {
    write_i64(b, "revokedAt", i->revoked_at);
    write_str(b, "reason", ca_reason_name(i->reason));
  }
  write_close(b, '}');
}

static void write_named(const struct ca *ca, const struct ca_page *page, struct buf *json) {
  const struct issued_name *at = NULL;
  size_t n = 0;
  for (const struct issued *i; n < page->max && (i = ledger_name(&ca->ledger, page->name, &at));
       n++)
    write_issued(i, json);
}

static void write_all(const struct ca *ca, const struct ca_page *page, struct buf *json,
                      char last[static 2 * CERT_SERIAL_SIZE + 1]) {
  const struct issued *i = ca->ledger.newest;
  if (page->after[0]) {
    i = ledger_serial(&ca->ledger, page->after);
    i = i ? i->older : NULL; /* forgotten meanwhile: so is all that is older */
  }
  for (size_t n = 0; i && n < page->max; n++, i = i->older) {
    write_issued(i, json);
    if (n + 1 == page->max && i->older)
      memcpy(last, i->serial, sizeof i->serial);
  }
}

err_t ca_write_certificates(struct ca *ca, const struct ca_page *page, struct buf *json,
                            char last[static 2 * CERT_SERIAL_SIZE + 1]) {
  last[0] = '\0';
  CA_READ_LOCKED(ca);
  write_open(json, "value", '[');
  if (page->name)
    write_named(ca, page, json);
  else
    write_all(ca, page, json, last);
  write_close(json, ']');
  return buf_ok(json);
}
