/* An OCSP request, as whoever reaches the hub may send it: what is read is within its bounds and
 * can be answered. */
#include "crypto/evp.h"
#include "crypto/ocsp.h"
#include "start.h"

#include <openssl/ocsp.h>

#define MUST(call) \
  do { \
    if ((call) != OK) \
      abort(); \
  } while (0)

static struct ocsp_responder *responder;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t begin(void) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const struct cert_profile p = { .subject = "CN=signer", .not_after = 4000000000 };
  static struct key *key;
  AUTO_BUF der = BUF_EMPTY;
  TRY(key_generate(&spec, &key));
  TRY(cert_self_sign(key, &p, &der));
  return ocsp_responder_new(key, buf_bytes(&der), &responder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto() || begin() != OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct ocsp_request rq;
  struct ocsp_answer answers[OCSP_CERTS_MAX] = { { .status = OCSP_REVOKED, .reason = 1 } };
  AUTO_BUF der = BUF_EMPTY;
  err_t e = ocsp_request_read(bytes_of(data, size), &rq);
  if (e == ERR_BAD_PARAMETER)
    return 0;
  MUST(e);
  if (rq.count == 0 || rq.count > OCSP_CERTS_MAX || rq.nonce_size > OCSP_NONCE_MAX)
    abort();
  for (size_t i = 0; i < rq.count; i++)
    if (rq.certs[i].serial_size == 0 || rq.certs[i].serial_size > CERT_SERIAL_MAX)
      abort();
  MUST(ocsp_respond(responder, &rq, answers, 1800000000, 1800003600, &der));
  const uint8_t *p = der.data;
  OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.size);
  if (!response || p != der.data + der.size)
    abort();
  OCSP_RESPONSE_free(response);
  return 0;
}
