/* A PEM text as an import; what comes in goes out again. */
#include "crypto/cert.h"
#include "start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct key *k AUTO(key) = NULL, *again AUTO(key) = NULL;
  AUTO_CERT_CHAIN chain = { 0 }, second = { 0 };
  AUTO_SECRET pem = { 0 };
  if (cert_import_pem(bytes_of(data, size), &k, &chain) != OK) {
    if (k || chain.count)
      abort();
    return 0;
  }
  if (cert_export_pem(k, &chain, &pem) != OK ||
      cert_import_pem(secret_bytes(&pem), &again, &second) != OK || second.count != chain.count)
    abort();
  return 0;
}
