/*
 * The hub's certificate authority: a root and an issuing authority under it. What it issues is
 * recorded before it is handed out, can be revoked by serial or name, and shows in the CRL and in
 * OCSP answers, which are signed and kept fresh.
 *
 * A request says what a certificate is to say; the authority bounds it (times, name constraints, no
 * authorities) and adds where revocation is answered. Whether the caller may have those names is
 * decided before, by ca_check_names().
 *
 * Any thread, once ready. What issues or revokes commits to the store and belongs to the slow lane.
 */
#ifndef VAULT_CA_CA_H
#define VAULT_CA_CA_H

#include "crypto/cert.h"
#include "store/store.h"

struct ca;

/* What a kind of holder needs: key usage, extended usages and the longest lifetime. */
enum ca_profile { CA_SERVER, CA_CLIENT, CA_WORKLOAD, CA_VPN, CA_PROFILES };
const char *ca_profile_name(enum ca_profile p); /* "server" */
bool ca_profile_parse(struct bytes text, enum ca_profile *out);

struct ca_request {
  enum ca_profile profile;
  /* Subject, names and times. Usages: those of the profile if none are given. not_after 0: the
   * profile's lifetime from now. */
  struct cert_profile says;
  const struct key *key; /* the holder's; its public part is enough */
  const char *oid;       /* who asked: object id of an identity; "": the hub itself */
  const char *via;       /* "api", "vault", "acme", "hub": for lists */
};

/* Issues and records. The chain is the certificate, then the issuing authority's; the root is not
 * in it. REFUSEd: names out of the authority's constraints, weak keys, times out of its own. */
err_t ca_issue(struct ca *ca, const struct ca_request *rq, struct cert_chain *out);

/* OK if that identity's grant covers the profile and every name that the request asks for (DNS names
 * incl. the common name, addresses, URIs, e-mail), else REFUSEs with ERR_ACCESS_DENIED and the
 * first name that it may not have. */
err_t ca_check_names(struct ca *ca, const char *oid, enum ca_profile profile,
                     const struct cert_profile *says);

/* By serial (lower-case hexadecimal). reason: RFC 5280, 5.3.1 (0 unspecified, 1 keyCompromise, 4
 * superseded, 5 cessationOfOperation, ..). oid: only if that identity asked for it; NULL: whoever
 * did. ERR_CERTIFICATE_NOT_FOUND, ERR_CONFLICT when it is revoked already. */
err_t ca_revoke(struct ca *ca, const char *serial, unsigned reason, const char *oid);

#endif
