/* strongroom vault rewrap: another root key over the same vault. Works on the files, while the hub
 * is stopped. */
#include "cli/args.h"
#include "cli/passphrase.h"
#include "cli/verbs.h"
#include "vault/hub.h"

#include <stdio.h>

static err_t run(const struct args *a) {
  const char *dir = args_value(a, "data"), *provider = args_word(a, 0);
  AUTO_SECRET old = { 0 };
  AUTO_SECRET fresh = { 0 };
  char present[16];
  if (!dir)
    dir = "data";
  TRY(hub_root_provider(dir, present));
  if (strcmp(present, "passphrase") == 0)
    TRY(passphrase_get(a, "Present passphrase: ", &old));
  if (strcmp(provider, "passphrase") == 0) {
    const char *fd = args_value(a, "new-passphrase-fd");
    uint64_t n = 0;
    TRY(args_uint(a, "new-passphrase-fd", 0, 1 << 20, &n));
    TRY(fd ? passphrase_read((int)n, &fresh) : passphrase_ask("New passphrase: ", true, &fresh));
  }
  TRY(hub_rewrap(dir, provider, secret_bytes(&old), secret_bytes(&fresh)));
  printf("The vault in %s is now under a root key of provider '%s'.\n", dir, provider);
  if (strcmp(provider, "passphrase") == 0)
    printf("It starts sealed. Destroy %s/root.key if it is there: it opens old copies of the "
           "database.\n",
           dir);
  return OK;
}

static const struct opt options[] = {
  { "data", OPT_VALUE, "DIR", NULL, "the data directory (default: data)" },
  { "new-passphrase-fd", OPT_VALUE, "N", NULL, "read the new passphrase from descriptor N" },
  PASSPHRASE_OPTIONS,
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
    "data is touched.",
  .options = options,
  .examples = "strongroom vault rewrap passphrase --data /var/lib/strongroom",
  .run = run,
};
