/* Tokens of managed identities: rows of the table in credential.c. */
#ifndef CLIENT_MANAGED_H
#define CLIENT_MANAGED_H

#include "client/credential.h"

bool managed_endpoint_is_set(const struct settings *s);
err_t managed_endpoint_get(const struct credential_call *c, struct token *out,
                           struct answer_hint *hint);
bool managed_imds_is_set(const struct settings *s);
err_t managed_imds_get(const struct credential_call *c, struct token *out,
                       struct answer_hint *hint);

#endif
