/*
 * Roles: Azure's built-in Key Vault roles with their GUIDs, and, for each vault by itself, custom
 * roles and assignments {role, principal, scope}. Deny by default: a request is allowed only if an
 * assignment of its caller covers the scope and its role grants the action.
 *
 * Scopes are "/" (the vault; in the hub's own one, the hub as well), "/keys", "/keys/<name>"
 * (likewise secrets and certificates); compared without case. A change is visible to the next
 * role_decide(). Any thread.
 */
#ifndef IDENTITY_ROLE_H
#define IDENTITY_ROLE_H

#include "base/json.h"
#include "identity/action.h"
#include "identity/token.h"

#define SCOPE_MAX 160
#define ROLES_VAULT_MAX 24 /* characters of a vault's name */

struct roles;

/* The roles of a vault, over its part of the store (borrowed). vault: its name, for the texts of
 * refusals; "": the hub's own vault. Then roles_load() is given every record of the part whose
 * place roles_owns() says is ours; ready after identity_ready(). To be freed before the directory.
 */
err_t roles_new(struct identity *id, struct partition *part, const char *vault, struct roles **out);
void roles_free(struct roles *r);
CLEANUP(roles, struct roles *, roles_free)
bool roles_owns(struct bytes place); /* "role/..", "assignment/.." */
err_t roles_load(struct roles *r, struct bytes place, struct bytes body);
err_t roles_ready(struct roles *r);
/* Its vault is no more: it needs no owner. */
void roles_retire(struct roles *r);
/* Calls each for the place of every record; stops at the first error, which it returns. No changes
 * meanwhile. */
typedef err_t roles_place(void *ctx, const char *place);
err_t roles_each_place(struct roles *r, roles_place *each, void *ctx);

#define ROLE_OWNER \
  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635" /* Owner: roles, identities, audit; no keys */
#define ROLE_ADMINISTRATOR "00482a5a-887f-4fb3-b363-3b7fe8e74483" /* Key Vault Administrator */
#define ROLE_CRYPTO_SERVICE_ENCRYPTION \
  "e147488a-f6f5-4113-8e2d-b22465e65bf6" /* Key Vault Crypto Service Encryption User */

/* True, and the assignment that allows it, or false. The one place where access is decided. action
 * is one of the table; for ACT_NONE and ACT_ANY, which no role grants, it is false. */
bool role_decide(struct roles *r, const struct caller *who, enum action action, const char *scope,
                 char assignment_id[static GUID_SIZE + 1]);

/* True when scope may be assigned at: "/", "/keys", "/keys/<valid name>", secrets, certificates. */
bool scope_valid(const char *scope);

/* Role by GUID or by name (any case: "Key Vault Crypto User" or short "crypto-user");
 * ERR_ROLE_DEFINITION_NOT_FOUND. */
err_t role_find(struct roles *r, const char *guid_or_name, char guid[static GUID_SIZE + 1]);

/*
 * JSON as the Managed HSM RBAC API shows it. Definitions:
 * {"id","name","type","properties":{"roleName","description","type":"AKVBuiltInRole"|"CustomRole",
 * "assignableScopes":["/"],"permissions":[
 * {"actions":[],"notActions":[],"dataActions":[..],"notDataActions":[..]}]}}.
 * Assignments: {"id","name","type","properties":{"principalId","roleDefinitionId","scope"}}.
 */
err_t role_write_definition(struct roles *r, const char *guid, struct buf *json);
err_t role_write_definitions(struct roles *r, struct buf *json); /* {"value":[..]} built-in first */
/* body is that of a PUT: {"properties":{roleName, description, permissions, assignableScopes}}.
 * "Role definition name must be a GUID", "Cannot re-use the name/GUID matching that of a built-in
 * role. Please use a unique role ID.": ERR_BAD_PARAMETER. */
err_t role_put_definition(struct roles *r, const struct caller *granter, const char *guid,
                          json_t *body);
err_t role_delete_definition(struct roles *r, const struct caller *granter,
                             const char *guid); /* refused while assigned (ERR_CONFLICT) */

/* granter may be NULL (the hub itself). A definition grants wherever it is assigned: who changes
 * one must be allowed to at "/". A caller whose only right to assign is Data Access
 * Administrator may assign Key Vault data roles only. An assignment with the same role, principal
 * and scope exists already: ERR_CONFLICT. Unknown principals are refused. */
err_t role_assign(struct roles *r, const struct caller *granter, const char *guid, const char *role,
                  const char *principal_oid, const char *scope);
/* ERR_CONFLICT for the last Owner assignment at "/": a vault always has an owner. */
err_t role_unassign(struct roles *r, const struct caller *granter, const char *guid,
                    const char *scope);
struct assignment_ids { /* what an assignment joins */
  char role[GUID_SIZE + 1], oid[GUID_SIZE + 1];
};
err_t role_assignment_ids(struct roles *r, const char *guid, const char *scope,
                          struct assignment_ids *out);
err_t role_write_assignment(struct roles *r, const char *guid, const char *scope, struct buf *json);
/* At the scope and below it ("/" lists all); principal_oid "" for all. */
err_t role_write_assignments(struct roles *r, const char *scope, const char *principal_oid,
                             struct buf *json);

#endif
