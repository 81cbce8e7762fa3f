#include "crypto/ocsp.h"

#include "crypto/cert_evp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>

CLEANUP(ocsp_rq, OCSP_REQUEST *, OCSP_REQUEST_free)
CLEANUP(ocsp_basic, OCSP_BASICRESP *, OCSP_BASICRESP_free)
CLEANUP(ocsp_response, OCSP_RESPONSE *, OCSP_RESPONSE_free)
CLEANUP(ocsp_certid, OCSP_CERTID *, OCSP_CERTID_free)
CLEANUP(asn1_octets, ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
CLEANUP(asn1_integer, ASN1_INTEGER *, ASN1_INTEGER_free)
CLEANUP(asn1_time, ASN1_TIME *, ASN1_TIME_free)

struct ocsp_responder {
  X509 *certificate;
  struct key *key;
};

static const struct {
  int nid;
  enum evp_hash hash;
  size_t size;
} hashes[OCSP_HASHES] = {
  [OCSP_SHA1] = { NID_sha1, HASH_SHA1, SHA1_SIZE },
  [OCSP_SHA256] = { NID_sha256, HASH_SHA256, SHA256_SIZE },
};

err_t ocsp_issuer_of(struct bytes ca_der, struct ocsp_issuer *out) {
  X509 *ca AUTO(x509) = NULL;
  TRY(cert_parse(ca_der, &ca));
  for (unsigned h = 0; h < OCSP_HASHES; h++)
    if (!X509_NAME_digest(X509_get_subject_name(ca), evp_md(hashes[h].hash), out->name[h], NULL) ||
        !X509_pubkey_digest(ca, evp_md(hashes[h].hash), out->key[h], NULL))
      EVP_FAIL(ERR_CRYPTO, "hash of an issuer");
  return OK;
}

bool ocsp_is_of(const struct ocsp_cert *cert, const struct ocsp_issuer *issuer) {
  size_t n = hashes[cert->hash].size;
  return memcmp(cert->name, issuer->name[cert->hash], n) == 0 && /* not secret */
         memcmp(cert->key, issuer->key[cert->hash], n) == 0;     /* not secret */
}

static bool copy_hash(const ASN1_OCTET_STRING *from, size_t size, uint8_t *to) {
  if (!from || (size_t)ASN1_STRING_length(from) != size)
    return false;
  memcpy(to, ASN1_STRING_get0_data(from), size);
  return true;
}

static bool copy_serial(const ASN1_INTEGER *from, struct ocsp_cert *to) {
  struct bytes b = bytes_of(ASN1_STRING_get0_data(from), (size_t)ASN1_STRING_length(from));
  if (ASN1_STRING_type(from) != V_ASN1_INTEGER || b.size == 0 || b.size > sizeof to->serial)
    return false; /* a negative one has another type */
  memcpy(to->serial, b.data, b.size);
  to->serial_size = b.size;
  return true;
}

static err_t read_cert(OCSP_ONEREQ *one, struct ocsp_cert *out) {
  ASN1_OCTET_STRING *name = NULL, *key = NULL;
  ASN1_OBJECT *hash = NULL;
  ASN1_INTEGER *serial = NULL;
  unsigned h = 0;
  OCSP_id_get0_info(&name, &hash, &key, &serial, OCSP_onereq_get0_id(one));
  while (h < OCSP_HASHES && hashes[h].nid != OBJ_obj2nid(hash))
    h++;
  if (h == OCSP_HASHES)
    FAIL(ERR_BAD_PARAMETER, "a certificate by a hash that is not served");
  out->hash = (enum ocsp_hash)h;
  if (!copy_hash(name, hashes[h].size, out->name) || !copy_hash(key, hashes[h].size, out->key) ||
      !copy_serial(serial, out))
    FAIL(ERR_BAD_PARAMETER, "a certificate's id is malformed");
  return OK;
}

/* An OCTET STRING inside the extension's. */
static err_t read_nonce(OCSP_REQUEST *rq, struct ocsp_request *out) {
  int at = OCSP_REQUEST_get_ext_by_NID(rq, NID_id_pkix_OCSP_Nonce, -1);
  if (at < 0)
    return OK;
  const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(rq, at));
  const uint8_t *p = ASN1_STRING_get0_data(value), *end = p + ASN1_STRING_length(value);
  ASN1_OCTET_STRING *nonce AUTO(asn1_octets) = d2i_ASN1_OCTET_STRING(NULL, &p, end - p);
  size_t n = nonce ? (size_t)ASN1_STRING_length(nonce) : 0;
  if (!nonce || p != end || n == 0 || n > OCSP_NONCE_MAX)
    EVP_FAIL(ERR_BAD_PARAMETER, "nonce");
  memcpy(out->nonce, ASN1_STRING_get0_data(nonce), n);
  out->nonce_size = n;
  return OK;
}

err_t ocsp_request_read(struct bytes der, struct ocsp_request *out) {
  if (der.size == 0 || der.size > OCSP_REQUEST_MAX)
    FAIL(ERR_BAD_PARAMETER, "an OCSP request of %zu bytes", der.size);
  const uint8_t *p = der.data;
  OCSP_REQUEST *rq AUTO(ocsp_rq) = d2i_OCSP_REQUEST(NULL, &p, (long)der.size);
  if (!rq || p != der.data + der.size)
    EVP_FAIL(ERR_BAD_PARAMETER, "OCSP request");
  int count = OCSP_request_onereq_count(rq);
  if (count < 1 || count > OCSP_CERTS_MAX)
    FAIL(ERR_BAD_PARAMETER, "an OCSP request for %d certificates", count);
  struct ocsp_request read = { .count = (size_t)count };
  for (int i = 0; i < count; i++)
    TRY(read_cert(OCSP_request_onereq_get0(rq, i), &read.certs[i]));
  TRY(read_nonce(rq, &read));
  *out = read;
  return OK;
}

err_t ocsp_responder_new(struct key *key, struct bytes der, struct ocsp_responder **out) {
  AUTO(ocsp_responder) struct ocsp_responder *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  TRY(cert_parse(der, &r->certificate));
  TRY(cert_matches_key(der, key));
  r->key = key_ref(key);
  *out = TAKE(r);
  return OK;
}

void ocsp_responder_free(struct ocsp_responder *r) {
  X509_free(r->certificate);
  key_free(r->key);
  mem_free(r);
}

/* The id as the request has it: clients compare it. */
static err_t make_id(const struct ocsp_cert *cert, OCSP_CERTID **out) {
  ASN1_OCTET_STRING *name = NULL, *key = NULL;
  ASN1_OBJECT *hash = NULL;
  ASN1_INTEGER *serial AUTO(asn1_integer) = NULL, *placed = NULL;
  size_t n = hashes[cert->hash].size;
  const EVP_MD *md = evp_md(hashes[cert->hash].hash);
  X509_NAME *no_name AUTO(x509_name) = X509_NAME_new();
  ASN1_STRING *no_key AUTO(asn1_string) = ASN1_STRING_type_new(V_ASN1_BIT_STRING);
  TRY(serial_make(bytes_of(cert->serial, cert->serial_size), &serial));
  if (!no_name || !no_key)
    EVP_FAIL(ERR_NOMEM, "certificate's id");
  OCSP_CERTID *id AUTO(ocsp_certid) = OCSP_cert_id_new(md, no_name, no_key, serial);
  if (!id || !OCSP_id_get0_info(&name, &hash, &key, &placed, id) ||
      !ASN1_STRING_set(name, cert->name, (int)n) || !ASN1_STRING_set(key, cert->key, (int)n))
    EVP_FAIL(ERR_CRYPTO, "certificate's id");
  *out = TAKE(id);
  return OK;
}

static err_t add_answer(OCSP_BASICRESP *response, const struct ocsp_cert *cert,
                        const struct ocsp_answer *a, ASN1_TIME *from, ASN1_TIME *until) {
  static const int codes[] = { [OCSP_GOOD] = V_OCSP_CERTSTATUS_GOOD,
                               [OCSP_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
                               [OCSP_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN };
  OCSP_CERTID *id AUTO(ocsp_certid) = NULL;
  ASN1_TIME *revoked AUTO(asn1_time) = ASN1_GENERALIZEDTIME_set(NULL, a->revoked_at);
  TRY(make_id(cert, &id));
  if (!revoked || !OCSP_basic_add1_status(response, id, codes[a->status],
                                          a->reason ? (int)a->reason : OCSP_REVOKED_STATUS_NOSTATUS,
                                          revoked, from, until))
    EVP_FAIL(ERR_CRYPTO, "answer about a certificate");
  return OK;
}

static err_t sign(const struct ocsp_responder *r, OCSP_BASICRESP *response) {
  (void)evp_out_of_memory();
  bool done = OCSP_basic_sign(response, r->certificate, key_evp(r->key), cert_hash_for(r->key),
                              NULL, OCSP_RESPID_KEY) == 1;
  return cert_signed_well(r->key, done, done);
}

static err_t put(OCSP_RESPONSE *response, struct buf *out) {
  unsigned char *der = NULL;
  int n = response ? i2d_OCSP_RESPONSE(response, &der) : 0;
  if (n <= 0)
    EVP_FAIL(ERR_CRYPTO, "encoding of an OCSP response");
  buf_put(out, der, (size_t)n);
  OPENSSL_free(der);
  return buf_ok(out);
}

err_t ocsp_respond(const struct ocsp_responder *r, const struct ocsp_request *rq,
                   const struct ocsp_answer *answers, int64_t this_update, int64_t next_update,
                   struct buf *der) {
  OCSP_BASICRESP *basic AUTO(ocsp_basic) = OCSP_BASICRESP_new();
  ASN1_TIME *from AUTO(asn1_time) = ASN1_GENERALIZEDTIME_set(NULL, this_update);
  ASN1_TIME *until AUTO(asn1_time) = ASN1_GENERALIZEDTIME_set(NULL, next_update);
  if (!basic || !from || !until)
    EVP_FAIL(ERR_NOMEM, "OCSP response");
  for (size_t i = 0; i < rq->count; i++)
    TRY(add_answer(basic, &rq->certs[i], &answers[i], from, until));
  if (rq->nonce_size &&
      OCSP_basic_add1_nonce(basic, (unsigned char *)rq->nonce, (int)rq->nonce_size) != 1)
    EVP_FAIL(ERR_CRYPTO, "nonce");
  TRY(sign(r, basic));
  OCSP_RESPONSE *response AUTO(ocsp_response) =
    OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  return put(response, der);
}

/* OCSPResponse ::= SEQUENCE { responseStatus ENUMERATED } */
err_t ocsp_refuse(enum ocsp_error e, struct buf *der) {
  const uint8_t text[] = { 0x30, 0x03, 0x0a, 0x01, (uint8_t)e };
  buf_put(der, text, sizeof text);
  return buf_ok(der);
}
