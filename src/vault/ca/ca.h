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

/* Empty; ca_load() is given every record of the store whose place ca_owns() says is ours. */
err_t ca_new(struct store *s, struct ca **out);
void ca_free(struct ca *ca);
CLEANUP(ca, struct ca *, ca_free)
bool ca_owns(struct bytes place); /* "ca/.." */
err_t ca_load(struct ca *ca, struct bytes place, struct bytes body);
/* After the records: makes a root and an issuing authority where there are none. permit: what the
 * first issuing authority may issue for (struct cert_subtree); none: anything. */
err_t ca_ready(struct ca *ca, const struct cert_texts *permit);
/* Where the hub is reached, "https://hub.example:8443": certificates name it. "": they name
 * nothing. Before serving. */
void ca_set_url(struct ca *ca, const char *url);

/* Certificates as DER: the root, and an issuing authority by its number (0: the one that issues
 * now). ERR_NOT_FOUND. */
err_t ca_root(struct ca *ca, struct buf *der);
err_t ca_issuer(struct ca *ca, unsigned number, struct buf *der);
/* Whether it was issued here and is neither revoked nor expired at that time. */
bool ca_knows(struct ca *ca, struct bytes der, int64_t now);

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

/* OK if that identity's grant covers the profile and every name that the request asks for (DNS
 * names incl. the common name, addresses, URIs, e-mail), else REFUSEs with ERR_ACCESS_DENIED and
 * the first name that it may not have. */
err_t ca_check_names(struct ca *ca, const char *oid, enum ca_profile profile,
                     const struct cert_profile *says);

/*
 * What an identity may have certificates for. A name of a grant covers, of
 *   "a.example"          that DNS name; ".svc.example" those below it, at any depth;
 * "*.svc.example" the wildcard itself and names of one more label, which it stands for
 *   "10.1.0.0/16"        addresses in the block
 *   "spiffe://x/a"       that URI; with "*" at its end all that begin so
 *   "a@example.com"      that mailbox; "*@example.com" all of that host
 *   "upn:a@example.com"  that UPN
 *   "O=Contoso"          that attribute in a subject. Common names are covered by names as above,
 *                        too.
 * All else is refused. Replaces the identity's grant; without names and profiles removes it.
 */
#define CA_GRANT_NAMES_MAX 128
err_t ca_grant(struct ca *ca, const char *oid, unsigned profiles, const struct cert_texts *names);
/* {"objectId","names":[..],"profiles":[..]}; ERR_NOT_FOUND without a grant. */
err_t ca_write_grant(struct ca *ca, const char *oid, struct buf *json);
err_t ca_write_grants(struct ca *ca, struct buf *json); /* {"value":[..]} */

/* By serial (lower-case hexadecimal). reason: RFC 5280, 5.3.1 (0 unspecified, 1 keyCompromise, 4
 * superseded, 5 cessationOfOperation, ..). oid: only if that identity asked for it; NULL: whoever
 * did. ERR_CERTIFICATE_NOT_FOUND, ERR_CONFLICT when it is revoked already. */
err_t ca_revoke(struct ca *ca, const char *serial, unsigned reason, const char *oid);

#endif
