/*
 * PKCS#12, read bag by bag rather than with PKCS12_parse(): what a file asks for (algorithms,
 * iterations) is looked at before anything is computed, and the private key goes through a secret.
 */
#include "crypto/cert_evp.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

#define ITERATIONS_MAX 1000000
#define ITERATIONS_IN_ALL 3000000
#define NESTING_MAX 4
#define BAGS_MAX 64

CLEANUP(pkcs12, PKCS12 *, PKCS12_free)
CLEANUP(pkcs8, PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free)
CLEANUP(pbe, PBEPARAM *, PBEPARAM_free)
CLEANUP(pbe2, PBE2PARAM *, PBE2PARAM_free)
CLEANUP(pbkdf2, PBKDF2PARAM *, PBKDF2PARAM_free)

static inline void safes_cleanup(STACK_OF(PKCS7) * *s) {
  sk_PKCS7_pop_free(*s, PKCS7_free);
}
static inline void bags_cleanup(STACK_OF(PKCS12_SAFEBAG) * *s) {
  sk_PKCS12_SAFEBAG_pop_free(*s, PKCS12_SAFEBAG_free);
}

#define UNREADABLE() \
  EVP_REFUSE("The specified PKCS#12 X.509 certificate content can not be read. Please check if " \
             "certificate is in valid PKCS#12 format.")

struct reader {
  const char *password; /* NULL and "" differ: PKCS#12 has two empty ones */
  int password_size;
  int64_t iterations; /* spent so far */
  unsigned bags;
  struct bundle *found;
};

static bool one_of(int nid, const int *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (list[i] == nid)
      return true;
  return false;
}
#define ONE_OF(nid, ...) \
  one_of((nid), (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static err_t refuse_algorithm(const ASN1_OBJECT *oid) {
  char name[80];
  OBJ_obj2txt(name, sizeof name, oid, 0);
  EVP_REFUSE("The specified PKCS#12 content is protected with %s, which is not supported. Please "
             "export it with AES-256 and SHA-256.",
             name);
}

/* Absent means once. */
static err_t spend(struct reader *r, const ASN1_INTEGER *iterations) {
  int64_t n = 1;
  if (iterations && !ASN1_INTEGER_get_int64(&n, iterations))
    UNREADABLE();
  r->iterations += n;
  if (n < 1 || n > ITERATIONS_MAX || r->iterations > ITERATIONS_IN_ALL)
    REFUSE(ERR_BAD_PARAMETER,
           "The specified PKCS#12 content asks for more than %d iterations of its key derivation.",
           ITERATIONS_MAX);
  return OK;
}

static err_t check_pbkdf2(struct reader *r, const X509_ALGOR *function) {
  if (OBJ_obj2nid(function->algorithm) != NID_id_pbkdf2)
    return refuse_algorithm(function->algorithm);
  PBKDF2PARAM *kdf AUTO(pbkdf2) =
    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), function->parameter);
  if (!kdf)
    UNREADABLE();
  if (kdf->prf && !ONE_OF(OBJ_obj2nid(kdf->prf->algorithm), NID_hmacWithSHA1, NID_hmacWithSHA224,
                          NID_hmacWithSHA256, NID_hmacWithSHA384, NID_hmacWithSHA512))
    return refuse_algorithm(kdf->prf->algorithm);
  return spend(r, kdf->iter);
}

static err_t check_pbes2(struct reader *r, const X509_ALGOR *algorithm) {
  PBE2PARAM *p AUTO(pbe2) =
    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
  if (!p)
    UNREADABLE();
  if (!ONE_OF(OBJ_obj2nid(p->encryption->algorithm), NID_aes_128_cbc, NID_aes_192_cbc,
              NID_aes_256_cbc, NID_des_ede3_cbc))
    return refuse_algorithm(p->encryption->algorithm);
  return check_pbkdf2(r, p->keyfunc);
}

/* Before decryption: is it an algorithm that we do, and how long would it take? */
static err_t check_encryption(struct reader *r, const X509_ALGOR *algorithm) {
  int nid = OBJ_obj2nid(algorithm->algorithm);
  if (nid == NID_pbes2)
    return check_pbes2(r, algorithm);
  if (!ONE_OF(nid, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NID_pbe_WithSHA1And2_Key_TripleDES_CBC))
    return refuse_algorithm(algorithm->algorithm);
  PBEPARAM *p AUTO(pbe) = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
  if (!p)
    UNREADABLE();
  return spend(r, p->iter);
}

static err_t add_pkcs8(struct reader *r, const PKCS8_PRIV_KEY_INFO *p8) {
  AUTO_SECRET der = { 0 };
  int n = i2d_PKCS8_PRIV_KEY_INFO(p8, NULL);
  if (n <= 0)
    UNREADABLE();
  TRY(secret_new((size_t)n, &der));
  uint8_t *p = der.data;
  if (i2d_PKCS8_PRIV_KEY_INFO(p8, &p) != n)
    EVP_FAIL(ERR_CRYPTO, "PKCS#8");
  return bundle_add_key(r->found, secret_bytes(&der));
}

static err_t add_shrouded(struct reader *r, const PKCS12_SAFEBAG *bag) {
  const X509_SIG *shrouded = PKCS12_SAFEBAG_get0_pkcs8(bag);
  const X509_ALGOR *algorithm = NULL;
  if (!shrouded)
    UNREADABLE();
  X509_SIG_get0(shrouded, &algorithm, NULL);
  TRY(check_encryption(r, algorithm));
  PKCS8_PRIV_KEY_INFO *p8 AUTO(pkcs8) = PKCS12_decrypt_skey(bag, r->password, r->password_size);
  if (!p8)
    UNREADABLE();
  return add_pkcs8(r, p8);
}

static err_t add_certificate(struct reader *r, const PKCS12_SAFEBAG *bag) {
  AUTO_BUF der = BUF_EMPTY;
  if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
    return OK; /* SDSI */
  X509 *x AUTO(x509) = PKCS12_SAFEBAG_get1_cert(bag);
  if (!x)
    UNREADABLE();
  TRY(cert_put(x, &der));
  return bundle_add_certificate(r->found, buf_bytes(&der));
}

static err_t read_bags(struct reader *r, const STACK_OF(PKCS12_SAFEBAG) * bags, unsigned nesting) {
  if (!bags || nesting > NESTING_MAX)
    UNREADABLE();
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
    const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
    if (r->bags++ == BAGS_MAX)
      UNREADABLE();
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
      TRY(add_pkcs8(r, PKCS12_SAFEBAG_get0_p8inf(bag)));
      break;
    case NID_pkcs8ShroudedKeyBag:
      TRY(add_shrouded(r, bag));
      break;
    case NID_certBag:
      TRY(add_certificate(r, bag));
      break;
    case NID_safeContentsBag:
      TRY(read_bags(r, PKCS12_SAFEBAG_get0_safes(bag), nesting + 1));
      break;
    default:
      break;
    }
  }
  return OK;
}

static err_t read_safe(struct reader *r, PKCS7 *safe) {
  STACK_OF(PKCS12_SAFEBAG) * bags AUTO(bags) = NULL;
  if (PKCS7_type_is_data(safe)) {
    bags = PKCS12_unpack_p7data(safe);
  } else if (PKCS7_type_is_encrypted(safe)) {
    if (!safe->d.encrypted || !safe->d.encrypted->enc_data ||
        !safe->d.encrypted->enc_data->algorithm || !safe->d.encrypted->enc_data->enc_data)
      UNREADABLE();
    TRY(check_encryption(r, safe->d.encrypted->enc_data->algorithm));
    bags = PKCS12_unpack_p7encdata(safe, r->password, r->password_size);
  } else {
    return refuse_algorithm(safe->type);
  }
  return read_bags(r, bags, 0);
}

static err_t check_mac_algorithm(struct reader *r, const PKCS12 *p12, unsigned tries) {
  const X509_ALGOR *algorithm = NULL;
  const ASN1_INTEGER *iterations = NULL;
  if (!PKCS12_mac_present(p12))
    REFUSE(ERR_BAD_PARAMETER, "The specified PKCS#12 content has no integrity code (MAC).");
  PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, p12);
  if (!ONE_OF(OBJ_obj2nid(algorithm->algorithm), NID_sha1, NID_sha224, NID_sha256, NID_sha384,
              NID_sha512))
    return refuse_algorithm(algorithm->algorithm);
  for (; tries > 0; tries--)
    TRY(spend(r, iterations));
  return OK;
}

/* Finds which of the two empty passwords it is, and whether it is the right one. */
static err_t check_password(struct reader *r, PKCS12 *p12) {
  bool empty = r->password_size == 0;
  TRY(check_mac_algorithm(r, p12, empty ? 2 : 1));
  (void)evp_out_of_memory();
  if (empty) {
    r->password = NULL;
    if (PKCS12_verify_mac(p12, NULL, 0))
      return OK;
    r->password = "";
  }
  if (!PKCS12_verify_mac(p12, r->password, r->password_size))
    EVP_REFUSE("The password of the specified PKCS#12 X.509 certificate content is not correct.");
  ERR_clear_error();
  return OK;
}

static err_t parse(struct bytes der, PKCS12 **out) {
  if (der.size > CERT_PKCS12_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The PKCS#12 content is larger than %d bytes.", CERT_PKCS12_MAX);
  const uint8_t *p = der.data;
  PKCS12 *p12 AUTO(pkcs12) = der.size ? d2i_PKCS12(NULL, &p, (long)der.size) : NULL;
  if (!p12 || p != der.data + der.size)
    UNREADABLE();
  *out = TAKE(p12);
  return OK;
}

err_t cert_import_pkcs12(struct bytes pkcs12, struct bytes password, struct key **key,
                         struct cert_chain *chain) {
  AUTO_BUNDLE found = { 0 };
  AUTO_SECRET text = { 0 };
  PKCS12 *p12 AUTO(pkcs12) = NULL;
  if (password.size > CERT_PASSWORD_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The password is longer than %d bytes.", CERT_PASSWORD_MAX);
  TRY(parse(pkcs12, &p12));
  TRY(secret_new(password.size + 1, &text));
  if (password.size)
    memcpy(text.data, password.data, password.size);
  struct reader r = { .password = (const char *)text.data,
                      .password_size = (int)password.size,
                      .found = &found };
  TRY(check_password(&r, p12));
  STACK_OF(PKCS7) * safes AUTO(safes) = PKCS12_unpack_authsafes(p12);
  if (!safes)
    UNREADABLE();
  for (int i = 0; i < sk_PKCS7_num(safes); i++)
    TRY(read_safe(&r, sk_PKCS7_value(safes, i)));
  return bundle_take(&found, key, chain);
}
