/*
 * Who calls and what they may do: the hub's directory of identities, its token service's keys, and
 * for each vault role definitions and role assignments. All of it is in memory (records of the
 * store, loaded at start) behind one read-write lock; a change is durable before it is visible, and
 * visible to the next request.
 *
 * An identity is an application: an app id (the OAuth client id), an object id (the principal of
 * role assignments), a name, client secrets (kept as SHA-256: they are 256 random bits) and
 * certificates. Ids are GUIDs in lower case.
 *
 * Any thread. Tokens are in token.h, roles in role.h.
 */
#ifndef IDENTITY_IDENTITY_H
#define IDENTITY_IDENTITY_H

#include "base/codec.h"
#include "store/partition.h"

struct identity;

/* An empty directory; identity_load() is given every record of the store whose place
 * identity_owns() says is ours. */
err_t identity_new(struct store *s, struct identity **out);
void identity_free(struct identity *id);
CLEANUP(identity, struct identity *, identity_free)
bool identity_owns(struct bytes place); /* "tenant", "identity/..", "tokenkey/.." */
err_t identity_load(struct identity *id, struct bytes place, struct bytes body);
/* After the records: a new store gets its tenant id and first token key. */
err_t identity_ready(struct identity *id);
const char *identity_tenant(const struct identity *id); /* GUID */

#define IDENTITY_NAME_MAX 120 /* characters, printable UTF-8 */

/* Applications, of at most 16 credentials each. All that write are durable on return. */
err_t identity_create(struct identity *id, const char *name, char app_id[static GUID_SIZE + 1]);
/* oid for the app id or name (any case); ERR_IDENTITY_NOT_FOUND. */
err_t identity_find(struct identity *id, const char *app_id_oid_or_name,
                    char app_id[static GUID_SIZE + 1], char oid[static GUID_SIZE + 1]);
/* The name of the identity of that object id; "" when there is none. */
void identity_name(struct identity *id, const char *oid,
                   char out[static 4 * IDENTITY_NAME_MAX + 1]);
/* Whether there is an identity of that object id, and it is enabled. */
bool identity_enabled(struct identity *id, const char *oid);
err_t identity_set_enabled(struct identity *id, const char *app_id,
                           bool enabled); /* its tokens stop at once */
/* With its role assignments in all vaults. ERR_CONFLICT while a vault has no other owner. */
err_t identity_delete(struct identity *id, const char *app_id);
/* A new client secret: 43 characters base64url in *secret (shown once), its id in secret_id.
 * lifetime in seconds, 0: no end. */
err_t identity_add_secret(struct identity *id, const char *app_id, int64_t lifetime,
                          char secret_id[static GUID_SIZE + 1], struct secret *secret);
/* Enables the identity and replaces all its credentials by a new secret without end. */
err_t identity_reset(struct identity *id, const char *app_id, char secret_id[static GUID_SIZE + 1],
                     struct secret *secret);
err_t identity_add_certificate(struct identity *id, const char *app_id, struct bytes pem_or_der,
                               char credential_id[static GUID_SIZE + 1]);
err_t identity_remove_credential(struct identity *id, const char *app_id,
                                 const char *credential_id);
/* JSON:
 * {"appId","objectId","displayName","enabled","created","credentials":[
 * {"id","type":"secret"|"certificate","created","expires"?,"thumbprint"?}]}; the list is
 * {"value":[..]} sorted by name. No secret is in it. */
err_t identity_write(struct identity *id, const char *app_id, struct buf *json);
err_t identity_write_all(struct identity *id, struct buf *json);

#endif
