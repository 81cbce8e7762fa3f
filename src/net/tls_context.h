/* What the inside of a struct tls is, for the TLS files of this room only. */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include "net/tls.h"

#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls {
  SSL_CTX *ctx;
  _Atomic unsigned refs;
  STACK_OF(X509_CRL) * lists;    /* of tls_mutual(); NULL */
  struct buf alpn;               /* of tls_mutual(): protocols as they are sent (RFC 7301) */
  struct tls_verified *verified; /* of a server of tls_mutual(); NULL */
  bool kernel;                   /* makes records where it can */
};

err_t tls_new(const SSL_METHOD *side, struct tls **out);
/* chain_pem and key become ours. */
err_t tls_own(struct tls *t, struct bytes chain_pem, const struct key *key);
err_t tls_trust(struct tls *t, struct bytes ca_pem);

/* tls_kernel.c. out is the BIO that a tls_io writes to. */
void tls_kernel_use(SSL_CTX *ctx);
/* Puts OpenSSL's own BIO of a socket below out. */
bool tls_kernel_below(BIO *out, int fd);
/* Whether the kernel has the keys. */
bool tls_kernel_sends(BIO *out);
/* Whether the socket has room for more than a record; if not, its having is an event. */
bool tls_kernel_has_room(int fd);
int tls_kernel_write(BIO *out, const char *data, int size);

static inline void tls_bio_cleanup(BIO **b) {
  BIO_free(*b);
}
#define AUTO_BIO __attribute__((cleanup(tls_bio_cleanup))) BIO
static inline void tls_certificate_cleanup(X509 **x) {
  X509_free(*x);
}
#define AUTO_CERTIFICATE __attribute__((cleanup(tls_certificate_cleanup))) X509

#endif
