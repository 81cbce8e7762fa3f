#include "base/codec.h"
#include "base/write.h"
#include "crypto/key_der.h"

#define MEMBER_MAX 1024 /* bytes, before anything is computed with them; RSA-4096 needs 512 */

static const char *const rsa_members[RSA_PARTS] = {
  [RSA_N] = "n", [RSA_E] = "e",   [RSA_D] = "d",   [RSA_P] = "p",
  [RSA_Q] = "q", [RSA_DP] = "dp", [RSA_DQ] = "dq", [RSA_QI] = "qi",
};
static const char *const ec_members[EC_PARTS] = { [EC_X] = "x", [EC_Y] = "y", [EC_D] = "d" };

#define WRONG(member, what) \
  REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: %s\r\n", member, what)

static bool has(json_t *jwk, const char *member) {
  json_t *v = json_object_get(jwk, member);
  return v && !json_is_null(v);
}

/* Decoded from the document straight into a secret. */
static err_t get_bytes(json_t *jwk, const char *member, struct secret *out) {
  struct bytes text = { 0 };
  bool found = false;
  TRY(json_get_str(jwk, member, &text, &found));
  if (!found)
    WRONG(member, "it is missing");
  if (text.size > B64URL_SIZE(MEMBER_MAX))
    WRONG(member, "it is too long");
  AUTO_SECRET s = { 0 };
  TRY(secret_new(MEMBER_MAX, &s));
  size_t n = 0;
  if (b64url_decode(text, s.data, s.size, &n) != OK)
    WRONG(member, "base64url without padding expected");
  return secret_copy(bytes_of(s.data, n), out);
}

/* A positive number, with its leading zeros removed; then, if size is given, padded to it. */
static err_t get_number(json_t *jwk, const char *member, size_t size, struct secret *out) {
  AUTO_SECRET s = { 0 };
  TRY(get_bytes(jwk, member, &s));
  struct bytes v = secret_bytes(&s);
  while (v.size && v.data[0] == 0) {
    v.data++;
    v.size--;
  }
  if (v.size == 0)
    WRONG(member, "a positive number expected");
  if (size == 0)
    return secret_copy(v, out);
  if (v.size > size)
    WRONG(member, "it is too long");
  TRY(secret_new(size, out));
  memcpy(out->data + size - v.size, v.data, v.size);
  return OK;
}

static unsigned bits_of(struct bytes number) {
  unsigned bits = (unsigned)(8 * number.size);
  for (uint8_t top = number.data[0]; !(top & 0x80); top <<= 1)
    bits--;
  return bits;
}

/* a < b, in constant time for the same sizes; no leading zeros. */
static bool less(struct bytes a, struct bytes b) {
  if (a.size != b.size)
    return a.size < b.size;
  unsigned borrow = 0;
  for (size_t i = a.size; i > 0; i--)
    borrow = ((unsigned)a.data[i - 1] - b.data[i - 1] - borrow) >> 8 & 1;
  return borrow;
}

static err_t get_rsa_public(json_t *jwk, struct rsa_numbers *n) {
  TRY(get_number(jwk, "n", 0, &n->part[RSA_N]));
  TRY(get_number(jwk, "e", 0, &n->part[RSA_E]));
  struct bytes modulus = secret_bytes(&n->part[RSA_N]), exponent = secret_bytes(&n->part[RSA_E]);
  unsigned bits = bits_of(modulus);
  if (!key_size_offered(KEY_RSA, bits))
    return key_refuse_size(KEY_RSA, bits);
  if (modulus.data[modulus.size - 1] % 2 == 0)
    WRONG("n", "an odd number expected");
  uint64_t e = 0;
  for (size_t i = 0; i < exponent.size; i++)
    e = e << 8 | exponent.data[i];
  if (exponent.size > sizeof e || !rsa_exponent_fits(e))
    WRONG("e", "an odd number from 3 to 4294967295 expected");
  return OK;
}

static err_t get_rsa_private(json_t *jwk, struct rsa_numbers *n) {
  TRY(get_number(jwk, "d", 0, &n->part[RSA_D]));
  if (!less(secret_bytes(&n->part[RSA_D]), secret_bytes(&n->part[RSA_N])))
    WRONG("d", "it must be less than n");
  if (!has(jwk, "p"))
    return rsa_complete(n);
  for (unsigned i = RSA_P; i < RSA_PARTS; i++) {
    TRY(get_number(jwk, rsa_members[i], 0, &n->part[i]));
    if (n->part[i].size > n->part[RSA_N].size / 2)
      WRONG(rsa_members[i], "it is too long");
  }
  return OK;
}

/* Which private members there are: d, then none or all of the others, and no third prime. */
static err_t check_rsa_members(json_t *jwk, bool *is_private) {
  *is_private = has(jwk, "d");
  bool factors = has(jwk, "p");
  for (unsigned i = RSA_P; i < RSA_PARTS; i++)
    if (has(jwk, rsa_members[i]) != factors)
      WRONG(factors ? rsa_members[i] : "p", "all or none of p, q, dp, dq and qi expected");
  if (factors && !*is_private)
    WRONG("d", "it is missing");
  if (has(jwk, "oth"))
    WRONG("oth", "keys of more than two primes are not supported");
  return OK;
}

static err_t load_checked(const struct secret *der, bool is_private, enum key_type type,
                          struct key **out) {
  struct key *k AUTO(key) = NULL;
  TRY(key_load(secret_bytes(der), is_private, type, &k));
  TRY(key_check(k));
  *out = TAKE(k);
  return OK;
}

static err_t rsa_from_jwk(json_t *jwk, struct key **out) {
  AUTO_RSA n = { 0 };
  bool is_private = false;
  TRY(check_rsa_members(jwk, &is_private));
  TRY(get_rsa_public(jwk, &n));
  if (is_private)
    TRY(get_rsa_private(jwk, &n));
  AUTO_SECRET der = { 0 };
  TRY(rsa_encode(&n, &der));
  return load_checked(&der, is_private, KEY_RSA, out);
}

static err_t get_curve(json_t *jwk, enum key_curve *out) {
  struct bytes name = { 0 };
  TRY(json_get_str(jwk, "crv", &name, NULL));
  for (unsigned c = CURVE_P256; c <= CURVE_P256K; c++)
    if (bytes_equal_str(name, curve_of((enum key_curve)c)->jwk_name)) {
      *out = (enum key_curve)c;
      return OK;
    }
  if (bytes_equal_str(name, "secp256k1")) { /* the name of RFC 8812 for P-256K */
    *out = CURVE_P256K;
    return OK;
  }
  WRONG("crv", "one of P-256, P-384, P-521 and P-256K expected");
}

static err_t ec_from_jwk(json_t *jwk, struct key **out) {
  AUTO_EC n = { 0 };
  TRY(get_curve(jwk, &n.curve));
  bool is_private = has(jwk, "d");
  for (unsigned i = 0; i < (is_private ? EC_PARTS : EC_D); i++)
    TRY(get_number(jwk, ec_members[i], curve_bytes(n.curve), &n.part[i]));
  AUTO_SECRET der = { 0 };
  TRY(ec_encode(&n, &der));
  err_t e = load_checked(&der, is_private, KEY_EC, out);
  if (e == ERR_BAD_PARAMETER)
    WRONG("x", "x, y and d must be a point of the curve and its private number");
  return e;
}

static err_t oct_from_jwk(json_t *jwk, struct key **out) {
  AUTO_SECRET value = { 0 };
  TRY(get_bytes(jwk, "k", &value));
  return key_new_oct(&value, out);
}

err_t key_from_jwk(json_t *jwk, struct key **out) {
  struct bytes kty = { 0 };
  TRY(json_get_str(jwk, "kty", &kty, NULL));
  if (bytes_equal_str(kty, "RSA") || bytes_equal_str(kty, "RSA-HSM"))
    return rsa_from_jwk(jwk, out);
  if (bytes_equal_str(kty, "EC") || bytes_equal_str(kty, "EC-HSM"))
    return ec_from_jwk(jwk, out);
  if (bytes_equal_str(kty, "oct") || bytes_equal_str(kty, "oct-HSM"))
    return oct_from_jwk(jwk, out);
  WRONG("kty", "one of RSA, RSA-HSM, EC, EC-HSM, oct and oct-HSM expected");
}

static void write_rsa_number(struct buf *out, const char *member, const struct secret *number) {
  struct bytes v = secret_bytes(number);
  while (v.size > 1 && v.data[0] == 0) {
    v.data++;
    v.size--;
  }
  write_b64url(out, member, v);
}

err_t key_public_members(const struct key *k, struct buf *out) {
  if (key_spec(k)->type == KEY_RSA) {
    AUTO_RSA n = { 0 };
    TRY(rsa_numbers_of(k, false, &n));
    write_rsa_number(out, "n", &n.part[RSA_N]);
    write_rsa_number(out, "e", &n.part[RSA_E]);
  } else if (key_spec(k)->type == KEY_EC) {
    AUTO_EC n = { 0 };
    TRY(ec_numbers_of(k, false, &n));
    write_str(out, "crv", curve_of(n.curve)->jwk_name);
    write_b64url(out, "x", secret_bytes(&n.part[EC_X]));
    write_b64url(out, "y", secret_bytes(&n.part[EC_Y]));
  }
  return buf_ok(out);
}

/* The required members in the order of their names, without white space. */
static err_t write_thumbprint_input(const struct key *k, struct buf *b) {
  write_open(b, NULL, '{');
  if (key_spec(k)->type == KEY_RSA) {
    AUTO_RSA n = { 0 };
    TRY(rsa_numbers_of(k, false, &n));
    write_rsa_number(b, "e", &n.part[RSA_E]);
    write_str(b, "kty", "RSA");
    write_rsa_number(b, "n", &n.part[RSA_N]);
  } else {
    AUTO_EC n = { 0 };
    TRY(ec_numbers_of(k, false, &n));
    write_str(b, "crv", curve_of(n.curve)->jwk_name);
    write_str(b, "kty", "EC");
    write_b64url(b, "x", secret_bytes(&n.part[EC_X]));
    write_b64url(b, "y", secret_bytes(&n.part[EC_Y]));
  }
  write_close(b, '}');
  return buf_ok(b);
}

err_t key_thumbprint(const struct key *k, char out[static 44]) {
  if (key_spec(k)->type == KEY_OCT)
    FAIL(ERR_BAD_PARAMETER, "a thumbprint would be a hash of the oct key itself");
  AUTO_BUF b = BUF_EMPTY;
  TRY(write_thumbprint_input(k, &b));
  uint8_t hash[SHA256_SIZE];
  TRY(crypto_sha256(buf_bytes(&b), hash));
  buf_clear(&b);
  buf_put_b64url(&b, bytes_of(hash, sizeof hash));
  TRY(buf_ok(&b));
  return bytes_to_cstr(buf_bytes(&b), out, 44);
}
