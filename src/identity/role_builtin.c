/* The built-in roles: one table. Patterns are shown as Azure documents them; those that name
 * nothing of this hub grant nothing. */
#include "identity/internal.h"

#include <stdio.h>

#define AUTHORIZATION "Microsoft.Authorization/"
#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
static const char *const none[] = { NULL };

static const struct builtin {
  const char *guid, *name, *description;
  const char *const *actions, *const *data_actions;
  bool is_data_role;
} table[] = {
  { ROLE_OWNER, "Owner",
    "Manages roles, assignments, vaults, identities, seal and audit of the hub. Reaches no key, "
    "secret or certificate.",
    LIST(AUTHORIZATION "*", "Strongroom/*", KV "read", KV "write", KV "delete",
         "Microsoft.KeyVault/locations/deletedVaults/*"),
    none, false },
  { "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator",
    "Manages role definitions and role assignments.", LIST(AUTHORIZATION "*"), none, false },
  { "5f2d1c0a-8f0e-4b7b-9a55-3c1d7e92b604", "Strongroom Auditor",
    "Reads the audit log and the status of the hub.",
    LIST("Strongroom/audit/read", "Strongroom/status/read"), none, false },
  { "3f6c9a52-7d1e-4c0b-8a64-2be9d5f7c1a3", "Strongroom Certificate Requester",
    "Asks the hub's authority for certificates with the names that it was granted.",
    LIST("Strongroom/ca/issue/action"), none, false },
  { ROLE_ADMINISTRATOR, "Key Vault Administrator",
    "Does everything with keys, secrets and certificates. Manages no role assignments.", none,
    LIST(KV "*"), true },
  { "21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader",
    "Reads the properties of keys, secrets and certificates; no secret values.", none,
    LIST(KV "*/read", KV "secrets/readMetadata/action"), true },
  { "a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer",
    "Does everything with certificates.", none,
    LIST(KV "certificatecas/*", KV "certificates/*", KV "certificatecontacts/write"), true },
  { "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User",
    "Reads certificates with their private keys.", none,
    LIST(KV "certificates/read", KV "secrets/getSecret/action", KV "secrets/readMetadata/action",
         KV "keys/read"),
    true },
  { "14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer",
    "Does everything with keys and their rotation.", none,
    LIST(KV "keys/*", KV "keyrotationpolicies/*", KV "rng/action"), true },
  { "12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User",
    "Uses keys for every operation and updates their attributes.", none,
    LIST(KV "keys/read", KV "keys/update/action", KV "keys/backup/action", KV "keys/encrypt/action",
         KV "keys/decrypt/action", KV "keys/wrap/action", KV "keys/unwrap/action",
         KV "keys/sign/action", KV "keys/verify/action", KV "rng/action"),
    true },
  { ROLE_CRYPTO_SERVICE_ENCRYPTION, "Key Vault Crypto Service Encryption User",
    "Reads key properties, wraps and unwraps: uses keys and cannot change them.", none,
    LIST(KV "keys/read", KV "keys/wrap/action", KV "keys/unwrap/action"), true },
  { "08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User",
    "Releases keys by their release policy.", none, LIST(KV "keys/release/action"), true },
  { "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer",
    "Does everything with secrets.", none, LIST(KV "secrets/*"), true },
  { "4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", "Reads secret values.", none,
    LIST(KV "secrets/getSecret/action", KV "secrets/readMetadata/action"), true },
  { "a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator", "Purges deleted vaults.",
    LIST("Microsoft.KeyVault/locations/deletedVaults/read",
         "Microsoft.KeyVault/locations/deletedVaults/purge/action"),
    none, false },
  { ROLE_DATA_ACCESS_ADMINISTRATOR, "Key Vault Data Access Administrator",
    "Adds and removes assignments of the roles that reach keys, secrets and certificates; of no "
    "other role.",
    LIST(AUTHORIZATION "roleAssignments/write", AUTHORIZATION "roleAssignments/delete",
         AUTHORIZATION "*/read"),
    none, false },
  { "f25e0fa2-a7c8-4377-a976-54943a77a395", "Key Vault Contributor",
    "Manages vaults. Reaches no key, secret or certificate.",
    LIST(AUTHORIZATION "*/read", "Microsoft.KeyVault/*"), none, false },
};

size_t role_builtin_count(void) {
  return sizeof table / sizeof *table;
}

const char *role_builtin_guid(size_t index) {
  return table[index].guid;
}

static void show_list(struct buf *json, const char *name, const char *const *patterns) {
  write_open(json, name, '[');
  for (; *patterns; patterns++)
    write_str(json, NULL, *patterns);
  write_close(json, ']');
}

static action_set match_all(const char *const *patterns) {
  action_set set = 0;
  for (; *patterns; patterns++)
    set |= action_match(bytes_str(*patterns));
  return set;
}

err_t role_builtin_make(size_t index, struct role **out) {
  const struct builtin *b = &table[index];
  AUTO(role) struct role *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  const char *const *lists[ROLE_LISTS] = { b->actions, none, b->data_actions, none };
  action_set sets[ROLE_LISTS];
  memcpy(r->guid, b->guid, GUID_SIZE + 1);
  snprintf(r->name, sizeof r->name, "%s", b->name);
  r->is_builtin = true;
  r->is_data_role = b->is_data_role;
  memcpy(r->scopes[r->scope_count++], "/", 2);
  role_show_open(r, b->description);
  write_open(&r->shown, NULL, '{');
  for (size_t i = 0; i < ROLE_LISTS; i++) {
    show_list(&r->shown, role_list_names[i], lists[i]);
    sets[i] = match_all(lists[i]);
  }
  write_close(&r->shown, '}');
  role_show_close(r);
  r->allowed = role_permission(sets);
  TRY(buf_ok(&r->shown));
  *out = TAKE(r);
  return OK;
}
