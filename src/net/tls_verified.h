/*
 * Chains of peers that were found valid, of one context (tls_context.h): a peer that shows the same
 * certificates again is not verified again, which is most of what a handshake costs. That it has
 * the key is proven in each handshake, and whether it is meant is asked each time.
 *
 * What a chain's validity depends on besides its bytes is the context, whose roots, lists and
 * purpose never change, and the time: an entry holds from when it was verified until the first
 * certificate or list in it ends. Not for clients: theirs depends on the server's name, too. Any
 * thread.
 */
#ifndef NET_TLS_VERIFIED_H
#define NET_TLS_VERIFIED_H

#include "net/tls_context.h"

struct tls_verified;
struct tls_verified *tls_verified_new(void); /* NULL: out of memory */
void tls_verified_free(struct tls_verified *v);

/* As X509_verify_cert(). lists: all those that count; may be NULL. */
int tls_verified_check(struct tls_verified *v, X509_STORE_CTX *ctx, STACK_OF(X509_CRL) * lists);

#endif
