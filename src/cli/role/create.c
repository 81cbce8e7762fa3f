/* strongroom role create NAME */
#include "base/write.h"
#include "cli/role/role.h"
#include "cli/verbs.h"

static void write_list(const struct args *a, const char *option, const char *field, struct buf *b) {
  size_t at = 0;
  const char *pattern;
  write_open(b, field, '[');
  while ((pattern = args_next(a, option, &at)))
    write_str(b, NULL, pattern);
  write_close(b, ']');
}

static void write_role(const struct args *a, struct buf *b) {
  const char *description = args_value(a, "description");
  write_open(b, NULL, '{');
  write_open(b, "properties", '{');
  write_str(b, "roleName", args_word(a, 0));
  write_str(b, "description", description ? description : "");
  write_str(b, "type", "CustomRole");
  write_open(b, "assignableScopes", '[');
  write_str(b, NULL, "/");
  write_close(b, ']');
  write_open(b, "permissions", '[');
  write_open(b, NULL, '{');
  write_list(a, "action", "dataActions", b);
  write_list(a, "not-action", "notDataActions", b);
  write_close(b, '}');
  write_close(b, ']');
  write_close(b, '}');
  write_close(b, '}');
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  char id[GUID_SIZE + 1];
  if (!args_flag(a, "action"))
    FAIL(ERR_USAGE, "--action PATTERN is missing: a role without one allows nothing");
  TRY(role_new_id(id));
  AUTO_BUF path = role_definition_path(id), body = BUF_EMPTY;
  write_role(a, &body);
  TRY(ask(a, HTTP_PUT, &path, &body, &answer));
  return role_print(a, answer.body);
}

static const struct opt options[] = {
  { "action", OPT_LIST, "PATTERN", NULL, "a data action that it allows; * stands for any text" },
  { "not-action", OPT_LIST, "PATTERN", NULL, "one that it does not, of those" },
  { "description", OPT_VALUE, "TEXT", NULL, "what it is for" },
  OPT_END,
};

const struct verb verb_role_create = {
  .noun = "role",
  .name = "create",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a role of your own",
  .options = options,
  .examples =
    "strongroom role create signer --action 'Microsoft.KeyVault/vaults/keys/sign/action'\n"
    "strongroom role create reader --action 'Microsoft.KeyVault/vaults/*/read'",
  .run = run,
};
