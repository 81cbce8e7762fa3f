/* strongroom vault create NAME */
#include "base/write.h"
#include "cli/vault/manage.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("hub", "vaults", args_word(a, 0), NULL), body = BUF_EMPTY;
  const char *owner = args_value(a, "owner");
  uint64_t days = 0;
  TRY(args_uint(a, "retention-days", 7, 90, &days));
  write_open(&body, NULL, '{');
  write_open(&body, "properties", '{');
  if (days)
    write_i64(&body, "softDeleteRetentionInDays", (int64_t)days);
  if (args_flag(a, "purge-protection"))
    write_bool(&body, "enablePurgeProtection", true);
  if (owner)
    write_str(&body, "owner", owner);
  write_close(&body, '}');
  write_close(&body, '}');
  return vault_ask(a, HTTP_PUT, &path, &body);
}

static const struct opt options[] = {
  { "retention-days", OPT_VALUE, "N", NULL, "how long what is deleted can be recovered: 7 to 90" },
  { "purge-protection", OPT_FLAG, NULL, NULL, "nothing deleted can be purged before its time" },
  { "owner", OPT_VALUE, "IDENTITY", NULL, "who owns it; you, if nobody is named" },
  OPT_END,
};

const struct verb verb_vault_create = {
  .noun = "vault",
  .name = "create",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a vault with its own keys, secrets, roles and master key",
  .details =
    "It is reached at NAME.DOMAIN, where DOMAIN is what the hub was given with --domain.\n"
    "Its owner gets the roles Owner and Key Vault Administrator there, and nobody else any.",
  .options = options,
  .examples = "strongroom vault create payroll --owner payroll-admin --purge-protection\n"
              "export KEY_VAULT_URL=https://payroll.vault.example.com:8443",
  .run = run,
};
