/* An authority as the hub's (a root, an issuing one under it), and what it issues, for tests. */
#ifndef TESTS_TRANSIT_PKI_H
#define TESTS_TRANSIT_PKI_H

#include "crypto/cert.h"
#include "net/tls.h"

struct pki {
  struct key *root_key, *ca_key;
  struct buf root_der, root_pem, ca_der;
  bool ca_revoked; /* the issuing authority is on the root's list */
};
err_t pki_init(struct pki *p);
void pki_free(struct pki *p);

struct identity_spec {
  const char *dns, *uri; /* NULL: none; at least one */
  const char *eku;       /* NULL: server and client */
  int64_t from, until;   /* seconds from now; both 0: an hour ago, in a day */
};
struct identity {
  struct key *key;
  struct buf chain_pem;
  uint8_t serial[CERT_SERIAL_SIZE];
};
err_t pki_issue(const struct pki *p, const struct identity_spec *s, struct identity *out);
void identity_free(struct identity *i);
#define AUTO_IDENTITY __attribute__((cleanup(identity_free))) struct identity

/* The issuing authority's list; revoked may be NULL. until: seconds from now. */
err_t pki_list(const struct pki *p, const struct identity *revoked, int64_t until, struct buf *der);

/* A context of that identity which trusts that authority. list may be NULL: none is looked at; else
 * the root's is looked at, too. */
err_t pki_tls(const struct pki *p, const struct identity *i, bool server, const struct buf *list,
              struct tls **out);

#endif
