/* What the files of policies share. */
#ifndef VAULT_CERT_POLICY_INTERNAL_H
#define VAULT_CERT_POLICY_INTERNAL_H

#include "vault/cert_policy.h"

#define ACTION_RENEW "AutoRenew"
#define ACTION_EMAIL "EmailContacts"

#define WRONG(property, what) \
  REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: %s\r\n", property, what)

extern const char *const san_names[SAN_KINDS]; /* "dns_names" */

/* cert_policy_merge.c: given and base, joined in doc, an empty object. */
err_t cert_policy_join(json_t *given, json_t *base, json_t *doc);
bool cert_policy_unknown(json_t *doc); /* its issuer is "Unknown" */
bool json_present(json_t *o, const char *field);
err_t json_add(json_t *o, const char *field, json_t *value); /* value may be NULL: no memory */

/* cert_policy_read() without a look at the names that it asks for; and that look. */
err_t cert_policy_merge(json_t *given, struct bytes base, struct cert_policy *out);
err_t cert_policy_check(const struct cert_policy *p);

/* Appends the text of what p means. */
void cert_policy_put(const struct cert_policy *p, struct buf *out);

#endif
