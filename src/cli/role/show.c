/* strongroom role show ROLE */
#include "cli/role/role.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER definitions = { 0 };
  json_t *role = NULL;
  TRY(ask_open(a, &c));
  TRY(role_definitions(c, &definitions));
  TRY(role_find_word(definitions.body, args_word(a, 0), &role));
  return role_print(a, role);
}

const struct verb verb_role_show = {
  .noun = "role",
  .name = "show",
  .words = "ROLE",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show what a role allows",
  .details = "ROLE is a role's name, short name or id.",
  .examples = "strongroom role show crypto-service-encryption-user",
  .run = run,
};
