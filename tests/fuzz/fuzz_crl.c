/* A revocation list that its authority has signed, whatever is in it (the signature is not looked
 * at): what is in what is read is found. */
#include "crypto/cert_evp.h"
#include "crypto/crl.h"
#include "start.h"

static struct buf ca = BUF_EMPTY;

/* Instead of OpenSSL's. */
int __wrap_X509_CRL_verify(X509_CRL *crl, EVP_PKEY *key);
int __wrap_X509_CRL_verify(X509_CRL *crl, EVP_PKEY *key) {
  return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t begin(void) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const struct cert_profile p = { .subject = "CN=authority",
                                  .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                                  .ca = true,
                                  .not_after = 4000000000 };
  AUTO(key) struct key *key = NULL;
  TRY(key_generate(&spec, &key));
  return cert_self_sign(key, &p, &ca);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_CRL crl = { 0 };
  err_t e = crl_read(bytes_of(data, size), buf_bytes(&ca), &crl);
  if (e == OK)
    check(&crl);
  else if (e != ERR_BAD_PARAMETER || crl.serials)
    abort();
  return 0;
}
