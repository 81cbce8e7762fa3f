/* strongroom vault recover-owner: a new secret for the hub's owner, by whoever holds the root key.
 */
#include "base/file.h"
#include "cli/out.h"
#include "cli/vault/offline.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_OFFLINE o = { 0 };
  AUTO_BUF env = BUF_EMPTY;
  const char *file = args_value(a, "out");
  if (!file)
    FAIL(ERR_USAGE, "--out FILE is missing: the new secret is written to it");
  TRY(offline_open(a, &o));
  TRY(hub_recover_owner(o.conf, secret_bytes(&o.passphrase), &env));
  TRY(file_write_private(file, buf_bytes(&env)));
  out_line("The owner has one new secret, in %s; every earlier one stopped working.", file);
  return OK;
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL,
    "write the secret to FILE (mode 0600), as lines for the shell's '.'" },
  OFFLINE_OPTIONS,
  OPT_END,
};

const struct verb verb_vault_recover_owner = {
  .noun = "vault",
  .name = "recover-owner",
  .words = "",
  .summary = "Give the hub's owner a new secret, with the root key's help",
  .details =
    "For when no owner is left who can get a token. Works on the files: stop the hub first. The\n"
    "identity \"owner\" is enabled, or made if it is gone, gets the roles Owner and Key Vault\n"
    "Administrator, and one new secret in place of all that it had. It is in the audit log.",
  .options = options,
  .examples = "strongroom vault recover-owner --data /var/lib/strongroom --out owner.env",
  .run = run,
};
