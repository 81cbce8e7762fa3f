/* Every verb there is: the one list from which the table is made. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/verb.h"

#define VERB_TABLE(X) \
  X(verb_up) \
  X(verb_status) \
  X(verb_version) \
  X(verb_help) \
  X(verb_complete) \
  X(verb_seal) \
  X(verb_open) \
  X(verb_reseal) \
  X(verb_inspect) \
  X(verb_vault_serve) \
  X(verb_vault_unseal) \
  X(verb_vault_seal) \
  X(verb_vault_rewrap) \
  X(verb_vault_recover_owner) \
  X(verb_vault_create) \
  X(verb_vault_list) \
  X(verb_vault_show) \
  X(verb_vault_delete) \
  X(verb_vault_recover) \
  X(verb_vault_purge) \
  X(verb_key_create) \
  X(verb_key_import) \
  X(verb_key_list) \
  X(verb_key_show) \
  X(verb_key_set) \
  X(verb_key_rotate) \
  X(verb_key_policy) \
  X(verb_key_delete) \
  X(verb_key_recover) \
  X(verb_key_purge) \
  X(verb_key_backup) \
  X(verb_key_restore) \
  X(verb_key_wrap) \
  X(verb_key_unwrap) \
  X(verb_key_encrypt) \
  X(verb_key_decrypt) \
  X(verb_key_sign) \
  X(verb_key_verify) \
  X(verb_key_random) \
  X(verb_secret_set) \
  X(verb_secret_show) \
  X(verb_secret_list) \
  X(verb_secret_update) \
  X(verb_secret_delete) \
  X(verb_secret_recover) \
  X(verb_secret_purge) \
  X(verb_secret_backup) \
  X(verb_secret_restore) \
  X(verb_cert_create) \
  X(verb_cert_issue) \
  X(verb_cert_import) \
  X(verb_cert_list) \
  X(verb_cert_show) \
  X(verb_cert_download) \
  X(verb_cert_policy) \
  X(verb_cert_pending) \
  X(verb_cert_merge) \
  X(verb_cert_update) \
  X(verb_cert_delete) \
  X(verb_cert_recover) \
  X(verb_cert_purge) \
  X(verb_cert_backup) \
  X(verb_cert_restore) \
  X(verb_cert_issuers) \
  X(verb_cert_issuer_set) \
  X(verb_cert_issuer_delete) \
  X(verb_cert_contacts) \
  X(verb_cert_contact_add) \
  X(verb_cert_contact_remove) \
  X(verb_ca_show) \
  X(verb_ca_issue) \
  X(verb_ca_list) \
  X(verb_ca_revoke) \
  X(verb_ca_allow) \
  X(verb_ca_disallow) \
  X(verb_ca_grants) \
  X(verb_ca_take_offline) \
  X(verb_ca_renew_issuing) \
  X(verb_identity_create) \
  X(verb_identity_list) \
  X(verb_identity_show) \
  X(verb_identity_enable) \
  X(verb_identity_disable) \
  X(verb_identity_delete) \
  X(verb_identity_add_secret) \
  X(verb_identity_add_certificate) \
  X(verb_identity_remove_credential) \
  X(verb_identity_rollover) \
  X(verb_role_list) \
  X(verb_role_show) \
  X(verb_role_create) \
  X(verb_role_delete) \
  X(verb_role_assign) \
  X(verb_role_unassign) \
  X(verb_role_assignments) \
  X(verb_age_recipient) \
  X(verb_age_identity) \
  X(verb_acme_create_key) \
  X(verb_acme_list_keys) \
  X(verb_acme_delete_key) \
  X(verb_acme_accounts) \
  X(verb_log_write) \
  X(verb_log_cat) \
  X(verb_log_follow) \
  X(verb_log_grep) \
  X(verb_log_verify) \
  X(verb_log_reseal) \
  X(verb_vpn_init) \
  X(verb_vpn_up) \
  X(verb_vpn_status) \
  X(verb_vpn_check) \
  X(verb_vpn_down) \
  X(verb_vpn_export) \
  X(verb_audit_show) \
  X(verb_audit_verify) \
  X(verb_core_install) \
  X(verb_core_uninstall) \
  X(verb_core_list) \
  X(verb_core_open) \
  X(verb_core_debug) \
  X(verb_core_delete) \
  X(verb_core_take)

#define X(name) extern const struct verb name;
VERB_TABLE(X)
#undef X

/* ERR_USAGE, FAILed with the nearest word that there is. second may be NULL. */
err_t verb_unknown(const char *first, const char *second);

#endif
