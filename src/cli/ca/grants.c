/* strongroom ca allow, disallow, grants: who may have certificates for which names. */
#include "base/write.h"
#include "cli/ask.h"
#include "cli/verbs.h"

#include <stdio.h>

static void write_list(const struct args *a, const char *option, const char *key,
                       struct buf *body) {
  size_t at = 0;
  write_open(body, key, '[');
  for (const char *v; (v = args_next(a, option, &at));)
    write_str(body, NULL, v);
  write_close(body, ']');
}

static void join(json_t *list, char *out, size_t size) {
  json_t *item;
  size_t i, n = 0;
  out[0] = '\0';
  json_array_foreach(list, i, item) {
    int w = snprintf(out + n, size - n, "%s%s", i ? " " : "", json_string_value(item));
    if (w < 0 || (n += (size_t)w) >= size)
      return;
  }
}

static err_t run_allow(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "ca", "grants", args_word(a, 0), NULL), body = BUF_EMPTY;
  char text[1024];
  if (!args_flag(a, "name") || !args_flag(a, "profile"))
    FAIL(ERR_USAGE, "say what for: --name NAME and --profile PROFILE, each as often as needed");
  write_open(&body, NULL, '{');
  write_list(a, "name", "names", &body);
  write_list(a, "profile", "profiles", &body);
  write_close(&body, '}');
  TRY(ask(a, HTTP_PUT, &path, &body, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  out_field("Object id", field_text(answer.body, "objectId"));
  join(json_object_get(answer.body, "profiles"), text, sizeof text);
  out_field_str("Profiles", text);
  join(json_object_get(answer.body, "names"), text, sizeof text);
  out_field_str("Names", text);
  return OK;
}

static const struct opt allow_options[] = {
  { "name", OPT_LIST, "NAME", NULL,
    "a.example, .svc.example (below it), *.svc.example (the wildcard), 10.1.0.0/16, "
    "spiffe://x/*, a@example, O=Example; again for more" },
  { "profile", OPT_LIST, "PROFILE", "server client workload vpn", "again for more" },
  OPT_END,
};

const struct verb verb_ca_allow = {
  .noun = "ca",
  .name = "allow",
  .words = "IDENTITY",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Say for which names an identity may have certificates",
  .details =
    "Replaces what was said before. The identity needs the role \"Strongroom Certificate\n"
    "Requester\", too. A name that no --name covers is refused, wherever a request has it:\n"
    "as a DNS name, an address, a URI or in the subject.",
  .options = allow_options,
  .examples = "strongroom role assign strongroom-certificate-requester --to web\n"
              "strongroom ca allow web --profile server --name web.example --name .web.example",
  .run = run_allow,
};

static err_t run_disallow(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "ca", "grants", args_word(a, 0), NULL);
  return ask(a, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_ca_disallow = {
  .noun = "ca",
  .name = "disallow",
  .words = "IDENTITY",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Take back what an identity may have certificates for",
  .details = "What was issued to it stays good until it is revoked or ends.",
  .examples = "strongroom ca disallow web",
  .run = run_disallow,
};

static void put_row(struct table *t, json_t *item) {
  char text[1024];
  table_cell(t, field_text(item, "objectId"));
  join(json_object_get(item, "profiles"), text, sizeof text);
  table_cell_str(t, text);
  join(json_object_get(item, "names"), text, sizeof text);
  table_cell_str(t, text);
}

static const char *const headings[] = { "OBJECT ID", "PROFILES", "NAMES" };
static const struct list rows = { 3, headings, put_row };

static err_t run_grants(const struct args *a) {
  AUTO_BUF path = client_path("hub", "ca", "grants", NULL);
  return ask_list(a, &path, &rows);
}

const struct verb verb_ca_grants = {
  .noun = "ca",
  .name = "grants",
  .words = "",
  .client = true,
  .summary = "List which identities may have certificates for which names",
  .examples = "strongroom ca grants",
  .run = run_grants,
};
