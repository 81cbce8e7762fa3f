#include "cli/identity/identity.h"

#include "base/file.h"
#include "base/write.h"

#include <stdio.h>

#define CERTIFICATE_MAX 65536

static err_t print_credentials(json_t *list) {
  static const char *const headings[] = { "CREDENTIAL", "KIND", "CREATED", "EXPIRES",
                                          "THUMBPRINT" };
  AUTO_TABLE t = { 0 };
  json_t *item;
  size_t i;
  char text[WHEN_SIZE];
  table_start(&t, 5, headings);
  json_array_foreach(list, i, item) {
    table_cell(&t, field_text(item, "id"));
    table_cell(&t, field_text(item, "type"));
    table_cell_str(&t, field_time(item, "created", text));
    table_cell_str(&t, field_time(item, "expires", text));
    table_cell(&t, field_text(item, "thumbprint"));
  }
  out_line("%s", "");
  return table_print(&t);
}

err_t identity_print(const struct args *a, json_t *identity) {
  char text[WHEN_SIZE];
  if (args_flag(a, "json")) {
    out_json(identity);
    return OK;
  }
  out_field("Name", field_text(identity, "displayName"));
  out_field("Client id", field_text(identity, "appId"));
  out_field("Object id", field_text(identity, "objectId"));
  out_field_str("Enabled", field_yes_no(identity, "enabled"));
  out_field_str("Created", field_time(identity, "created", text));
  json_t *credentials = json_object_get(identity, "credentials");
  return json_array_size(credentials) ? print_credentials(credentials) : OK;
}

err_t identity_new_secret(struct client *c, const char *app_id, int64_t lifetime,
                          struct client_answer *out) {
  AUTO_BUF path = client_path("hub", "identities", app_id, "secrets", NULL), body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  if (lifetime)
    write_i64(&body, "lifetime", lifetime);
  write_close(&body, '}');
  return client_call(c, HTTP_POST, &path, &body, out);
}

err_t identity_new_certificate(struct client *c, const char *app_id, const char *file,
                               struct client_answer *out) {
  AUTO_BUF path = client_path("hub", "identities", app_id, "certificates", NULL);
  AUTO_BUF pem = BUF_EMPTY, body = BUF_EMPTY;
  TRY(file_read(file, CERTIFICATE_MAX, &pem));
  write_open(&body, NULL, '{');
  write_text(&body, "certificate", buf_bytes(&pem));
  write_close(&body, '}');
  return client_call(c, HTTP_POST, &path, &body, out);
}

err_t identity_give_secret(const struct args *a, const char *app_id, json_t *answer) {
  AUTO_BUF lines = BUF_EMPTY;
  const char *file = args_value(a, "out");
  struct bytes secret = field_text(answer, "secret");
  if (!file) {
    out_note("This secret is shown once; the hub keeps only its hash.");
    out_line(BYTES_FMT, BYTES_ARG(secret));
    return OK;
  }
  buf_printf(&lines, "export AZURE_CLIENT_ID='%s'\n", app_id);
  buf_printf(&lines, "export AZURE_CLIENT_SECRET='" BYTES_FMT "'\n", BYTES_ARG(secret));
  TRY(buf_ok(&lines));
  return file_write_private(file, buf_bytes(&lines));
}

err_t identity_switch(const struct args *a, bool enabled) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "identities", args_word(a, 0), NULL), body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  write_bool(&body, "enabled", enabled);
  write_close(&body, '}');
  TRY(ask(a, HTTP_PATCH, &path, &body, &answer));
  return identity_print(a, answer.body);
}
