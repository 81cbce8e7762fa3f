/* A revocation list, as it is and signed by an authority that we are: what is read is sorted, and
 * what is in it is found. */
#include "crypto/cert_evp.h"
#include "crypto/crl.h"
#include "start.h"

CLEANUP(x509_crl, X509_CRL *, X509_CRL_free)

#define MUST(call) \
  do { \
    if ((call) != OK) \
      abort(); \
  } while (0)

static struct key *key;
static struct buf ca = BUF_EMPTY;
static X509 *authority;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t begin(void) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const struct cert_profile p = { .subject = "CN=authority",
                                  .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                                  .ca = true,
                                  .not_after = 4000000000 };
  TRY(key_generate(&spec, &key));
  TRY(cert_self_sign(key, &p, &ca));
  return cert_parse(buf_bytes(&ca), &authority);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto() || begin() != OK;
}

static void check(const struct crl *crl) {
  if (crl->next_update < crl->this_update)
    abort();
  for (size_t i = 0; i < crl->count; i++)
    if (!crl_has(crl, bytes_of(crl->serials[i].data, crl->serials[i].size)))
      abort();
}

static void read_list(struct bytes der) {
  AUTO_CRL crl = { 0 };
  err_t e = crl_read(der, buf_bytes(&ca), &crl);
  if (e == OK)
    check(&crl);
  else if (e != ERR_BAD_PARAMETER || crl.serials)
    abort();
}

static void sign_and_read(struct bytes in) {
  const uint8_t *p = in.data;
  unsigned char *der = NULL;
  X509_CRL *crl AUTO(x509_crl) = d2i_X509_CRL(NULL, &p, (long)in.size);
  if (crl && X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority)) &&
      X509_CRL_sign(crl, key_evp(key), EVP_sha256()) > 0) {
    int n = i2d_X509_CRL(crl, &der);
    if (n > 0)
      read_list(bytes_of(der, (size_t)n));
    OPENSSL_free(der);
  }
  crypto_clear_errors();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  read_list(bytes_of(data, size));
  sign_and_read(bytes_of(data, size));
  return 0;
}
