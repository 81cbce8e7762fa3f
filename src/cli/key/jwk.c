/*
 * A PEM key is read by crypto/, which knows all its forms and checks it, and given back as PKCS#8
 * (RFC 5208); the private numbers of that are picked out here.
 */
#include "cli/key/jwk.h"

#include "base/write.h"
#include "crypto/x509.h"

#define DER_INTEGER 0x02
#define DER_OCTET_STRING 0x04
#define DER_SEQUENCE 0x30

/* The contents of the next element, which is cut off; empty with data NULL unless it has that tag.
 * Lengths of up to two bytes: a key has fewer than 64 KiB. */
static struct bytes der_next(struct bytes *rest, uint8_t tag) {
  size_t head = 2, size;
  const uint8_t *p = rest->data;
  if (rest->size < 4 || p[0] != tag)
    return (struct bytes){ 0 };
  size = p[1];
  if (size == 0x81) {
    size = p[2];
    head = 3;
  } else if (size == 0x82) {
    size = (size_t)p[2] << 8 | p[3];
    head = 4;
  }
  if (size > rest->size - head)
    return (struct bytes){ 0 };
  *rest = bytes_of(p + head + size, rest->size - head - size);
  return bytes_of(p + head, size);
}

static struct bytes der_number(struct bytes *rest) {
  struct bytes n = der_next(rest, DER_INTEGER);
  while (n.size > 1 && n.data[0] == 0)
    n = bytes_of(n.data + 1, n.size - 1);
  return n;
}

/* RSAPrivateKey of RFC 8017: version, n, e, d, p, q, dp, dq, qi. */
static err_t put_rsa(struct bytes fields, struct buf *out) {
  static const char *const names[] = { NULL, NULL, NULL, "d", "p", "q", "dp", "dq", "qi" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct bytes n = der_number(&fields);
    if (!n.data)
      FAIL(ERR_CRYPTO, "the key's PKCS#8 form lacks a number");
    if (names[i])
      write_b64url(out, names[i], n);
  }
  return OK;
}

/* ECPrivateKey of RFC 5915: version, d. */
static err_t put_ec(struct bytes fields, struct buf *out) {
  der_next(&fields, DER_INTEGER);
  struct bytes d = der_next(&fields, DER_OCTET_STRING);
  if (!d.data)
    FAIL(ERR_CRYPTO, "the key's PKCS#8 form lacks its private number");
  write_b64url(out, "d", d);
  return OK;
}

static err_t put_private(const struct key *k, struct buf *out) {
  AUTO_SECRET der = { 0 };
  TRY(key_export(k, &der));
  struct bytes rest = secret_bytes(&der), info = der_next(&rest, DER_SEQUENCE);
  der_next(&info, DER_INTEGER);
  der_next(&info, DER_SEQUENCE);
  struct bytes inner = der_next(&info, DER_OCTET_STRING), fields = der_next(&inner, DER_SEQUENCE);
  return key_spec(k)->type == KEY_RSA ? put_rsa(fields, out) : put_ec(fields, out);
}

static err_t from_pem(struct bytes pem, json_t **out) {
  AUTO(key) struct key *k = NULL;
  AUTO_BUF text = BUF_EMPTY;
  err_t e = key_from_pem(pem, &k);
  if (e != OK && e != ERR_NOMEM)
    FAIL(ERR_USAGE, "this is no PEM private key of a type, size or curve that the vault takes");
  TRY(e);
  write_open(&text, NULL, '{');
  write_str(&text, "kty", key_spec(k)->type == KEY_RSA ? "RSA" : "EC");
  TRY(key_public_members(k, &text));
  TRY(put_private(k, &text));
  write_close(&text, '}');
  TRY(buf_ok(&text));
  return json_read(buf_bytes(&text), out);
}

err_t jwk_read(struct bytes text, json_t **out) {
  struct bytes start = text;
  while (start.size && (start.data[0] == ' ' || start.data[0] == '\n' || start.data[0] == '\r'))
    start = bytes_of(start.data + 1, start.size - 1);
  if (!start.size || start.data[0] != '{')
    return from_pem(text, out);
  err_t e = json_read(text, out);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_USAGE, "this is no JWK: it is not valid JSON");
  return e;
}
