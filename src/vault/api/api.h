/*
 * The REST routes: HTTP and JSON on one side, the vault, the directory and the audit log on the
 * other.
 *
 * Every request's way is the same and written once (call.c): route, caller, decision, handler,
 * answer, audit record. The route table below is the permission table: a row names method, path,
 * lane, data action, scope and the audit log's operation, the compiler insists on all of them, and
 * a handler without a row has no prototype and does not build.
 */
#ifndef VAULT_API_API_H
#define VAULT_API_API_H

#include "crypto/ocsp.h"
#include "identity/role.h"
#include "net/server.h"
#include "vault/acme/acme.h"
#include "vault/audit.h"
#include "vault/ca/ca.h"
#include "vault/certificates.h"
#include "vault/keys.h"
#include "vault/secrets.h"
#include "vault/vaults.h"

#define API_VERSION_MAX 32
#define API_SEGMENTS 8
#define DOMAINS_MAX 16
#define DOMAIN_SIZE_MAX 200 /* characters */

/* What the rooms need to answer; filled by the hub, which owns all of it. Pointers are set before
 * state becomes API_READY. */
enum api_state { API_SEALED, API_READY };
struct api {
  _Atomic int state;
  struct vault *vault;
  struct roles *roles; /* the vault's; the hub's, too */
  struct vaults *vaults;
  struct identity *identity;
  struct audit *audit;
  struct ca *ca;
  struct acme *acme;
  const char *const *hosts; /* names beyond localhost and addresses that the hub answers to */
  size_t host_count;
  const char *const *domains; /* the vault NAME is at NAME.<domain> */
  size_t domain_count;
  char resources[DOMAINS_MAX][DOMAIN_SIZE_MAX + 16]; /* of the domains, for tokens */
  char issuer[512];
  char provider[16]; /* root key provider */
  int64_t started;
  _Atomic uint64_t lists; /* bytes of revocation lists on their way, each a copy */
  void *hub;
  err_t (*unseal)(void *hub, const char *peer, struct bytes passphrase);
  void (*seal)(void *hub); /* ends the process after the answer; it comes back sealed */
  err_t (*audit_read)(void *hub, uint64_t from, uint64_t count, audit_each *each, void *ctx);
  void (*stats)(void *hub, struct http_server_stats *out);
};
struct http_app api_app(struct api *api);

enum scope_kind {
  SCOPE_ROOT,
  SCOPE_COLLECTION, /* "/keys" */
  SCOPE_OBJECT,     /* "/keys/<name>" */
  SCOPE_PATH        /* what stands before /providers/ */
};
/* LANE_KEY is fast but for keys whose private operations take milliseconds. */
enum route_lane { LANE_FAST, LANE_SLOW, LANE_KEY };

#define BODY_NONE 1024 /* bytes; clients may send {} where nothing is read */
#define BODY_SMALL 65536
#define BODY_CSR (2 * CERT_DER_MAX) /* base64, and names beside it */
#define BODY_LARGE (4u * 1024 * 1024)
#define BODY_BACKUP(max) ((max) / 3 * 4 + 1024)         /* base64url in JSON */
#define BODY_SECRET (6 * SECRET_VALUE_MAX + BODY_SMALL) /* each byte may be written \u0001 */

#define BODY_CERTIFICATE (2 * CERT_POLICY_MAX) /* with attributes and tags */
/* Base64 of PKCS#12 or PEM, or a chain. */
#define BODY_IMPORT ((CERT_PKCS12_MAX + CERT_CHAIN_MAX * CERT_DER_MAX) / 3 * 4 + BODY_SMALL)

/*
 * {name}, {version} and {id} are path segments; {version} may be empty, which is the latest one;
 * {scope} is any number of segments before it. handler, method, path, lane, body limit, data
 * action, scope, audit operation
 */
#define ROUTE_TABLE(X) \
  X(objects_list, HTTP_GET, "keys", LANE_FAST, BODY_NONE, ACT_KEY_READ, SCOPE_COLLECTION, \
    "KeyList") \
  X(objects_versions, HTTP_GET, "keys/{name}/versions", LANE_FAST, BODY_NONE, ACT_KEY_READ, \
    SCOPE_OBJECT, "KeyListVersions") \
  X(keys_policy_get_, HTTP_GET, "keys/{name}/rotationpolicy", LANE_FAST, BODY_NONE, \
    ACT_KEY_POLICY_READ, SCOPE_OBJECT, "KeyRotationPolicyGet") \
  X(keys_policy_put, HTTP_PUT, "keys/{name}/rotationpolicy", LANE_SLOW, BODY_SMALL, \
    ACT_KEY_POLICY_WRITE, SCOPE_OBJECT, "KeyRotationPolicySet") \
  X(keys_attestation, HTTP_GET, "keys/{name}/{version}/attestation", LANE_FAST, BODY_NONE, \
    ACT_KEY_READ, SCOPE_OBJECT, "KeyGetAttestation") \
  X(keys_show, HTTP_GET, "keys/{name}/{version}", LANE_FAST, BODY_NONE, ACT_KEY_READ, \
    SCOPE_OBJECT, "KeyGet") \
  X(objects_restore, HTTP_POST, "keys/restore", LANE_SLOW, BODY_BACKUP(KEY_BACKUP_MAX), \
    ACT_KEY_RESTORE, SCOPE_COLLECTION, "KeyRestore") \
  X(keys_create_post, HTTP_POST, "keys/{name}/create", LANE_SLOW, BODY_SMALL, ACT_KEY_CREATE, \
    SCOPE_OBJECT, "KeyCreate") \
  X(keys_rotate_post, HTTP_POST, "keys/{name}/rotate", LANE_SLOW, BODY_NONE, ACT_KEY_ROTATE, \
    SCOPE_OBJECT, "KeyRotate") \
  X(objects_backup, HTTP_POST, "keys/{name}/backup", LANE_SLOW, BODY_NONE, ACT_KEY_BACKUP, \
    SCOPE_OBJECT, "KeyBackup") \
  X(keys_import_put, HTTP_PUT, "keys/{name}", LANE_SLOW, BODY_SMALL, ACT_KEY_IMPORT, SCOPE_OBJECT, \
    "KeyImport") \
  X(keys_update_patch, HTTP_PATCH, "keys/{name}/{version}", LANE_SLOW, BODY_SMALL, ACT_KEY_UPDATE, \
    SCOPE_OBJECT, "KeyUpdate") \
  X(objects_delete, HTTP_DELETE, "keys/{name}", LANE_SLOW, BODY_NONE, ACT_KEY_DELETE, \
    SCOPE_OBJECT, "KeyDelete") \
  X(keys_encrypt, HTTP_POST, "keys/{name}/{version}/encrypt", LANE_KEY, BODY_LARGE, \
    ACT_KEY_ENCRYPT, SCOPE_OBJECT, "KeyEncrypt") \
  X(keys_decrypt, HTTP_POST, "keys/{name}/{version}/decrypt", LANE_KEY, BODY_LARGE, \
    ACT_KEY_DECRYPT, SCOPE_OBJECT, "KeyDecrypt") \
  X(keys_wrap, HTTP_POST, "keys/{name}/{version}/wrapkey", LANE_KEY, BODY_SMALL, ACT_KEY_WRAP, \
    SCOPE_OBJECT, "KeyWrap") \
  X(keys_unwrap, HTTP_POST, "keys/{name}/{version}/unwrapkey", LANE_KEY, BODY_SMALL, \
    ACT_KEY_UNWRAP, SCOPE_OBJECT, "KeyUnwrap") \
  X(keys_sign, HTTP_POST, "keys/{name}/{version}/sign", LANE_KEY, BODY_SMALL, ACT_KEY_SIGN, \
    SCOPE_OBJECT, "KeySign") \
  X(keys_verify, HTTP_POST, "keys/{name}/{version}/verify", LANE_KEY, BODY_SMALL, ACT_KEY_VERIFY, \
    SCOPE_OBJECT, "KeyVerify") \
  X(keys_release, HTTP_POST, "keys/{name}/{version}/release", LANE_FAST, BODY_SMALL, \
    ACT_KEY_RELEASE, SCOPE_OBJECT, "KeyRelease") \
  X(deleted_list, HTTP_GET, "deletedkeys", LANE_FAST, BODY_NONE, ACT_KEY_READ, SCOPE_COLLECTION, \
    "KeyListDeleted") \
  X(deleted_show, HTTP_GET, "deletedkeys/{name}", LANE_FAST, BODY_NONE, ACT_KEY_READ, \
    SCOPE_OBJECT, "KeyGetDeleted") \
  X(deleted_recover, HTTP_POST, "deletedkeys/{name}/recover", LANE_SLOW, BODY_NONE, \
    ACT_KEY_RECOVER, SCOPE_OBJECT, "KeyRecover") \
  X(deleted_purge, HTTP_DELETE, "deletedkeys/{name}", LANE_SLOW, BODY_NONE, ACT_KEY_PURGE, \
    SCOPE_OBJECT, "KeyPurge") \
  X(objects_list, HTTP_GET, "secrets", LANE_FAST, BODY_NONE, ACT_SECRET_READ, SCOPE_COLLECTION, \
    "SecretList") \
  X(objects_versions, HTTP_GET, "secrets/{name}/versions", LANE_FAST, BODY_NONE, ACT_SECRET_READ, \
    SCOPE_OBJECT, "SecretListVersions") \
  X(secrets_show, HTTP_GET, "secrets/{name}/{version}", LANE_FAST, BODY_NONE, ACT_SECRET_GET, \
    SCOPE_OBJECT, "SecretGet") \
  X(objects_restore, HTTP_POST, "secrets/restore", LANE_SLOW, BODY_BACKUP(SECRET_BACKUP_MAX), \
    ACT_SECRET_RESTORE, SCOPE_COLLECTION, "SecretRestore") \
  X(objects_backup, HTTP_POST, "secrets/{name}/backup", LANE_SLOW, BODY_NONE, ACT_SECRET_BACKUP, \
    SCOPE_OBJECT, "SecretBackup") \
  X(secrets_put, HTTP_PUT, "secrets/{name}", LANE_SLOW, BODY_SECRET, ACT_SECRET_SET, SCOPE_OBJECT, \
    "SecretSet") \
  X(secrets_patch, HTTP_PATCH, "secrets/{name}/{version}", LANE_SLOW, BODY_SMALL, \
    ACT_SECRET_UPDATE, SCOPE_OBJECT, "SecretUpdate") \
  X(objects_delete, HTTP_DELETE, "secrets/{name}", LANE_SLOW, BODY_NONE, ACT_SECRET_DELETE, \
    SCOPE_OBJECT, "SecretDelete") \
  X(deleted_list, HTTP_GET, "deletedsecrets", LANE_FAST, BODY_NONE, ACT_SECRET_READ, \
    SCOPE_COLLECTION, "SecretListDeleted") \
  X(deleted_show, HTTP_GET, "deletedsecrets/{name}", LANE_FAST, BODY_NONE, ACT_SECRET_READ, \
    SCOPE_OBJECT, "SecretGetDeleted") \
  X(deleted_recover, HTTP_POST, "deletedsecrets/{name}/recover", LANE_SLOW, BODY_NONE, \
    ACT_SECRET_RECOVER, SCOPE_OBJECT, "SecretRecover") \
  X(deleted_purge, HTTP_DELETE, "deletedsecrets/{name}", LANE_SLOW, BODY_NONE, ACT_SECRET_PURGE, \
    SCOPE_OBJECT, "SecretPurge") \
  X(objects_list, HTTP_GET, "certificates", LANE_FAST, BODY_NONE, ACT_CERT_READ, SCOPE_COLLECTION, \
    "CertificateList") \
  X(issuers_list_get, HTTP_GET, "certificates/issuers", LANE_FAST, BODY_NONE, ACT_ISSUER_READ, \
    SCOPE_COLLECTION, "CertificateIssuerList") \
  X(issuers_show, HTTP_GET, "certificates/issuers/{id}", LANE_FAST, BODY_NONE, ACT_ISSUER_READ, \
    SCOPE_COLLECTION, "CertificateIssuerGet") \
  X(issuers_put, HTTP_PUT, "certificates/issuers/{id}", LANE_SLOW, BODY_SMALL, ACT_ISSUER_WRITE, \
    SCOPE_COLLECTION, "CertificateIssuerSet") \
  X(issuers_patch, HTTP_PATCH, "certificates/issuers/{id}", LANE_SLOW, BODY_SMALL, \
    ACT_ISSUER_WRITE, SCOPE_COLLECTION, "CertificateIssuerUpdate") \
  X(issuers_remove, HTTP_DELETE, "certificates/issuers/{id}", LANE_SLOW, BODY_NONE, \
    ACT_ISSUER_DELETE, SCOPE_COLLECTION, "CertificateIssuerDelete") \
  X(contacts_show, HTTP_GET, "certificates/contacts", LANE_FAST, BODY_NONE, ACT_CONTACTS_WRITE, \
    SCOPE_COLLECTION, "CertificateContactsGet") \
  X(contacts_replace, HTTP_PUT, "certificates/contacts", LANE_SLOW, BODY_SMALL, \
    ACT_CONTACTS_WRITE, SCOPE_COLLECTION, "CertificateContactsSet") \
  X(contacts_remove, HTTP_DELETE, "certificates/contacts", LANE_SLOW, BODY_NONE, \
    ACT_CONTACTS_WRITE, SCOPE_COLLECTION, "CertificateContactsDelete") \
  X(objects_restore, HTTP_POST, "certificates/restore", LANE_SLOW, BODY_BACKUP(CERT_BACKUP_MAX), \
    ACT_CERT_RESTORE, SCOPE_COLLECTION, "CertificateRestore") \
  X(objects_versions, HTTP_GET, "certificates/{name}/versions", LANE_FAST, BODY_NONE, \
    ACT_CERT_READ, SCOPE_OBJECT, "CertificateListVersions") \
  X(certificates_policy_get, HTTP_GET, "certificates/{name}/policy", LANE_FAST, BODY_NONE, \
    ACT_CERT_READ, SCOPE_OBJECT, "CertificatePolicyGet") \
  X(certificates_policy_patch, HTTP_PATCH, "certificates/{name}/policy", LANE_SLOW, \
    BODY_CERTIFICATE, ACT_CERT_UPDATE, SCOPE_OBJECT, "CertificatePolicySet") \
  X(certificates_pending_get, HTTP_GET, "certificates/{name}/pending", LANE_SLOW, BODY_NONE, \
    ACT_CERT_READ, SCOPE_OBJECT, "CertificatePendingGet") \
  X(certificates_pending_patch, HTTP_PATCH, "certificates/{name}/pending", LANE_SLOW, BODY_NONE, \
    ACT_CERT_UPDATE, SCOPE_OBJECT, "CertificatePendingUpdate") \
  X(certificates_pending_delete, HTTP_DELETE, "certificates/{name}/pending", LANE_SLOW, BODY_NONE, \
    ACT_CERT_UPDATE, SCOPE_OBJECT, "CertificatePendingDelete") \
  X(certificates_merge_post, HTTP_POST, "certificates/{name}/pending/merge", LANE_SLOW, \
    BODY_IMPORT, ACT_CERT_CREATE, SCOPE_OBJECT, "CertificatePendingMerge") \
  X(certificates_create_post, HTTP_POST, "certificates/{name}/create", LANE_SLOW, \
    BODY_CERTIFICATE, ACT_CERT_CREATE, SCOPE_OBJECT, "CertificateCreate") \
  X(certificates_import_post, HTTP_POST, "certificates/{name}/import", LANE_SLOW, BODY_IMPORT, \
    ACT_CERT_IMPORT, SCOPE_OBJECT, "CertificateImport") \
  X(objects_backup, HTTP_POST, "certificates/{name}/backup", LANE_SLOW, BODY_NONE, \
    ACT_CERT_BACKUP, SCOPE_OBJECT, "CertificateBackup") \
  X(certificates_show, HTTP_GET, "certificates/{name}/{version}", LANE_FAST, BODY_NONE, \
    ACT_CERT_READ, SCOPE_OBJECT, "CertificateGet") \
  X(certificates_patch, HTTP_PATCH, "certificates/{name}/{version}", LANE_SLOW, BODY_CERTIFICATE, \
    ACT_CERT_UPDATE, SCOPE_OBJECT, "CertificateUpdate") \
  X(objects_delete, HTTP_DELETE, "certificates/{name}", LANE_SLOW, BODY_NONE, ACT_CERT_DELETE, \
    SCOPE_OBJECT, "CertificateDelete") \
  X(deleted_list, HTTP_GET, "deletedcertificates", LANE_FAST, BODY_NONE, ACT_CERT_READ, \
    SCOPE_COLLECTION, "CertificateListDeleted") \
  X(deleted_show, HTTP_GET, "deletedcertificates/{name}", LANE_FAST, BODY_NONE, ACT_CERT_READ, \
    SCOPE_OBJECT, "CertificateGetDeleted") \
  X(deleted_recover, HTTP_POST, "deletedcertificates/{name}/recover", LANE_SLOW, BODY_NONE, \
    ACT_CERT_RECOVER, SCOPE_OBJECT, "CertificateRecover") \
  X(deleted_purge, HTTP_DELETE, "deletedcertificates/{name}", LANE_SLOW, BODY_NONE, \
    ACT_CERT_PURGE, SCOPE_OBJECT, "CertificatePurge") \
  X(rng_post, HTTP_POST, "rng", LANE_FAST, BODY_SMALL, ACT_RNG, SCOPE_ROOT, "RandomBytesGet") \
  X(roles_list, HTTP_GET, "{scope}/providers/Microsoft.Authorization/roleDefinitions", LANE_FAST, \
    BODY_NONE, ACT_ROLE_READ, SCOPE_PATH, "RoleDefinitionList") \
  X(roles_show, HTTP_GET, "{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}", \
    LANE_FAST, BODY_NONE, ACT_ROLE_READ, SCOPE_PATH, "RoleDefinitionGet") \
  X(roles_put, HTTP_PUT, "{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}", \
    LANE_SLOW, BODY_SMALL, ACT_ROLE_WRITE, SCOPE_PATH, "RoleDefinitionSet") \
  X(roles_delete, HTTP_DELETE, "{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}", \
    LANE_SLOW, BODY_NONE, ACT_ROLE_DELETE, SCOPE_PATH, "RoleDefinitionDelete") \
  X(assignments_list, HTTP_GET, "{scope}/providers/Microsoft.Authorization/roleAssignments", \
    LANE_FAST, BODY_NONE, ACT_ASSIGNMENT_READ, SCOPE_PATH, "RoleAssignmentList") \
  X(assignments_show, HTTP_GET, "{scope}/providers/Microsoft.Authorization/roleAssignments/{id}", \
    LANE_FAST, BODY_NONE, ACT_ASSIGNMENT_READ, SCOPE_PATH, "RoleAssignmentGet") \
  X(assignments_put, HTTP_PUT, "{scope}/providers/Microsoft.Authorization/roleAssignments/{id}", \
    LANE_SLOW, BODY_SMALL, ACT_ASSIGNMENT_WRITE, SCOPE_PATH, "RoleAssignmentCreate") \
  X(assignments_delete, HTTP_DELETE, \
    "{scope}/providers/Microsoft.Authorization/roleAssignments/{id}", LANE_SLOW, BODY_NONE, \
    ACT_ASSIGNMENT_DELETE, SCOPE_PATH, "RoleAssignmentDelete") \
  X(identities_list, HTTP_GET, "hub/identities", LANE_FAST, BODY_NONE, ACT_IDENTITY_READ, \
    SCOPE_ROOT, "IdentityList") \
  X(identities_post, HTTP_POST, "hub/identities", LANE_SLOW, BODY_SMALL, ACT_IDENTITY_WRITE, \
    SCOPE_ROOT, "IdentityCreate") \
  X(identities_show, HTTP_GET, "hub/identities/{id}", LANE_FAST, BODY_NONE, ACT_IDENTITY_READ, \
    SCOPE_ROOT, "IdentityGet") \
  X(identities_patch, HTTP_PATCH, "hub/identities/{id}", LANE_SLOW, BODY_SMALL, \
    ACT_IDENTITY_WRITE, SCOPE_ROOT, "IdentityUpdate") \
  X(identities_delete, HTTP_DELETE, "hub/identities/{id}", LANE_SLOW, BODY_NONE, \
    ACT_IDENTITY_WRITE, SCOPE_ROOT, "IdentityDelete") \
  X(identities_secret, HTTP_POST, "hub/identities/{id}/secrets", LANE_SLOW, BODY_SMALL, \
    ACT_IDENTITY_WRITE, SCOPE_ROOT, "IdentityAddSecret") \
  X(identities_certificate, HTTP_POST, "hub/identities/{id}/certificates", LANE_SLOW, BODY_SMALL, \
    ACT_IDENTITY_WRITE, SCOPE_ROOT, "IdentityAddCertificate") \
  X(identities_uncredential, HTTP_DELETE, "hub/identities/{id}/credentials/{version}", LANE_SLOW, \
    BODY_NONE, ACT_IDENTITY_WRITE, SCOPE_ROOT, "IdentityRemoveCredential") \
  X(vaults_list_get, HTTP_GET, "hub/vaults", LANE_FAST, BODY_NONE, ACT_VAULT_READ, SCOPE_ROOT, \
    "VaultList") \
  X(vaults_show_get, HTTP_GET, "hub/vaults/{name}", LANE_FAST, BODY_NONE, ACT_VAULT_READ, \
    SCOPE_ROOT, "VaultGet") \
  X(vaults_put, HTTP_PUT, "hub/vaults/{name}", LANE_SLOW, BODY_SMALL, ACT_VAULT_WRITE, SCOPE_ROOT, \
    "VaultCreate") \
  X(vaults_delete_, HTTP_DELETE, "hub/vaults/{name}", LANE_SLOW, BODY_NONE, ACT_VAULT_DELETE, \
    SCOPE_ROOT, "VaultDelete") \
  X(deletedvaults_list, HTTP_GET, "hub/deletedvaults", LANE_FAST, BODY_NONE, \
    ACT_DELETED_VAULT_READ, SCOPE_ROOT, "VaultListDeleted") \
  X(deletedvaults_show, HTTP_GET, "hub/deletedvaults/{name}", LANE_FAST, BODY_NONE, \
    ACT_DELETED_VAULT_READ, SCOPE_ROOT, "VaultGetDeleted") \
  X(deletedvaults_recover, HTTP_POST, "hub/deletedvaults/{name}/recover", LANE_SLOW, BODY_NONE, \
    ACT_VAULT_WRITE, SCOPE_ROOT, "VaultRecover") \
  X(deletedvaults_purge, HTTP_DELETE, "hub/deletedvaults/{name}", LANE_SLOW, BODY_NONE, \
    ACT_DELETED_VAULT_PURGE, SCOPE_ROOT, "VaultPurge") \
  X(tokenkeys_rotate, HTTP_POST, "hub/tokenkeys/rotate", LANE_SLOW, BODY_NONE, ACT_IDENTITY_WRITE, \
    SCOPE_ROOT, "TokenKeyRotate") \
  X(ca_get, HTTP_GET, "hub/ca", LANE_FAST, BODY_NONE, ACT_CA_READ, SCOPE_ROOT, "CaGet") \
  X(ca_certificates, HTTP_GET, "hub/ca/certificates", LANE_FAST, BODY_NONE, ACT_CA_READ, \
    SCOPE_ROOT, "CaListCertificates") \
  X(ca_issue_post, HTTP_POST, "hub/ca/issue", LANE_SLOW, BODY_CSR, ACT_CA_ISSUE, SCOPE_ROOT, \
    "CaIssue") \
  X(ca_revoke_post, HTTP_POST, "hub/ca/revoke", LANE_SLOW, BODY_SMALL, ACT_CA_WRITE, SCOPE_ROOT, \
    "CaRevoke") \
  X(ca_grants, HTTP_GET, "hub/ca/grants", LANE_FAST, BODY_NONE, ACT_CA_READ, SCOPE_ROOT, \
    "CaListGrants") \
  X(ca_grant_get, HTTP_GET, "hub/ca/grants/{id}", LANE_FAST, BODY_NONE, ACT_CA_READ, SCOPE_ROOT, \
    "CaGetGrant") \
  X(ca_grant_put, HTTP_PUT, "hub/ca/grants/{id}", LANE_SLOW, BODY_SMALL, ACT_CA_WRITE, SCOPE_ROOT, \
    "CaSetGrant") \
  X(ca_grant_delete, HTTP_DELETE, "hub/ca/grants/{id}", LANE_SLOW, BODY_NONE, ACT_CA_WRITE, \
    SCOPE_ROOT, "CaDeleteGrant") \
  X(pki_ocsp_post, HTTP_POST, "pki/ocsp", LANE_FAST, OCSP_REQUEST_MAX, ACT_NONE, SCOPE_ROOT, "") \
  X(pki_ocsp_get, HTTP_GET, "pki/ocsp/{id}", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, "") \
  X(pki_get, HTTP_GET, "pki/{id}", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, "") \
  X(audit_get, HTTP_GET, "hub/audit", LANE_SLOW, BODY_NONE, ACT_AUDIT_READ, SCOPE_ROOT, \
    "AuditRead") \
  X(status_get, HTTP_GET, "hub/status", LANE_FAST, BODY_NONE, ACT_STATUS_READ, SCOPE_ROOT, \
    "StatusGet") \
  X(seal_post, HTTP_POST, "hub/seal", LANE_SLOW, BODY_NONE, ACT_SEAL, SCOPE_ROOT, "Seal") \
  X(unseal_post, HTTP_POST, "hub/unseal", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, "Unseal") \
  X(acme_keys_list, HTTP_GET, "hub/acme/keys", LANE_SLOW, BODY_NONE, ACT_CA_READ, SCOPE_ROOT, \
    "AcmeKeyList") \
  X(acme_keys_post, HTTP_POST, "hub/acme/keys", LANE_SLOW, BODY_SMALL, ACT_CA_WRITE, SCOPE_ROOT, \
    "AcmeKeyCreate") \
  X(acme_keys_delete, HTTP_DELETE, "hub/acme/keys/{id}", LANE_SLOW, BODY_NONE, ACT_CA_WRITE, \
    SCOPE_ROOT, "AcmeKeyDelete") \
  X(acme_accounts_list, HTTP_GET, "hub/acme/accounts", LANE_SLOW, BODY_NONE, ACT_CA_READ, \
    SCOPE_ROOT, "AcmeAccountList") \
  X(acme_directory_get, HTTP_GET, "acme/directory", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, \
    "") \
  X(acme_nonce_get, HTTP_GET, "acme/new-nonce", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, "") \
  X(acme_nonce_get, HTTP_HEAD, "acme/new-nonce", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, "") \
  X(acme_new_account_post, HTTP_POST, "acme/new-account", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "AcmeNewAccount") \
  X(acme_account_post, HTTP_POST, "acme/account/{id}", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "AcmeAccount") \
  X(acme_orders_post, HTTP_POST, "acme/account/{id}/orders", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "") \
  X(acme_key_change_post, HTTP_POST, "acme/key-change", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "AcmeKeyChange") \
  X(acme_new_order_post, HTTP_POST, "acme/new-order", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "AcmeNewOrder") \
  X(acme_order_post, HTTP_POST, "acme/order/{id}", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "") \
  X(acme_finalize_post, HTTP_POST, "acme/order/{id}/finalize", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "AcmeFinalize") \
  X(acme_authz_post, HTTP_POST, "acme/authz/{id}", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "AcmeAuthorization") \
  X(acme_challenge_post, HTTP_POST, "acme/chall/{id}", LANE_SLOW, BODY_SMALL, ACT_NONE, \
    SCOPE_ROOT, "AcmeChallenge") \
  X(acme_cert_post, HTTP_POST, "acme/cert/{id}", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "AcmeCertificate") \
  X(acme_revoke_post, HTTP_POST, "acme/revoke-cert", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "AcmeRevoke") \
  X(acme_renewal_get, HTTP_GET, "acme/renewal-info/{id}", LANE_SLOW, BODY_NONE, ACT_NONE, \
    SCOPE_ROOT, "") \
  X(health_get, HTTP_GET, "hub/health", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, "") \
  X(oidc_get, HTTP_GET, "{id}/v2.0/.well-known/openid-configuration", LANE_FAST, BODY_NONE, \
    ACT_NONE, SCOPE_ROOT, "") \
  X(adfs_get, HTTP_GET, "{id}/.well-known/openid-configuration", LANE_FAST, BODY_NONE, ACT_NONE, \
    SCOPE_ROOT, "") \
  X(jwks_get, HTTP_GET, "{id}/discovery/v2.0/keys", LANE_FAST, BODY_NONE, ACT_NONE, SCOPE_ROOT, \
    "") \
  X(discovery_get, HTTP_GET, "common/discovery/instance", LANE_FAST, BODY_NONE, ACT_NONE, \
    SCOPE_ROOT, "") \
  X(token_post, HTTP_POST, "{id}/oauth2/v2.0/token", LANE_SLOW, BODY_SMALL, ACT_NONE, SCOPE_ROOT, \
    "Authentication")

struct call;
typedef err_t route_handler(struct call *c);
struct route {
  route_handler *handler;
  enum http_method method;
  const char *path;
  enum route_lane lane;
  size_t body_max;
  enum action action;
  enum scope_kind scope;
  const char *operation; /* "": not an operation, not audited */
};
#define X(handler, ...) route_handler handler;
ROUTE_TABLE(X)
#undef X

/* One request. */
struct call {
  struct api *api;
  struct http_exchange *x;
  struct vault *vault;       /* that the host names */
  struct roles *roles;       /* its */
  struct hosted *hosted;     /* a share of it; NULL: it is the hub's own */
  const struct route *route; /* NULL when nothing matched */
  struct caller who;         /* empty strings while unknown */
  char request_id[GUID_SIZE + 1];
  char api_version[API_VERSION_MAX];
  char *segments[API_SEGMENTS]; /* the path's, decoded; in text */
  size_t segment_count;
  char text[2048];
  const char *name, *version, *id;   /* of the path; "" where it has none */
  enum kind_id kind;                 /* of object, by the path */
  char scope[SCOPE_MAX];             /* where the action is to be allowed */
  char object[AUDIT_OBJECT_MAX + 1]; /* for the audit log: "keys/rsa1/<version used>" */
  const char *content_type;          /* of the answer; NULL: JSON */
  int64_t max_age;                   /* seconds that caches may keep the answer; 0: not at all */
  const char *code; /* for the audit log, set by handlers that write their own error bodies */
  uint64_t list;    /* bytes of a revocation list in the answer, counted in api->lists */
  bool recorded;    /* or at least given to the log, which counts what it can't take */
  int64_t time_us;
  uint64_t start_us;
};

/* route.c: the first row that fits path and method. other_method: the path exists, the method does
 * not. Sets c->name, version, id, scope. */
const struct route *route_find(struct call *c, enum http_method method, bool *other_method);
/* Splits and decodes the path. ERR_BAD_PARAMETER. */
err_t route_split(struct call *c);

/* host.c */
enum host_kind { HOST_UNKNOWN, HOST_OWN /* of the hub and its own vault */, HOST_VAULT };
/* vault: the name of which vault, if it is HOST_VAULT. */
enum host_kind host_kind(const struct api *api, struct bytes host, struct bytes *vault);
/* The resource of the challenge: "https://<parent domain>", for localhost and addresses
 * "https://vault.azure.net". */
void host_resource(struct bytes host, char out[static TOKEN_AUDIENCE_MAX]);
/* The vault's name in error texts: the host's first label. */
struct bytes host_vault(struct bytes host);
bool audience_issuable(void *api, const char *resource);

/* True when the request's api-version is at least "7.5" or a date from 2025 on. */
bool api_version_newer(const struct call *c);

/* Answers. */
struct buf *call_body(struct call *c);
struct bytes call_host(const struct call *c);
err_t call_json(struct call *c, json_t **out); /* the request's body; an empty one is {} */
/* What the audit log says that it was about. */
void call_used(struct call *c, const char *name, const char *version);
void call_object(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ca.c: whether the caller may have such a certificate: who manages the authority any, others what
 * their grant covers. */
err_t api_may_issue(struct ca *ca, struct roles *roles, const struct caller *who,
                    enum ca_profile profile, const struct cert_profile *says);
bool api_may_issue_any(struct roles *roles, const struct caller *who);
err_t call_may_issue(struct call *c, enum ca_profile profile, const struct cert_profile *says);

/* "https://<host>/<collection>/<name>" and what follows, to a body or a header. */
void call_put_id(const struct call *c, struct buf *out, const char *collection, const char *name,
                 const char *rest);

/* acme.c: problem documents (RFC 7807), which ACME answers with instead of the API's errors. type
 * NULL: what fits the error; more: further members, as JSON after a comma. */
bool acme_is_route(const struct route *r);
void acme_put_problem(struct call *c, err_t e, const char *type, struct bytes more);

/* bundle.c: objects as the API shows them. d: of a deleted one; NULL: it is not. */
void bundle_write(struct call *c, const struct version *v, const struct deleted *d);
void bundle_write_secret(struct call *c, const struct version *v, struct bytes value);
void bundle_write_item(struct call *c, const struct version *v, bool with_version,
                       const struct deleted *d);

/* certificates.c: the members of a certificate's bundle that are not its version's. */
void certificate_write_state(struct call *c, const struct version *v);

/* params.c: bodies of create, import and update. */
/* Attributes and tags; the tags' text is appended to texts, and where it is the caller says. */
err_t params_common(json_t *body, struct object_request *rq, struct buf *texts);
err_t params_create(json_t *body, struct key_request *rq, struct buf *texts);
err_t params_import(json_t *body, struct key_request *rq, struct buf *texts, struct key **key);
err_t params_update(json_t *body, struct key_request *rq, struct buf *texts);

/* certificate_params.c: what is imported or merged. */
struct import {
  struct key *key;
  struct cert_chain chain;
  bool pem; /* how it was given */
};
void import_free(struct import *i);
#define AUTO_IMPORT __attribute__((cleanup(import_free))) struct import
/* i->chain.keep_order was set before. */
err_t params_certificate(json_t *body, struct import *i);
err_t params_merge(json_t *body, struct cert_chain *given);

/* page.c: maxresults and $skiptoken of a listing; nextLink. */
#define PAGE_MAX 25
struct page {
  uint64_t max;
  bool given;   /* maxresults was in the query */
  bool pending; /* includePending=true was: certificates that are not issued yet, too */
  char marker[OBJECT_NAME_MAX + 1];
};
err_t page_read(struct call *c, struct page *out);
void page_write_next(struct call *c, const struct page *p,
                     const char *last); /* last NULL: no further page */

#endif
