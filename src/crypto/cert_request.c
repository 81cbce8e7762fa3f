/*
 * Requests (PKCS#10, RFC 2986) that come from outside. They are taken apart here and not by
 * OpenSSL's X509_REQ, whose reading of the key costs several times the check of the signature.
 */
#include "crypto/cert_evp.h"

#include "crypto/key_der.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

CLEANUP(pss, RSA_PSS_PARAMS *, RSA_PSS_PARAMS_free)
CLEANUP(x509_algor, X509_ALGOR *, X509_ALGOR_free)
CLEANUP(x509_attribute, X509_ATTRIBUTE *, X509_ATTRIBUTE_free)

#define SEQUENCE 0x30
#define INTEGER 0x02
#define BIT_STRING 0x03
#define ATTRIBUTES 0xa0

/* Views of the request's DER; each with tag and length, but for attributes and signature. */
struct parts {
  struct bytes info, subject, spki, attributes, algorithm, signature;
};

/* One element of that first byte, with its header or without. */
static bool take(struct bytes *rest, uint8_t tag, bool with_header, struct bytes *out) {
  const uint8_t *p = rest->data;
  long size = 0;
  int number, class;
  if (rest->size == 0 || p[0] != tag ||
      ASN1_get_object(&p, &size, &number, &class, (long)rest->size) & 0x81) /* or indefinite */
    return false;
  const uint8_t *end = p + size;
  *out = with_header ? bytes_of(rest->data, (size_t)(end - rest->data)) : bytes_of(p, (size_t)size);
  *rest = bytes_of(end, rest->size - (size_t)(end - rest->data));
  return true;
}

static bool split_info(struct bytes info, struct parts *p) {
  struct bytes rest, version;
  return take(&info, SEQUENCE, false, &rest) && take(&rest, INTEGER, false, &version) &&
         version.size == 1 && version.data[0] == 0 && take(&rest, SEQUENCE, true, &p->subject) &&
         take(&rest, SEQUENCE, true, &p->spki) &&
         (rest.size == 0 || take(&rest, ATTRIBUTES, false, &p->attributes)) && rest.size == 0;
}

static bool split(struct bytes der, struct parts *p) {
  struct bytes rest;
  if (!take(&der, SEQUENCE, false, &rest) || der.size || !take(&rest, SEQUENCE, true, &p->info) ||
      !take(&rest, SEQUENCE, true, &p->algorithm) ||
      !take(&rest, BIT_STRING, false, &p->signature) || rest.size || p->signature.size < 2 ||
      p->signature.data[0] != 0)
    return false;
  p->signature = bytes_of(p->signature.data + 1, p->signature.size - 1);
  return split_info(p->info, p);
}

static err_t read_algorithm(struct bytes der, X509_ALGOR **out) {
  const uint8_t *p = der.data;
  ERR_clear_error();
  *out = d2i_X509_ALGOR(NULL, &p, (long)der.size);
  if (!*out || p != der.data + der.size)
    EVP_REFUSE("The certificate request is malformed.");
  return OK;
}

/* The hash that a request is signed with and the type of key; RSA-PSS names the hash in its
 * parameters, and without them it is SHA-1. */
static void find_hash(const X509_ALGOR *alg, int *hash, int *type) {
  *hash = *type = NID_undef;
  if (!OBJ_find_sigid_algs(OBJ_obj2nid(alg->algorithm), hash, type) || *type != NID_rsassaPss)
    return;
  RSA_PSS_PARAMS *pss AUTO(pss) =
    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter);
  *hash = pss && pss->hashAlgorithm ? OBJ_obj2nid(pss->hashAlgorithm->algorithm) : NID_undef;
}

static enum evp_hash strong_hash(int nid) {
  return nid == NID_sha256   ? HASH_SHA256
         : nid == NID_sha384 ? HASH_SHA384
         : nid == NID_sha512 ? HASH_SHA512
                             : HASH_NONE;
}

/* With the parameters that RSA-PSS has. */
static bool verify_pss(struct bytes der, const struct key *key) {
  const uint8_t *p = der.data;
  X509_REQ *r AUTO(x509_req) = d2i_X509_REQ(NULL, &p, (long)der.size);
  return r && X509_REQ_verify(r, key_evp(key)) == 1;
}

static bool verify(const struct parts *parts, enum evp_hash hash, const struct key *key) {
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = EVP_MD_CTX_new();
  return ctx && EVP_DigestVerifyInit(ctx, NULL, evp_md(hash), NULL, key_evp(key)) == 1 &&
         EVP_DigestVerify(ctx, parts->signature.data, parts->signature.size, parts->info.data,
                          parts->info.size) == 1;
}

static err_t check_signature(struct bytes der, const struct parts *parts, const struct key *key) {
  X509_ALGOR *alg AUTO(x509_algor) = NULL;
  int nid, type;
  TRY(read_algorithm(parts->algorithm, &alg));
  find_hash(alg, &nid, &type);
  enum evp_hash hash = strong_hash(nid);
  bool rsa = type == NID_rsaEncryption || type == NID_rsassaPss;
  if (hash == HASH_NONE)
    EVP_REFUSE("The certificate request is signed with a weak hash: SHA-256, SHA-384 or SHA-512 "
               "expected.");
  if (rsa != (key_spec(key)->type == KEY_RSA) || (!rsa && type != NID_X9_62_id_ecPublicKey) ||
      !(type == NID_rsassaPss ? verify_pss(der, key) : verify(parts, hash, key)))
    EVP_REFUSE("The certificate request is not signed with its own key.");
  return OK;
}

static err_t read_subject(struct bytes der, struct cert_profile *p) {
  const uint8_t *at = der.data;
  AUTO_BUF text = BUF_EMPTY;
  X509_NAME *name AUTO(x509_name) = d2i_X509_NAME(NULL, &at, (long)der.size);
  if (!name || at != der.data + der.size)
    EVP_REFUSE("The certificate request is malformed.");
  TRY(name_to_text(name, &text));
  const char *s = buf_cstr(&text);
  if (!s || !(p->subject = mem_strdup(s)))
    return ERR_NOMEM;
  return OK;
}

/* The extensions that an attribute asks for, in either of the two ways that there are. */
static err_t read_attribute(X509_ATTRIBUTE *a, struct cert_profile *p, bool *found) {
  int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(a));
  if (nid != NID_ext_req && nid != NID_ms_ext_req)
    return OK;
  const ASN1_TYPE *value = X509_ATTRIBUTE_get0_type(a, 0);
  STACK_OF(X509_EXTENSION) * list AUTO(extensions) = NULL;
  if (!*found && value && value->type == V_ASN1_SEQUENCE && X509_ATTRIBUTE_count(a) == 1)
    list = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_EXTENSIONS), value);
  if (!list)
    EVP_REFUSE("The certificate request's extensions are malformed.");
  *found = true;
  return extensions_read(list, p);
}

static err_t read_attributes(struct bytes rest, struct cert_profile *p) {
  bool found = false;
  while (rest.size) {
    const uint8_t *at = rest.data;
    X509_ATTRIBUTE *a AUTO(x509_attribute) = d2i_X509_ATTRIBUTE(NULL, &at, (long)rest.size);
    if (!a)
      EVP_REFUSE("The certificate request is malformed.");
    rest = bytes_of(at, (size_t)(rest.data + rest.size - at));
    TRY(read_attribute(a, p, &found));
  }
  return OK;
}

static err_t read_into(struct bytes der, struct cert_info *info) {
  struct parts parts = { 0 };
  if (der.size == 0 || der.size > CERT_DER_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The certificate request is empty or too large.");
  if (!split(der, &parts))
    EVP_REFUSE("The certificate request is malformed.");
  TRY(spki_load(parts.spki, &info->public_key));
  TRY(check_signature(der, &parts, info->public_key));
  TRY(read_subject(parts.subject, &info->is));
  return read_attributes(parts.attributes, &info->is);
}

err_t cert_request_read(struct bytes der, struct cert_info *info) {
  AUTO_CERT_INFO read = { 0 };
  TRY(read_into(der, &read));
  *info = read;
  read = (struct cert_info){ 0 };
  return OK;
}
