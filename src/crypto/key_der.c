#include "crypto/key_der.h"

#include "crypto/der.h"

#include <openssl/asn1.h>
#include <openssl/core_names.h>

static const uint8_t OID_RSA[] = {
  0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01
};
static const uint8_t OID_EC[] = { 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };

static const char *const rsa_names[RSA_PARTS] = {
  [RSA_N] = OSSL_PKEY_PARAM_RSA_N,          [RSA_E] = OSSL_PKEY_PARAM_RSA_E,
  [RSA_D] = OSSL_PKEY_PARAM_RSA_D,          [RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,
  [RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,    [RSA_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1,
  [RSA_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2, [RSA_QI] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
};
static const char *const ec_names[EC_PARTS] = {
  [EC_X] = OSSL_PKEY_PARAM_EC_PUB_X,
  [EC_Y] = OSSL_PKEY_PARAM_EC_PUB_Y,
  [EC_D] = OSSL_PKEY_PARAM_PRIV_KEY,
};

static void free_parts(struct secret *part, size_t count) {
  for (size_t i = 0; i < count; i++)
    secret_free(&part[i]);
}

void rsa_numbers_free(struct rsa_numbers *n) {
  free_parts(n->part, RSA_PARTS);
}

void ec_numbers_free(struct ec_numbers *n) {
  free_parts(n->part, EC_PARTS);
}

/* PKCS#8's and SubjectPublicKeyInfo's AlgorithmIdentifier. */
static void put_algorithm(struct der *d, struct bytes oid, struct bytes parameters) {
  size_t mark = d->start;
  der_put(d, parameters);
  der_put(d, oid);
  der_wrap(d, DER_SEQUENCE, mark);
}

static void put_version(struct der *d, uint8_t version) {
  der_put_uint(d, bytes_of(&version, 1));
}

static void wrap_bit_string(struct der *d, size_t mark) {
  der_put(d, bytes_of("", 1)); /* no unused bits */
  der_wrap(d, DER_BIT_STRING, mark);
}

err_t rsa_encode(const struct rsa_numbers *n, struct secret *der) {
  bool is_private = n->part[RSA_D].size > 0;
  AUTO_DER d = { 0 };
  TRY(der_new(&d));
  size_t mark = d.start;
  for (unsigned i = is_private ? RSA_PARTS : RSA_D; i > 0; i--)
    der_put_uint(&d, secret_bytes(&n->part[i - 1]));
  if (is_private)
    put_version(&d, 0);
  der_wrap(&d, DER_SEQUENCE, mark);
  if (is_private)
    der_wrap(&d, DER_OCTET_STRING, mark);
  else
    wrap_bit_string(&d, mark);
  static const uint8_t null[] = { DER_NULL, 0 };
  put_algorithm(&d, bytes_of(OID_RSA, sizeof OID_RSA), bytes_of(null, sizeof null));
  if (is_private)
    put_version(&d, 0);
  der_wrap(&d, DER_SEQUENCE, mark);
  return der_take(&d, der);
}

/* The point, uncompressed (SEC1, 2.3.3), as a BIT STRING. */
static void put_point(struct der *d, const struct ec_numbers *n) {
  size_t mark = d->start;
  der_put(d, secret_bytes(&n->part[EC_Y]));
  der_put(d, secret_bytes(&n->part[EC_X]));
  der_put(d, bytes_of("\x04", 1));
  wrap_bit_string(d, mark);
}

/* ECPrivateKey (RFC 5915) with the point, without the curve, in an OCTET STRING. */
static void put_ec_private(struct der *d, const struct ec_numbers *n) {
  size_t mark = d->start;
  put_point(d, n);
  der_wrap(d, DER_CONTEXT_1, mark);
  size_t number = d->start;
  der_put(d, secret_bytes(&n->part[EC_D]));
  der_wrap(d, DER_OCTET_STRING, number);
  put_version(d, 1);
  der_wrap(d, DER_SEQUENCE, mark);
  der_wrap(d, DER_OCTET_STRING, mark);
}

err_t ec_encode(const struct ec_numbers *n, struct secret *der) {
  const struct curve *c = curve_of(n->curve);
  bool is_private = n->part[EC_D].size > 0;
  AUTO_DER d = { 0 };
  TRY(der_new(&d));
  size_t mark = d.start;
  if (is_private)
    put_ec_private(&d, n);
  else
    put_point(&d, n);
  put_algorithm(&d, bytes_of(OID_EC, sizeof OID_EC), bytes_of(c->oid, c->oid_size));
  if (is_private)
    put_version(&d, 0);
  der_wrap(&d, DER_SEQUENCE, mark);
  return der_take(&d, der);
}

/* OpenSSL gives a number in the machine's order, into memory of ours: no BIGNUM in between. */
static err_t get_number(EVP_PKEY *pkey, const char *name, size_t size, struct secret *out) {
  AUTO_SECRET s = { 0 };
  TRY(secret_new(size, &s));
  OSSL_PARAM params[] = { OSSL_PARAM_construct_BN(name, s.data, size), OSSL_PARAM_END };
  if (!EVP_PKEY_get_params(pkey, params) || params[0].return_size != size)
    EVP_FAIL(ERR_CRYPTO, name);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (size_t i = 0; i < size / 2; i++) {
    uint8_t low = s.data[i];
    s.data[i] = s.data[size - 1 - i];
    s.data[size - 1 - i] = low;
  }
#endif
  *out = secret_take(&s);
  return OK;
}

err_t rsa_numbers_of(const struct key *k, bool private_too, struct rsa_numbers *out) {
  AUTO_RSA n = { 0 };
  size_t size = key_spec(k)->bits / 8;
  for (unsigned i = 0; i < (private_too ? RSA_PARTS : RSA_D); i++) {
    size_t part_size = i == RSA_E ? sizeof(uint32_t) : i < RSA_P ? size : size / 2;
    TRY(get_number(key_evp(k), rsa_names[i], part_size, &n.part[i]));
  }
  *out = n;
  n = (struct rsa_numbers){ 0 };
  return OK;
}

err_t ec_numbers_of(const struct key *k, bool private_too, struct ec_numbers *out) {
  AUTO_EC n = { .curve = key_spec(k)->curve };
  for (unsigned i = 0; i < (private_too ? EC_PARTS : EC_D); i++)
    TRY(get_number(key_evp(k), ec_names[i], curve_bytes(n.curve), &n.part[i]));
  *out = n;
  n = (struct ec_numbers){ 0 };
  return OK;
}

/* Steps into, or over, one element; its tag, or -1 where there is none. */
static int next_tag(struct bytes *rest, bool into) {
  const uint8_t *p = rest->data;
  long size = 0;
  int tag = 0, class = 0;
  if (rest->size == 0 || ASN1_get_object(&p, &size, &tag, &class, (long)rest->size) & 0x80 ||
      class != V_ASN1_UNIVERSAL)
    return -1;
  const uint8_t *end = rest->data + rest->size;
  *rest = into ? bytes_of(p, (size_t)size) : bytes_of(p + size, (size_t)(end - p - size));
  return tag;
}

/* PKCS#8 names its algorithm after the version; PKCS#1 has the modulus there, SEC1 the number. */
static bool private_type(struct bytes der, enum key_type *type) {
  if (next_tag(&der, true) != V_ASN1_SEQUENCE || next_tag(&der, false) != V_ASN1_INTEGER)
    return false;
  struct bytes algorithm = der;
  int tag = next_tag(&der, true);
  *type = tag == V_ASN1_INTEGER ? KEY_RSA : KEY_EC;
  if (tag != V_ASN1_SEQUENCE)
    return tag == V_ASN1_INTEGER || tag == V_ASN1_OCTET_STRING;
  (void)next_tag(&algorithm, true);
  bool rsa =
    algorithm.size > sizeof OID_RSA &&
    bytes_equal(bytes_of(algorithm.data, sizeof OID_RSA), bytes_of(OID_RSA, sizeof OID_RSA));
  bool ec = algorithm.size > sizeof OID_EC &&
            bytes_equal(bytes_of(algorithm.data, sizeof OID_EC), bytes_of(OID_EC, sizeof OID_EC));
  *type = rsa ? KEY_RSA : KEY_EC;
  return rsa || ec;
}

err_t key_load_private(struct bytes der, struct key **out) {
  enum key_type type;
  if (!private_type(der, &type))
    EVP_REFUSE("The private key is malformed, or neither an RSA nor an EC key.");
  return key_load(der, true, type, out);
}

err_t spki_encode(const struct key *k, struct secret *der) {
  if (key_spec(k)->type == KEY_EC) {
    AUTO_EC n = { 0 };
    TRY(ec_numbers_of(k, false, &n));
    return ec_encode(&n, der);
  }
  AUTO_RSA n = { 0 };
  TRY(rsa_numbers_of(k, false, &n));
  return rsa_encode(&n, der);
}

/* SubjectPublicKeyInfo's algorithm, with its header, and key. */
static bool spki_split(struct bytes spki, struct bytes *algorithm, struct bytes *bits) {
  struct bytes rest = spki, behind;
  if (next_tag(&rest, true) != V_ASN1_SEQUENCE)
    return false;
  behind = rest;
  if (next_tag(&behind, false) != V_ASN1_SEQUENCE)
    return false;
  *algorithm = bytes_of(rest.data, (size_t)(behind.data - rest.data));
  *bits = behind;
  return next_tag(bits, true) == V_ASN1_BIT_STRING && bits->size > 1 && bits->data[0] == 0;
}

err_t spki_bits(struct bytes spki, struct bytes *bits) {
  struct bytes algorithm, found;
  if (!spki_split(spki, &algorithm, &found))
    FAIL(ERR_BAD_PARAMETER, "a public key without bits");
  *bits = bytes_of(found.data + 1, found.size - 1);
  return OK;
}

/* A named curve and an uncompressed point, as nearly all are: OpenSSL's decoders, which try one
 * form of key after the other, cost more than the operations that the key is read for. NULL: by way
 * of those. The point is looked at here as there. */
static EVP_PKEY *plain_ec(struct bytes oid, struct bytes point) {
  enum key_curve i = CURVE_P256;
  EVP_PKEY *pkey = NULL;
  while (i <= CURVE_P256K && !bytes_equal(oid, bytes_of(curve_of(i)->oid, curve_of(i)->oid_size)))
    i++;
  if (i > CURVE_P256K || point.size != 1 + 2 * curve_bytes(i) || point.data[0] != 4)
    return NULL;
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)curve_of(i)->openssl_name,
                                     0),
    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point.data, point.size),
    OSSL_PARAM_END,
  };
  EVP_PKEY_CTX *ctx AUTO(evp_pkey_ctx) = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    return NULL;
  return pkey;
}

err_t spki_load(struct bytes spki, struct key **out) {
  struct bytes algorithm, bits, whole = spki;
  const struct bytes ec = bytes_of(OID_EC, sizeof OID_EC), rsa = bytes_of(OID_RSA, sizeof OID_RSA);
  if (!spki_split(spki, &algorithm, &bits) || next_tag(&whole, false) < 0 || whole.size)
    EVP_REFUSE("The public key is malformed.");
  struct bytes oid = algorithm, parameters;
  (void)next_tag(&oid, true);
  parameters = oid;
  if (next_tag(&parameters, false) != V_ASN1_OBJECT)
    EVP_REFUSE("The public key is malformed.");
  oid.size = (size_t)(parameters.data - oid.data);
  if (bytes_equal(oid, rsa))
    return key_load(spki, false, KEY_RSA, out);
  if (!bytes_equal(oid, ec))
    REFUSE(ERR_BAD_PARAMETER, "The certificate's key is neither an RSA nor an EC key.");
  EVP_PKEY *pkey AUTO(evp_pkey) = plain_ec(parameters, bytes_of(bits.data + 1, bits.size - 1));
  return pkey ? key_adopt(&pkey, KEY_EC, false, out) : key_load(spki, false, KEY_EC, out);
}
