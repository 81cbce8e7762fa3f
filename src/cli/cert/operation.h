/* The making of a version of a certificate: asked for, waited for, or left to another authority. */
#ifndef CLI_CERT_OPERATION_H
#define CLI_CERT_OPERATION_H

#include "cli/ask.h"

/* Asks for a version; *out is the operation. body: JSON, or NULL for one as the policy says. */
err_t operation_begin(struct client *c, const char *name, const struct buf *body,
                      struct client_answer *out);
/* Waits while the vault works on it. *out is the operation as it is then: completed, failed,
 * cancelled, or in progress if another authority has to sign. */
err_t operation_wait(struct client *c, const char *name, struct client_answer *out);
bool operation_completed(json_t *operation);
/* ERR_CONFLICT (FAILed with the reason) when it failed or was cancelled. */
err_t operation_check(json_t *operation);

#endif
