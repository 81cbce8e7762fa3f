/* strongroom identity add-secret NAME */
#include "cli/identity/identity.h"
#include "cli/verbs.h"

/* The client id that belongs to what the user typed: it goes into the lines for the shell. */
static err_t find_app_id(struct client *c, const char *name, struct client_answer *out) {
  AUTO_BUF path = client_path("hub", "identities", name, NULL);
  TRY(client_call(c, HTTP_GET, &path, NULL, out));
  if (!out->body || !field_text(out->body, "appId").size)
    FAIL(ERR_INTERNAL, "the server's answer has no client id");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER identity = { 0 }, answer = { 0 };
  const char *lifetime = args_value(a, "lifetime");
  int64_t seconds = 0;
  if (lifetime)
    TRY(when_parse_span("lifetime", lifetime, &seconds));
  TRY(ask_open(a, &c));
  TRY(find_app_id(c, args_word(a, 0), &identity));
  const char *app_id = (const char *)field_text(identity.body, "appId").data;
  TRY(identity_new_secret(c, app_id, seconds, &answer));
  if (!args_flag(a, "json") || args_flag(a, "out"))
    return identity_give_secret(a, app_id, answer.body);
  out_json(answer.body);
  return OK;
}

static const struct opt options[] = { SECRET_OPTIONS, OPT_END };

const struct verb verb_identity_add_secret = {
  .noun = "identity",
  .name = "add-secret",
  .words = "NAME|ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make one more client secret; those that are there stay good",
  .options = options,
  .examples = "strongroom identity add-secret billing --lifetime 90d --out billing.env",
  .run = run,
};
