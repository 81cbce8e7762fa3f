/* A JSON document as a certificate policy; what it becomes must be taken again as it is, also as
 * the base of another. */
#include "start.h"
#include "vault/cert_policy.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

static void again(json_t *given, const struct cert_policy *p) {
  AUTO_CERT_POLICY same = { 0 }, merged = { 0 };
  if (cert_policy_read(NULL, buf_bytes(&p->text), &same) != OK ||
      cert_policy_read(given, buf_bytes(&p->text), &merged) != OK ||
      !bytes_equal(buf_bytes(&p->text), buf_bytes(&same.text)) ||
      !bytes_equal(buf_bytes(&p->text), buf_bytes(&merged.text)))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_JSON *given = NULL;
  AUTO_CERT_POLICY p = { 0 };
  if (json_read(bytes_of(data, size), &given) != OK ||
      cert_policy_read(given, (struct bytes){ 0 }, &p) != OK)
    return 0;
  if (p.hsm && p.exportable)
    abort();
  again(given, &p);
  return 0;
}
