/* What the bodies of requests to the authority say. */
#ifndef VAULT_API_CA_READ_H
#define VAULT_API_CA_READ_H

#include "vault/api/api.h"

/* {"profile","csr","names"?,"subject"?,"lifetime"?}: info is what the request says, with names and
 * subject of the body in place of its own; rq borrows from it. */
err_t ca_read_request(json_t *body, struct cert_info *info, struct ca_request *rq);
err_t ca_read_texts(json_t *body, const char *field, struct cert_texts *out);
err_t ca_read_profiles(json_t *body, unsigned *out); /* bits 1 << enum ca_profile */

#endif
