/*
 * TLS 1.2 and 1.3 for servers and clients. There is no plaintext anywhere: a struct tls is needed
 * to listen or to dial.
 *
 * A context is immutable and counted; reloading a certificate makes a new one and hands it to the
 * server (http_server_reload()): connections that are open live on with the old one. TLS 1.2 has
 * ECDHE with AEAD suites only; no renegotiation, no compression; session tickets for TLS 1.3 are
 * off (each connection of an SDK is long-lived) as is early data.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "crypto/x509.h"

struct tls;

/* chain is PEM: the server's certificate first. The key must be the certificate's (ERR_CONFIG
 * otherwise). */
err_t tls_server(struct bytes chain_pem, const struct key *key, struct tls **out);
/* ca_pem: the trusted roots; empty means the system's. The server's name is always verified. */
err_t tls_client(struct bytes ca_pem, struct tls **out);
/* A client that proves nothing to itself: it names one application protocol and takes whatever
 * certificate the server shows, for tls_io_peer() to hand over. For tls-alpn-01 (RFC 8737) only. */
err_t tls_prober(const char *protocol, struct tls **out);

/*
 * Both sides show certificates of one authority. What a certificate is for (extended key usage)
 * counts; with lists, one that is revoked, or whose issuer's list is missing or out of date, is
 * refused. Who of the authority's is meant is for the tls_io's judge (tls_io.h).
 */
struct tls_mutual {
  bool server;
  struct bytes chain_pem; /* our certificate first */
  const struct key *key;
  struct bytes ca_pem;       /* the trusted roots */
  bool revocation;           /* looked at for the peer's certificate and those above it */
  const struct bytes *lists; /* DER */
  size_t list_count;
  bool tls12;  /* TLS 1.2, too; else 1.3 only */
  bool kernel; /* it makes the records that are sent, where it can (tls_kernel.h) */
  /* Application protocols. A server takes the first of the client's that is here and refuses a
   * client that names others only; without any it ignores what clients name. A client offers
   * them. */
  const char *const *alpn;
  size_t alpn_count;
};
err_t tls_mutual(const struct tls_mutual *o, struct tls **out);

struct tls *tls_ref(struct tls *t);
void tls_free(struct tls *t);
CLEANUP(tls, struct tls *, tls_free)

#endif
