/* What went wrong in a handshake, from what OpenSSL says of it. */
#include "net/tls_context.h"
#include "net/tls_io.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

static const struct {
  const char *name, *meaning;
} failures[] = {
#define X(name, text, meaning) { text, meaning },
  TLS_FAILURES(X)
#undef X
};

const char *tls_failure_name(enum tls_failure f) {
  return failures[f].name;
}

const char *tls_failure_meaning(enum tls_failure f) {
  return failures[f].meaning;
}

struct sense {
  int code;
  enum tls_failure failure;
};

static const struct sense verdicts[] = {
  { X509_V_ERR_CERT_HAS_EXPIRED, TLS_FAILURE_EXPIRED },
  { X509_V_ERR_CERT_NOT_YET_VALID, TLS_FAILURE_NOT_YET },
  { X509_V_ERR_CERT_REVOKED, TLS_FAILURE_REVOKED },
  { X509_V_ERR_UNABLE_TO_GET_CRL, TLS_FAILURE_LIST },
  { X509_V_ERR_CRL_HAS_EXPIRED, TLS_FAILURE_LIST },
  { X509_V_ERR_CRL_NOT_YET_VALID, TLS_FAILURE_LIST },
  { X509_V_ERR_CRL_SIGNATURE_FAILURE, TLS_FAILURE_LIST },
  { X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, TLS_FAILURE_LIST },
  { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_CERT_SIGNATURE_FAILURE, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_CERT_UNTRUSTED, TLS_FAILURE_UNTRUSTED },
  { X509_V_ERR_INVALID_PURPOSE, TLS_FAILURE_PURPOSE },
  { X509_V_ERR_HOSTNAME_MISMATCH, TLS_FAILURE_WRONG_NAME },
  { X509_V_ERR_IP_ADDRESS_MISMATCH, TLS_FAILURE_WRONG_NAME },
  { X509_V_ERR_APPLICATION_VERIFICATION, TLS_FAILURE_NOT_ADMITTED },
};

static const struct sense reasons[] = {
  { SSL_R_HTTP_REQUEST, TLS_FAILURE_NOT_TLS },
  { SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_NOT_TLS },
  { SSL_R_WRONG_VERSION_NUMBER, TLS_FAILURE_NOT_TLS },
  { SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_VERSION },
  { SSL_R_VERSION_TOO_LOW, TLS_FAILURE_VERSION },
  { SSL_R_UNKNOWN_PROTOCOL, TLS_FAILURE_VERSION },
  { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, TLS_FAILURE_VERSION },
  { SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_CIPHER },
  { SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_CIPHER },
  { SSL_R_NO_SUITABLE_GROUPS, TLS_FAILURE_CIPHER },
  { SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_CIPHER },
  { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_CIPHER },
  { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILURE_CIPHER },
  { SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAILURE_PROTOCOL },
  { SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, TLS_FAILURE_PROTOCOL },
  { SSL_R_CALLBACK_FAILED, TLS_FAILURE_NAME },
  { SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILURE_NO_CERTIFICATE },
  { SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILURE_CLOSED },
};

static enum tls_failure find(const struct sense *senses, size_t count, int code,
                             enum tls_failure otherwise) {
  for (size_t i = 0; i < count; i++)
    if (senses[i].code == code)
      return senses[i].failure;
  return otherwise;
}
#define FIND(senses, code, otherwise) \
  find((senses), sizeof(senses) / sizeof *(senses), (code), (otherwise))

#define ALERTS 256

/* An alert that came is a reason, too. */
static enum tls_failure of_reason(int reason) {
  bool alert = reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + ALERTS;
  return FIND(reasons, reason, alert ? TLS_FAILURE_REFUSED : TLS_FAILURE_OTHER);
}

/* The queue is the thread's: what it says now must not be taken for another connection's. */
enum tls_failure tls_io_failure(const struct tls_io *io, const char **detail) {
  unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char *text = code ? ERR_reason_error_string(code) : NULL;
  long verdict = SSL_get_verify_result(io->ssl);
  *detail = text ? text : "";
  if (verdict != X509_V_OK) {
    *detail = X509_verify_cert_error_string(verdict);
    return FIND(verdicts, (int)verdict, TLS_FAILURE_CERTIFICATE);
  }
  if (code && ERR_GET_LIB(code) == ERR_LIB_SSL)
    return of_reason(ERR_GET_REASON(code));
  if (io->error)
    return TLS_FAILURE_RESET;
  return io->ended ? TLS_FAILURE_CLOSED : TLS_FAILURE_OTHER;
}
