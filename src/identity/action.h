/*
 * What may be done: one table of data actions, {C name, Azure's name}. Routes name an action, roles
 * grant sets of them. A set of actions is a bit mask, so that a decision is a few words of
 * arithmetic.
 */
#ifndef IDENTITY_ACTION_H
#define IDENTITY_ACTION_H

#include "base/bytes.h"

#define KV "Microsoft.KeyVault/vaults/"
#define ACTION_TABLE(X) \
  X(ACT_KEY_READ, KV "keys/read") \
  X(ACT_KEY_CREATE, KV "keys/create/action") \
  X(ACT_KEY_IMPORT, KV "keys/import/action") \
  X(ACT_KEY_UPDATE, KV "keys/update/action") \
  X(ACT_KEY_DELETE, KV "keys/delete") \
  X(ACT_KEY_RECOVER, KV "keys/recover/action") \
  X(ACT_KEY_PURGE, KV "keys/purge/action") \
  X(ACT_KEY_BACKUP, KV "keys/backup/action") \
  X(ACT_KEY_RESTORE, KV "keys/restore/action") \
  X(ACT_KEY_ROTATE, KV "keys/rotate/action") \
  X(ACT_KEY_ENCRYPT, KV "keys/encrypt/action") \
  X(ACT_KEY_DECRYPT, KV "keys/decrypt/action") \
  X(ACT_KEY_WRAP, KV "keys/wrap/action") \
  X(ACT_KEY_UNWRAP, KV "keys/unwrap/action") \
  X(ACT_KEY_SIGN, KV "keys/sign/action") \
  X(ACT_KEY_VERIFY, KV "keys/verify/action") \
  X(ACT_KEY_RELEASE, KV "keys/release/action") \
  X(ACT_KEY_POLICY_READ, KV "keyrotationpolicies/read") \
  X(ACT_KEY_POLICY_WRITE, KV "keyrotationpolicies/write") \
  X(ACT_SECRET_READ, KV "secrets/readMetadata/action") \
  X(ACT_SECRET_GET, KV "secrets/getSecret/action") \
  X(ACT_SECRET_SET, KV "secrets/setSecret/action") \
  X(ACT_SECRET_UPDATE, KV "secrets/update/action") \
  X(ACT_SECRET_DELETE, KV "secrets/delete") \
  X(ACT_SECRET_RECOVER, KV "secrets/recover/action") \
  X(ACT_SECRET_PURGE, KV "secrets/purge/action") \
  X(ACT_SECRET_BACKUP, KV "secrets/backup/action") \
  X(ACT_SECRET_RESTORE, KV "secrets/restore/action") \
  X(ACT_CERT_READ, KV "certificates/read") \
  X(ACT_CERT_CREATE, KV "certificates/create/action") \
  X(ACT_CERT_IMPORT, KV "certificates/import/action") \
  X(ACT_CERT_UPDATE, KV "certificates/update/action") \
  X(ACT_CERT_DELETE, KV "certificates/delete") \
  X(ACT_CERT_RECOVER, KV "certificates/recover/action") \
  X(ACT_CERT_PURGE, KV "certificates/purge/action") \
  X(ACT_CERT_BACKUP, KV "certificates/backup/action") \
  X(ACT_CERT_RESTORE, KV "certificates/restore/action") \
  X(ACT_ISSUER_READ, KV "certificatecas/read") \
  X(ACT_ISSUER_WRITE, KV "certificatecas/write") \
  X(ACT_ISSUER_DELETE, KV "certificatecas/delete") \
  X(ACT_CONTACTS_WRITE, KV "certificatecontacts/write") \
  X(ACT_RNG, KV "rng/action") \
  X(ACT_ROLE_READ, "Microsoft.Authorization/roleDefinitions/read") \
  X(ACT_ROLE_WRITE, "Microsoft.Authorization/roleDefinitions/write") \
  X(ACT_ROLE_DELETE, "Microsoft.Authorization/roleDefinitions/delete") \
  X(ACT_ASSIGNMENT_READ, "Microsoft.Authorization/roleAssignments/read") \
  X(ACT_ASSIGNMENT_WRITE, "Microsoft.Authorization/roleAssignments/write") \
  X(ACT_ASSIGNMENT_DELETE, "Microsoft.Authorization/roleAssignments/delete") \
  X(ACT_VAULT_READ, KV "read") \
  X(ACT_VAULT_WRITE, KV "write") \
  X(ACT_VAULT_DELETE, KV "delete") \
  X(ACT_DELETED_VAULT_READ, "Microsoft.KeyVault/locations/deletedVaults/read") \
  X(ACT_DELETED_VAULT_PURGE, "Microsoft.KeyVault/locations/deletedVaults/purge/action") \
  X(ACT_IDENTITY_READ, "Strongroom/identities/read") \
  X(ACT_IDENTITY_WRITE, "Strongroom/identities/write") \
  X(ACT_AUDIT_READ, "Strongroom/audit/read") \
  X(ACT_STATUS_READ, "Strongroom/status/read") \
  X(ACT_SEAL, "Strongroom/seal/action") \
  X(ACT_CA_READ, "Strongroom/ca/read") \
  X(ACT_CA_ISSUE, "Strongroom/ca/issue/action") \
  X(ACT_CA_WRITE, "Strongroom/ca/write")

enum action {
#define X(name, text) name,
  ACTION_TABLE(X)
#undef X
    ACTION_COUNT,
  ACT_NONE = ACTION_COUNT, /* routes that need no token: the token service itself */
  ACT_ANY                  /* any valid token */
};
typedef uint64_t action_set; /* bit 1 << enum action */
_Static_assert(ACTION_COUNT <= 64, "action_set has 64 bits");

const char *action_name(enum action a);
/* The actions that a pattern names: '*' stands for any text, '/' included; case-insensitive. */
action_set action_match(struct bytes pattern);

#endif
