/* strongroom status */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static void print_number(json_t *status, const char *label, const char *field) {
  char text[24];
  json_t *v = json_object_get(status, field);
  if (!json_is_integer(v))
    return;
  snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
  out_field_str(label, text);
}

static void print_status(json_t *health, json_t *status) {
  out_field("Vault", field_text(health, "status"));
  out_field("Root key", field_text(health, "rootKeyProvider"));
  out_field("Address", field_text(status, "url"));
  out_field("Version", field_text(status, "version"));
  out_field("Tenant", field_text(status, "tenant"));
  out_field("Started", field_text(status, "startedAt"));
  print_number(status, "Keys", "keys");
  print_number(status, "Versions", "keyVersions");
  print_number(status, "Deleted keys", "deletedKeys");
  print_number(status, "Secrets", "secrets");
  print_number(status, "Deleted secrets", "deletedSecrets");
  print_number(status, "Identities", "identities");
  print_number(status, "Audit records", "auditLast");
  print_number(status, "Connections", "connections");
  print_number(status, "Requests", "requests");
}

/* Anyone may ask whether the vault is ready; the rest needs a token, which a sealed one can't give.
 */
static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER health = { 0 }, status = { 0 };
  AUTO_BUF health_path = client_path("hub", "health", NULL);
  AUTO_BUF status_path = client_path("hub", "status", NULL);
  TRY(ask_open(a, &c));
  TRY(client_call_open(c, HTTP_GET, &health_path, NULL, &health));
  bool sealed = bytes_equal_str(field_text(health.body, "status"), "sealed");
  err_t e = sealed ? OK : client_call(c, HTTP_GET, &status_path, NULL, &status);
  if (status.body && json_object_update_missing(status.body, health.body) != 0)
    return ERR_NOMEM;
  if (args_flag(a, "json"))
    out_json(status.body ? status.body : health.body);
  else
    print_status(health.body, status.body);
  if (sealed)
    REFUSE(ERR_SEALED, "The vault is sealed: 'strongroom vault unseal' opens it.");
  return e;
}

const struct verb verb_status = {
  .noun = "",
  .name = "status",
  .words = "",
  .client = true,
  .summary = "Show whether the hub is ready and what it holds",
  .details = "Exit code 6 when it is sealed or not to be reached.",
  .examples = "strongroom status\n"
              "strongroom status --data ./data --json",
  .run = run,
};
