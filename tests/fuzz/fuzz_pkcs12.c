/* PKCS#12 as an import: as it is, and with a MAC that fits, without which nothing is looked at. */
#include "crypto/cert_evp.h"
#include "start.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

CLEANUP(pkcs12, PKCS12 *, PKCS12_free)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

static void import(struct bytes pkcs12) {
  struct key *k AUTO(key) = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO_SECRET out = { 0 };
  if (cert_import_pkcs12(pkcs12, (struct bytes){ 0 }, &k, &chain) != OK) {
    if (k || chain.count)
      abort();
  } else if (cert_export_pkcs12(k, &chain, &out) != OK) {
    abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *p = data;
  unsigned char *der = NULL;
  import(bytes_of(data, size));
  PKCS12 *p12 AUTO(pkcs12) = d2i_PKCS12(NULL, &p, (long)size);
  if (p12 && PKCS12_set_mac(p12, "", 0, NULL, 0, 1, EVP_sha256())) {
    int n = i2d_PKCS12(p12, &der);
    if (n > 0)
      import(bytes_of(der, (size_t)n));
    OPENSSL_free(der);
  }
  ERR_clear_error();
  return 0;
}
