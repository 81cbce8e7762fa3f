#include "base/codec.h"
#include "base/write.h"
#include "crypto/pem.h"
#include "vault/audit_file.h"

#define COORDINATE 32

/* A P-256 SubjectPublicKeyInfo (RFC 5480) is this and the two coordinates. */
static const uint8_t spki[] = {
  0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
  0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

static err_t check_p256(const struct key *k) {
  const struct key_spec *s = key_spec(k);
  if (s->type != KEY_EC || s->curve != CURVE_P256)
    FAIL(ERR_CONFIG, "the audit log is signed with a P-256 key, not with this one");
  return OK;
}

static err_t coordinates(const struct key *k, struct buf *out) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_char(&text, '{');
  TRY(key_public_members(k, &text));
  buf_put_char(&text, '}');
  TRY(buf_ok(&text));
  AUTO_JSON *members = NULL;
  TRY(json_read(buf_bytes(&text), &members));
  TRY(json_get_b64url(members, "x", out, NULL));
  TRY(json_get_b64url(members, "y", out, NULL));
  return buf_ok(out);
}

err_t audit_public_pem(const struct key *k, struct buf *out) {
  AUTO_BUF der = BUF_EMPTY;
  TRY(check_p256(k));
  buf_put(&der, spki, sizeof spki);
  TRY(coordinates(k, &der));
  AUTO_SECRET pem = { 0 };
  TRY(pem_write("PUBLIC KEY", buf_bytes(&der), &pem));
  buf_put_bytes(out, secret_bytes(&pem));
  return buf_ok(out);
}

err_t audit_public_key(struct bytes pem, struct key **out) {
  static const char *const labels[] = { "PUBLIC KEY", NULL };
  AUTO_SECRET der = { 0 };
  err_t e = pem_read(pem, labels, &der);
  if (e == ERR_NOMEM)
    return e;
  if (e != OK || der.size != sizeof spki + 2 * COORDINATE ||
      memcmp(der.data, spki, sizeof spki) != 0)
    FAIL(ERR_CONFIG, "the audit log's public key is not a P-256 key in PEM");
  AUTO_BUF text = BUF_EMPTY;
  write_open(&text, NULL, '{');
  write_str(&text, "kty", "EC");
  write_str(&text, "crv", "P-256");
  write_b64url(&text, "x", bytes_of(der.data + sizeof spki, COORDINATE));
  write_b64url(&text, "y", bytes_of(der.data + sizeof spki + COORDINATE, COORDINATE));
  write_close(&text, '}');
  TRY(buf_ok(&text));
  AUTO_JSON *jwk = NULL;
  TRY(json_read(buf_bytes(&text), &jwk));
  e = key_from_jwk(jwk, out);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_CONFIG, "the audit log's public key is not a point of P-256");
  return e;
}
