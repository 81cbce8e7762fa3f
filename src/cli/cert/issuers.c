/* strongroom cert issuers [NAME] */
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

/* "https://host/certificates/issuers/NAME" */
static struct bytes name_of(json_t *issuer) {
  struct bytes collection, name;
  id_split(field_text(issuer, "id"), &collection, &name);
  return name;
}

err_t issuer_print(const struct args *a, json_t *issuer) {
  json_t *attributes = field_object(issuer, "attributes");
  char text[WHEN_SIZE];
  if (args_flag(a, "json")) {
    out_json(issuer);
    return OK;
  }
  out_field("Name", name_of(issuer));
  out_field("Provider", field_text(issuer, "provider"));
  out_field("Account", field_text(field_object(issuer, "credentials"), "account_id"));
  out_field("Organization", field_text(field_object(issuer, "org_details"), "id"));
  out_field_str("Enabled", field_yes_no(attributes, "enabled"));
  out_field_str("Created", field_time(attributes, "created", text));
  out_field_str("Updated", field_time(attributes, "updated", text));
  return OK;
}

static void put_row(struct table *t, json_t *item) {
  table_cell(t, name_of(item));
  table_cell(t, field_text(item, "provider"));
}

static err_t run(const struct args *a) {
  static const char *const headings[] = { "NAME", "PROVIDER" };
  static const struct list rows = { 2, headings, put_row };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", "issuers", args_word(a, 0), NULL);
  if (!args_word(a, 0))
    return ask_list(a, &path, &rows);
  TRY(ask(a, HTTP_GET, &path, NULL, &answer));
  return issuer_print(a, answer.body);
}

const struct verb verb_cert_issuers = {
  .noun = "cert",
  .name = "issuers",
  .words = "[NAME]",
  .max_words = 1,
  .client = true,
  .summary = "List the named issuers of policies, or show one",
  .details = "Self, Hub and Unknown need no entry.",
  .examples = "strongroom cert issuers\n"
              "strongroom cert issuers corp-pki",
  .run = run,
};
