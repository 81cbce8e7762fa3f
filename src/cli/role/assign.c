/* strongroom role assign ROLE --to IDENTITY */
#include "base/write.h"
#include "cli/role/role.h"
#include "cli/verbs.h"

static void write_assignment(struct bytes role_id, const char *oid, struct buf *b) {
  write_open(b, NULL, '{');
  write_open(b, "properties", '{');
  write_text(b, "roleDefinitionId", role_id);
  write_str(b, "principalId", oid);
  write_close(b, '}');
  write_close(b, '}');
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER definitions = { 0 }, answer = { 0 };
  const char *to = args_value(a, "to"), *scope = args_value(a, "scope");
  char id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  json_t *role = NULL;
  if (!to)
    FAIL(ERR_USAGE, "--to IDENTITY is missing");
  TRY(role_new_id(id));
  TRY(ask_open(a, &c));
  TRY(role_definitions(c, &definitions));
  TRY(role_find_word(definitions.body, args_word(a, 0), &role));
  TRY(role_principal(c, to, oid));
  AUTO_BUF path = role_assignment_path(scope ? scope : "/", id), body = BUF_EMPTY;
  write_assignment(field_text(role, "id"), oid, &body);
  TRY(client_call(c, HTTP_PUT, &path, &body, &answer));
  return role_print_assignment(a, answer.body);
}

static const struct opt options[] = {
  { "to", OPT_VALUE, "IDENTITY", NULL, "who gets it: a name, client id or object id" },
  SCOPE_OPTION,
  OPT_END,
};

const struct verb verb_role_assign = {
  .noun = "role",
  .name = "assign",
  .words = "ROLE",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Give an identity a role, for the vault, all keys or one key",
  .options = options,
  .examples =
    "strongroom role assign crypto-service-encryption-user --to billing --scope /keys/app\n"
    "strongroom role assign crypto-officer --to key-owners",
  .run = run,
};
