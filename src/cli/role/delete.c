/* strongroom role delete ROLE */
#include "cli/role/role.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER definitions = { 0 }, answer = { 0 };
  json_t *role = NULL;
  TRY(ask_open(a, &c));
  TRY(role_definitions(c, &definitions));
  TRY(role_find_word(definitions.body, args_word(a, 0), &role));
  AUTO_BUF path = role_definition_path((const char *)field_text(role, "name").data);
  return client_call(c, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_role_delete = {
  .noun = "role",
  .name = "delete",
  .words = "ROLE",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a role of your own that is not assigned any more",
  .examples = "strongroom role delete signer",
  .run = run,
};
