/* strongroom ca show */
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static void print_authority(json_t *a, const char *what) {
  char text[WHEN_SIZE];
  out_line("%s", what);
  out_field("  Subject", field_text(a, "subject"));
  out_field("  Serial", field_text(a, "serial"));
  out_field("  SHA-256", field_text(a, "sha256"));
  out_field_str("  Ends", field_time(a, "notAfter", text));
}

static void print_issuing(json_t *a) {
  char what[80], text[WHEN_SIZE];
  json_t *item;
  size_t i;
  snprintf(what, sizeof what, "Issuing authority %lld%s",
           (long long)json_integer_value(json_object_get(a, "number")),
           json_is_true(json_object_get(a, "issues")) ? "" : " (answers for what it issued)");
  print_authority(a, what);
  json_array_foreach(json_object_get(a, "permitted"), i, item) {
    out_field_str(i ? NULL : "  Permitted", json_string_value(item));
  }
  out_field_str("  Revoked", field_time(a, "revokedAt", text));
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "ca", NULL);
  json_t *item;
  size_t i;
  TRY(ask(a, HTTP_GET, &path, NULL, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  json_t *root = field_object(answer.body, "root");
  print_authority(root, "Root");
  out_field_str("  Key",
                json_is_true(json_object_get(root, "offline")) ? "offline" : "in the store");
  json_array_foreach(json_object_get(answer.body, "authorities"), i, item) {
    print_issuing(item);
  }
  return OK;
}

const struct verb verb_ca_show = {
  .noun = "ca",
  .name = "show",
  .words = "",
  .client = true,
  .summary = "Show the root and the issuing authorities",
  .examples = "strongroom ca show",
  .run = run,
};
