/* strongroom vault rewrap: another root key over the same vault. Works on the files, while the hub
 * is stopped. */
#include "cli/out.h"
#include "cli/vault/offline.h"
#include "cli/verbs.h"

#include <string.h>

static err_t new_passphrase(const struct args *a, struct secret *out) {
  uint64_t n = 0;
  if (!args_flag(a, "new-passphrase-fd"))
    return passphrase_ask("New passphrase: ", true, out);
  TRY(args_uint(a, "new-passphrase-fd", 0, 1 << 20, &n));
  return passphrase_read((int)n, out);
}

static err_t run(const struct args *a) {
  AUTO_OFFLINE o = { 0 };
  AUTO_SECRET fresh = { 0 };
  const char *provider = args_word(a, 0);
  bool passphrase = strcmp(provider, "passphrase") == 0;
  TRY(offline_open(a, &o));
  if (passphrase)
    TRY(new_passphrase(a, &fresh));
  TRY(hub_rewrap(o.conf, provider, secret_bytes(&o.passphrase), secret_bytes(&fresh)));
  out_line("The vault in %s is now under a new root key of provider '%s'.",
           conf_str(o.conf, "data"), provider);
  if (passphrase)
    out_line(
      "It starts sealed. Destroy its old root key file, if it had one: that opens old copies of "
      "the database.");
  return OK;
}

static const struct opt options[] = {
  { "new-passphrase-fd", OPT_VALUE, "N", NULL, "read the new passphrase from descriptor N" },
  OFFLINE_OPTIONS,
  OPT_END,
};

const struct verb verb_vault_rewrap = {
  .noun = "vault",
  .name = "rewrap",
  .words = "PROVIDER",
  .min_words = 1,
  .max_words = 1,
  .summary = "Put the vault under another root key: file or passphrase",
  .details =
    "Works on the files: stop the hub first. Only the master key is wrapped anew; no key and no\n"
    "data is touched. From file to file, the root key file is replaced by a new one.",
  .options = options,
  .examples = "strongroom vault rewrap passphrase --data /var/lib/strongroom",
  .run = run,
};
