/*
 * Certificate policies: what a certificate is to be made like, as the API's JSON says it. The text
 * is kept and shown in one normal form; what it means is read from it when it is needed.
 */
#ifndef VAULT_CERT_POLICY_H
#define VAULT_CERT_POLICY_H

#include "base/json.h"
#include "crypto/cert.h"

#define CERT_POLICY_MAX 65536 /* bytes of the text */
#define CERT_ISSUER_MAX 127   /* characters of an issuer's name */
#define CERT_MONTHS_MAX 1200

/* The issuers that need no object. Compared without case. */
#define ISSUER_SELF "Self"       /* self-signed */
#define ISSUER_UNKNOWN "Unknown" /* the client has the request signed elsewhere and merges */
#define ISSUER_HUB "Hub"         /* the hub's authority */

/* When an action is due; both 0: never. */
struct cert_trigger {
  unsigned percentage; /* of the lifetime, 1 to 99 */
  unsigned days;       /* before expiry */
};

struct cert_policy {
  struct buf text; /* JSON object: key_props, secret_props, x509_props, lifetime_actions, issuer, in
                      the service's order, without id and attributes */
  struct key_spec spec;
  bool hsm, exportable, reuse_key;
  bool pem; /* the secret's form: application/x-pem-file; else application/x-pkcs12 */
  struct cert_profile says; /* without times; points into what is owned here */
  unsigned months;          /* of validity */
  char issuer[CERT_ISSUER_MAX + 1];
  struct cert_trigger renew, email;
  json_t *owner; /* of what says points to */
  const char **items[SAN_KINDS + 1];
};
void cert_policy_free(struct cert_policy *p); /* a zeroed struct is fine */
#define AUTO_CERT_POLICY __attribute__((cleanup(cert_policy_free))) struct cert_policy

/* "application/x-pem-file" or "application/x-pkcs12" */
const char *cert_policy_type(bool pem);

/* given (may be NULL), completed by what base says and then by the service's defaults, checked.
 * base: a policy's text, or empty. REFUSEd with ERR_BAD_PARAMETER and the property's name. */
err_t cert_policy_read(json_t *given, struct bytes base, struct cert_policy *out);
/* The same for a certificate that is imported: what given leaves open is what the certificate and
 * its key say; the issuer is "Unknown". pem: how it was given. REFUSEd when given describes another
 * key. */
err_t cert_policy_of(json_t *given, const struct cert_info *info, bool pem,
                     struct cert_policy *out);

#endif
