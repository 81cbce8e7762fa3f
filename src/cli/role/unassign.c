/* strongroom role unassign ASSIGNMENT */
#include "cli/role/role.h"
#include "cli/verbs.h"

/* An assignment is addressed with its scope, which the list of all of them knows. */
struct search {
  const char *id;
  struct buf scope;
};

static void search_free(struct search *s) {
  buf_free(&s->scope);
}

static err_t look(void *ctx, json_t *item) {
  struct search *s = ctx;
  if (bytes_equal_nocase(field_text(item, "name"), s->id))
    buf_put_bytes(&s->scope, field_text(field_object(item, "properties"), "scope"));
  return buf_ok(&s->scope);
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  __attribute__((cleanup(search_free))) struct search found = { args_word(a, 0), BUF_EMPTY };
  AUTO_BUF all = role_assignment_path("/", NULL);
  TRY(ask_open(a, &c));
  TRY(client_list(c, &all, look, &found));
  if (found.scope.size == 0)
    FAIL(ERR_NOT_FOUND, "there is no role assignment '%s'", found.id);
  const char *scope = buf_cstr(&found.scope);
  if (!scope)
    return ERR_NOMEM;
  AUTO_BUF path = role_assignment_path(scope, found.id);
  return client_call(c, HTTP_DELETE, &path, NULL, &answer);
}

const struct verb verb_role_unassign = {
  .noun = "role",
  .name = "unassign",
  .words = "ASSIGNMENT",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Take a role away again",
  .details = "'strongroom role assignments' lists the ids.",
  .examples = "strongroom role unassign 0fa8c4f6-5ac4-41a5-8e4e-1f4a0b4e9a51",
  .run = run,
};
