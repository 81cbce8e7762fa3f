/* Contexts for certificates on both sides. */
#include "crypto/evp.h"
#include "net/tls_context.h"
#include "net/tls_io.h"
#include "net/tls_verified.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#define READ_AHEAD BLOCK_ROOM /* bytes: four whole records come with one recv() */

/* After OpenSSL found the certificate valid: names, times, purpose, lists. */
static int verify(X509_STORE_CTX *ctx, void *arg) {
  const struct tls *t = arg;
  int valid = tls_verified_check(t->verified, ctx, t->lists);
  const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
  const struct tls_io *io = SSL_get_app_data(ssl);
  if (valid <= 0 || !io->judge || !io->judge->admits)
    return valid;
  unsigned char *der = NULL;
  int size = i2d_X509(X509_STORE_CTX_get0_cert(ctx), &der);
  bool admitted = size > 0 && io->judge->admits(io->judge_ctx, bytes_of(der, (size_t)size));
  OPENSSL_free(der);
  if (!admitted)
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
  return admitted;
}

static int on_name(SSL *ssl, int *alert, void *arg) {
  (void)arg;
  const struct tls_io *io = SSL_get_app_data(ssl);
  const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!io->judge || !io->judge->serves || io->judge->serves(io->judge_ctx, name))
    return name ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Whether one of ours, which are in the form of the wire, is it. */
static bool speaks(const struct buf *ours, struct bytes protocol) {
  for (size_t i = 0; i < ours->size; i += 1u + ours->data[i])
    if (bytes_equal(bytes_of(ours->data + i + 1, ours->data[i]), protocol))
      return true;
  return false;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                           const unsigned char *offered, unsigned size, void *arg) {
  const struct tls *t = arg;
  (void)ssl;
  for (unsigned i = 0; i < size && i + 1u + offered[i] <= size; i += 1u + offered[i])
    if (speaks(&t->alpn, bytes_of(offered + i + 1, offered[i]))) {
      *out = offered + i + 1;
      *out_size = offered[i];
      return SSL_TLSEXT_ERR_OK;
    }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static err_t use_protocols(struct tls *t, const struct tls_mutual *o) {
  for (size_t i = 0; i < o->alpn_count; i++) {
    size_t n = strlen(o->alpn[i]);
    if (n == 0 || n > 255)
      FAIL(ERR_CONFIG, "'%s' is not the name of an application protocol", o->alpn[i]);
    buf_put_char(&t->alpn, (char)n);
    buf_put_str(&t->alpn, o->alpn[i]);
  }
  TRY(buf_ok(&t->alpn));
  if (t->alpn.size && o->server)
    SSL_CTX_set_alpn_select_cb(t->ctx, select_protocol, t);
  else if (t->alpn.size && /* 0 is success here */
           SSL_CTX_set_alpn_protos(t->ctx, t->alpn.data, (unsigned)t->alpn.size) != 0)
    return ERR_NOMEM;
  return OK;
}

static err_t add_list(struct tls *t, struct bytes der) {
  const unsigned char *p = der.data;
  X509_CRL *list = d2i_X509_CRL(NULL, &p, (long)der.size);
  if (!list || !sk_X509_CRL_push(t->lists, list)) {
    X509_CRL_free(list);
    EVP_FAIL(ERR_CONFIG, "reading of a revocation list");
  }
  if (X509_STORE_add_crl(SSL_CTX_get_cert_store(t->ctx), list) != 1)
    EVP_FAIL(ERR_NOMEM, "adding of a revocation list");
  return OK;
}

/* Of the whole chain: an issuing authority that lost its key is on the root's list. */
static err_t use_lists(struct tls *t, const struct tls_mutual *o) {
  if (!o->revocation)
    return OK;
  if (!(t->lists = sk_X509_CRL_new_null()))
    return ERR_NOMEM;
  for (size_t i = 0; i < o->list_count; i++)
    TRY(add_list(t, o->lists[i]));
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(t->ctx),
                              X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return OK;
}

err_t tls_mutual(const struct tls_mutual *o, struct tls **out) {
  AUTO(tls) struct tls *t = NULL;
  TRY(tls_new(o->server ? TLS_server_method() : TLS_client_method(), &t));
  TRY(tls_own(t, o->chain_pem, o->key));
  TRY(tls_trust(t, o->ca_pem));
  TRY(use_lists(t, o));
  TRY(use_protocols(t, o));
  if (!o->tls12 && SSL_CTX_set_min_proto_version(t->ctx, TLS1_3_VERSION) != 1)
    FAIL(ERR_CRYPTO, "OpenSSL refused the TLS settings");
  SSL_CTX_set_default_read_buffer_len(t->ctx, READ_AHEAD);
  SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(t->ctx, verify, t);
  if (o->server && !(t->verified = tls_verified_new()))
    return ERR_NOMEM;
  if ((t->kernel = o->kernel))
    tls_kernel_use(t->ctx);
  if (o->server)
    SSL_CTX_set_tlsext_servername_callback(t->ctx, on_name);
  *out = TAKE(t);
  return OK;
}

/* The lists were checked when they came in, and the issuer's name stands in both. */
static bool is_listed(X509 *certificate, const struct tls *tls) {
  X509_REVOKED *entry = NULL;
  for (int i = 0; i < sk_X509_CRL_num(tls->lists); i++) {
    X509_CRL *list = sk_X509_CRL_value(tls->lists, i);
    if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) == 0 &&
        X509_CRL_get0_by_cert(list, &entry, certificate) == 1)
      return true;
  }
  return false;
}

bool tls_io_revoked(const struct tls_io *io, const struct tls *tls) {
  if (!io->ssl || SSL_get_SSL_CTX(io->ssl) == tls->ctx)
    return false;
  STACK_OF(X509) *chain = SSL_get0_verified_chain(io->ssl);
  for (int i = 0; tls->lists && i < sk_X509_num(chain); i++)
    if (is_listed(sk_X509_value(chain, i), tls))
      return true;
  return false;
}
