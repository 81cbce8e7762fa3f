#include "cli/vault/manage.h"

#include <stdio.h>

const struct collection vault_collection = {
  .noun = "vault",
  .loss = "all keys, secrets and roles in it are lost and what its keys encrypt becomes unreadable",
};

static void print_time(const char *label, json_t *o, const char *field) {
  char text[WHEN_SIZE];
  out_field_str(label, field_time(o, field, text));
}

err_t vault_print(const struct args *a, json_t *vault) {
  char days[32];
  json_t *properties = field_object(vault, "properties"),
         *retention = json_object_get(properties, "softDeleteRetentionInDays");
  if (args_flag(a, "json")) {
    out_json(vault);
    return OK;
  }
  snprintf(days, sizeof days, "%lld days", (long long)json_integer_value(retention));
  out_field("Vault", field_text(vault, "name"));
  out_field("Address", field_text(properties, "vaultUri"));
  out_field_str("Retention", days);
  out_field_str("Protected", field_yes_no(properties, "enablePurgeProtection"));
  print_time("Created", properties, "created");
  print_time("Deleted", properties, "deletedDate");
  print_time("Purged on", properties, "scheduledPurgeDate");
  return OK;
}

err_t vault_ask(const struct args *a, enum http_method method, const struct buf *path,
                const struct buf *body) {
  AUTO_ANSWER answer = { 0 };
  TRY(ask(a, method, path, body, &answer));
  return vault_print(a, answer.body);
}
