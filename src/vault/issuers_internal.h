/* What the files of issuers share. */
#ifndef VAULT_ISSUERS_INTERNAL_H
#define VAULT_ISSUERS_INTERNAL_H

#include "vault/issuers.h"

/* issuer_text.c: sets the provider and appends the text. base: what it was, NULL when it is new. */
err_t issuer_put(json_t *given, json_t *base, struct issuer *out);
/* The list of a body's contacts, appended. */
err_t contacts_put(json_t *given, struct buf *out);

#endif
