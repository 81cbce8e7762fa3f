/*
 * Certificates of the hub's authority (src/vault/ca), for a key that stays here: the hub sees a
 * request with its public part. Any thread; errors as in client.h.
 */
#ifndef CLIENT_USE_CA_H
#define CLIENT_USE_CA_H

#include "client/client.h"
#include "crypto/key.h"

struct client_ca_request {
  const char *profile;      /* "server", "client", "workload", "vpn": the authority's */
  const struct key *key;    /* a request is made with it; NULL: there is one */
  struct bytes csr;         /* PKCS#10, PEM; where there is no key */
  const char *const *names; /* DNS names, addresses, URIs, mailboxes; none: those of the csr */
  size_t name_count;
  const char *subject; /* NULL: none, or the csr's */
  uint64_t lifetime_s; /* 0: the profile's */
};
/* The answer's "certificate" is a PEM text: the certificate, then the issuing authority's. patience
 * NULL: the client's. Nothing is tried twice but what was turned away for too many requests: a
 * certificate whose answer was lost has been issued. */
err_t client_issue_certificate(struct client *c, const struct client_patience *patience,
                               const struct client_ca_request *rq, struct client_answer *out);

#endif
