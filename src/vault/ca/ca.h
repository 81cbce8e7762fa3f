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

/* Keeps where the hub is reached and its names, for when it is stopped. */
err_t ca_keep_hub(struct ca *ca, const char *const *names, size_t count);
const char *ca_kept_url(const struct ca *ca); /* "" at first */
const struct cert_texts *ca_kept_names(const struct ca *ca);

/*
 * The root's key elsewhere. Sealed under a passphrase (scrypt) it is appended to out; once that is
 * safe, ca_forget_root() removes it here. ca_open_root(): ERR_ROOT_KEY for a wrong passphrase,
 * ERR_CONFLICT for the key of another root.
 */
err_t ca_seal_root(struct ca *ca, struct bytes passphrase, struct buf *out);
err_t ca_open_root(struct ca *ca, struct bytes passphrase, struct bytes sealed, struct key **out);
err_t ca_forget_root(struct ca *ca);
/* A fresh issuing authority. root_key NULL: the one that is here. permit: what it may issue for;
 * empty: what the last one may. revoke: the earlier ones, and so all that they issued. */
err_t ca_renew(struct ca *ca, const struct key *root_key, const struct cert_texts *permit,
               bool revoke, unsigned *number);

/* Certificates as DER: the root, and an issuing authority by its number (0: the one that issues
 * now). ERR_NOT_FOUND. */
err_t ca_root(struct ca *ca, struct buf *der);
err_t ca_issuer(struct ca *ca, unsigned number, struct buf *der);
/* Their revocation lists, and until when they are good. */
err_t ca_root_crl(struct ca *ca, struct buf *der, int64_t *next_update);
err_t ca_crl(struct ca *ca, unsigned number, struct buf *der, int64_t *next_update);
/* The response to an OCSP request, whatever that is. *fresh_until: 0, or until when caches may keep
 * it. Signs at most some hundred answers a second that it has not signed before; what is asked for
 * beyond that is told to try later, or gets an answer without its nonce. */
err_t ca_ocsp(struct ca *ca, struct bytes request, struct buf *der, int64_t *fresh_until);

/* What happens by time (now: Unix seconds): the renewal of the issuing authority while the root's
 * key is here, of revocation lists and OCSP signers; what expired long ago is forgotten. *renewed:
 * the number of a fresh issuing authority, or 0. One thread at a time. */
err_t ca_carry_out_due(struct ca *ca, int64_t now, unsigned *renewed);

/* Whether it was issued here and is neither revoked nor expired at that time. */
bool ca_knows(struct ca *ca, struct bytes der, int64_t now);

/* What a kind of holder needs: key usage, extended usages and the longest lifetime. */
enum ca_profile { CA_SERVER, CA_CLIENT, CA_WORKLOAD, CA_VPN, CA_PROFILES };
const char *ca_profile_name(enum ca_profile p); /* "server" */
bool ca_profile_parse(struct bytes text, enum ca_profile *out);
bool ca_profile_has_eku(enum ca_profile p, const char *eku);

struct ca_request {
  enum ca_profile profile;
  /* Subject, names and times. Usages: those of the profile if none are given. not_after 0: the
   * profile's lifetime from now. */
  struct cert_profile says;
  int64_t lifetime;      /* seconds from now, where not_after is 0; 0: the profile's */
  const struct key *key; /* the holder's; its public part is enough */
  const char *oid;       /* who asked: object id of an identity; "": the hub itself */
  const char *via;       /* "api", "vault", "acme", "hub": for lists */
};

/* Issues and records. The chain is the certificate, then the issuing authority's; the root is not
 * in it. REFUSEd: names out of the authority's constraints, weak keys, times out of its own. */
err_t ca_issue(struct ca *ca, const struct ca_request *rq, struct cert_chain *out);

/* OK if that identity's grant covers the profile and every name that the request asks for (DNS
 * names incl. the common name, addresses, URIs, e-mail) and extended key usage is the profile's,
 * else REFUSEs with ERR_ACCESS_DENIED and the first that it may not have. */
err_t ca_check_names(struct ca *ca, const char *oid, enum ca_profile profile,
                     const struct cert_profile *says);

/* The same, with what the certificate says: to read it again would cost more than to issue it. */
struct ca_facts {
  char serial[2 * CERT_SERIAL_SIZE + 1];
  int64_t not_before, not_after;
};
err_t ca_issue_facts(struct ca *ca, const struct ca_request *rq, struct cert_chain *out,
                     struct ca_facts *facts);

/*
 * What an identity may have certificates for: a grant's names are patterns (crypto/cert_match.h);
 * common names are covered by names, too. All else is refused. Replaces the identity's grant;
 * without names and profiles removes it.
 */
#define CA_GRANT_NAMES_MAX 128
err_t ca_grant(struct ca *ca, const char *oid, unsigned profiles, const struct cert_texts *names);
/* {"objectId","names":[..],"profiles":[..]}; ERR_NOT_FOUND without a grant. */
err_t ca_write_grant(struct ca *ca, const char *oid, struct buf *json);
err_t ca_write_grants(struct ca *ca, struct buf *json); /* {"value":[..]} */

/* RFC 5280's names, 5.3.1: "keyCompromise". */
const char *ca_reason_name(unsigned reason);
bool ca_reason_parse(struct bytes text, unsigned *out);
/* OK if a certificate of the profile may begin and end then, but for the end of the authority. */
err_t ca_check_times(enum ca_profile profile, const struct cert_profile *says);

/* By serial (lower-case hexadecimal). reason: RFC 5280, 5.3.1 (0 unspecified, 1 keyCompromise, 4
 * superseded, 5 cessationOfOperation, ..). oid: only if that identity asked for it; NULL: whoever
 * did. ERR_CERTIFICATE_NOT_FOUND, ERR_CONFLICT when it is revoked already. */
err_t ca_revoke(struct ca *ca, const char *serial, unsigned reason, const char *oid);

/* All that are for that name and have neither expired nor been revoked. *count may be 0. */
err_t ca_revoke_name(struct ca *ca, const char *name, unsigned reason, size_t *count);

/* {"root":{..},"authorities":[..],"certificates":n,"revoked":n} */
err_t ca_write(struct ca *ca, struct buf *json);
/* "value":[{..},..], the newest first. name: only those that are for it; NULL: all. after: a
 * serial, "" to begin. *last: the last one's serial if there are more, else "". */
struct ca_page {
  const char *name, *after;
  size_t max;
};
err_t ca_write_certificates(struct ca *ca, const struct ca_page *page, struct buf *json,
                            char last[static 2 * CERT_SERIAL_SIZE + 1]);

#endif
