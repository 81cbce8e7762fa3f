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
struct tls *tls_ref(struct tls *t);
void tls_free(struct tls *t);
CLEANUP(tls, struct tls *, tls_free)

#endif
