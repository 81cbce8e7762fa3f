#include "crypto/evp.h"
#include "net/tls_context.h"
#include "net/tls_verified.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* What TLS 1.2 may use; the suites of TLS 1.3 are all fit. */
#define SUITES_12 \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:" \
  "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
#define GROUPS "X25519:P-256:P-384"

struct tls *tls_ref(struct tls *t) {
  atomic_fetch_add(&t->refs, 1);
  return t;
}

void tls_free(struct tls *t) {
  if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
    return;
  SSL_CTX_free(t->ctx);
  sk_X509_CRL_pop_free(t->lists, X509_CRL_free);
  tls_verified_free(t->verified);
  buf_free(&t->alpn);
  mem_free(t);
}

err_t tls_new(const SSL_METHOD *side, struct tls **out) {
  AUTO(tls) struct tls *t = mem_zalloc(sizeof *t);
  if (!t)
    return ERR_NOMEM;
  atomic_init(&t->refs, 1);
  t->ctx = SSL_CTX_new(side);
  if (!t->ctx)
    return ERR_NOMEM;
  SSL_CTX_set_options(t->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(t->ctx, 1);
  SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(t->ctx, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(t->ctx, SUITES_12) != 1 ||
      SSL_CTX_set1_groups_list(t->ctx, GROUPS) != 1 || SSL_CTX_set_num_tickets(t->ctx, 0) != 1)
    FAIL(ERR_CRYPTO, "OpenSSL refused the TLS settings");
  *out = TAKE(t);
  return OK;
}

static X509 *next_certificate(BIO *pem) {
  return PEM_read_bio_X509(pem, NULL, NULL, NULL);
}

static err_t use_chain(SSL_CTX *ctx, struct bytes chain_pem) {
  AUTO_BIO *pem = BIO_new_mem_buf(chain_pem.data, (int)chain_pem.size);
  if (!pem)
    return ERR_NOMEM;
  AUTO_CERTIFICATE *own = next_certificate(pem);
  if (!own || SSL_CTX_use_certificate(ctx, own) != 1)
    FAIL(ERR_CONFIG, "the certificate is not a PEM certificate that TLS takes");
  for (;;) {
    AUTO_CERTIFICATE *above = next_certificate(pem);
    if (!above)
      break;
    if (SSL_CTX_add1_chain_cert(ctx, above) != 1)
      return ERR_NOMEM;
  }
  ERR_clear_error(); /* the end of the text is an error to PEM */
  return OK;
}

err_t tls_own(struct tls *t, struct bytes chain_pem, const struct key *key) {
  TRY(use_chain(t->ctx, chain_pem));
  EVP_PKEY *pkey = key_evp(key);
  if (!pkey || SSL_CTX_use_PrivateKey(t->ctx, pkey) != 1 || SSL_CTX_check_private_key(t->ctx) != 1)
    FAIL(ERR_CONFIG, "the key does not belong to the certificate");
  return OK;
}

/* A client that names protocols must name ours. */
static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned offered_size, void *ctx) {
  static const unsigned char ours[] = "\x08http/1.1";
  (void)ssl, (void)ctx;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

err_t tls_server(struct bytes chain_pem, const struct key *key, struct tls **out) {
  AUTO(tls) struct tls *t = NULL;
  TRY(tls_new(TLS_server_method(), &t));
  TRY(tls_own(t, chain_pem, key));
  SSL_CTX_set_alpn_select_cb(t->ctx, select_protocol, NULL);
  *out = TAKE(t);
  return OK;
}

err_t tls_trust(struct tls *t, struct bytes ca_pem) {
  AUTO_BIO *pem = BIO_new_mem_buf(ca_pem.data, (int)ca_pem.size);
  if (!pem)
    return ERR_NOMEM;
  size_t count = 0;
  for (;; count++) {
    AUTO_CERTIFICATE *root = next_certificate(pem);
    if (!root)
      break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(t->ctx), root) != 1)
      return ERR_NOMEM;
  }
  ERR_clear_error();
  if (count == 0)
    FAIL(ERR_CONFIG, "no PEM certificate among the trusted roots");
  return OK;
}

/* What a client reads may be secrets: OpenSSL wipes them from its buffers once they are read. */
err_t tls_client(struct bytes ca_pem, struct tls **out) {
  AUTO(tls) struct tls *t = NULL;
  TRY(tls_new(TLS_client_method(), &t));
  SSL_CTX_set_options(t->ctx, SSL_OP_CLEANSE_PLAINTEXT);
  SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
  if (ca_pem.size)
    TRY(tls_trust(t, ca_pem));
  else if (SSL_CTX_set_default_verify_paths(t->ctx) != 1)
    FAIL(ERR_CONFIG, "the system has no trusted roots");
  *out = TAKE(t);
  return OK;
}

err_t tls_prober(const char *protocol, struct tls **out) {
  AUTO(tls) struct tls *t = NULL;
  unsigned char list[64];
  size_t n = strlen(protocol);
  if (n == 0 || n >= sizeof list)
    FAIL(ERR_BAD_PARAMETER, "a protocol's name of %zu bytes", n);
  list[0] = (unsigned char)n;
  memcpy(list + 1, protocol, n);
  TRY(tls_new(TLS_client_method(), &t));
  SSL_CTX_set_verify(t->ctx, SSL_VERIFY_NONE, NULL);
  if (SSL_CTX_set_alpn_protos(t->ctx, list, (unsigned)n + 1) != 0) /* 0 is success here */
    return ERR_NOMEM;
  *out = TAKE(t);
  return OK;
}
