/* Role assignments: who may make and remove them, and their records. */
#include "identity/internal.h"

#include <strings.h>

#define ASSIGNMENT_RECORD_VERSION 1

static void assignment_pack(const struct assignment *a, const struct app *app, struct buf *record) {
  pack_u8(record, ASSIGNMENT_RECORD_VERSION);
  pack_str(record, a->role->guid);
  pack_str(record, app->oid);
  pack_str(record, a->scope);
}

err_t assignment_unpack(struct bytes record, struct assignment *a, struct assignment_ids *ids) {
  struct unpack u = unpack_of(record);
  if (unpack_u8(&u) != ASSIGNMENT_RECORD_VERSION)
    FAIL(ERR_CORRUPT, "an assignment record of an unknown version");
  unpack_str(&u, ids->role, sizeof ids->role);
  unpack_str(&u, ids->oid, sizeof ids->oid);
  unpack_str(&u, a->scope, sizeof a->scope);
  TRY(unpack_end(&u));
  if (!scope_valid(a->scope))
    FAIL(ERR_CORRUPT, "an assignment at a scope that cannot be");
  return OK;
}

/* An owner that can act. */
static bool makes_owner(const struct assignment *a) {
  const struct app *app = a->holder->app;
  return strcmp(a->role->guid, ROLE_OWNER) == 0 && strcmp(a->scope, "/") == 0 && app->enabled &&
         app->credential_count > 0;
}

/* Without this assignment, or without all of this application's (either may be NULL). */
static err_t owner_remains(const struct roles *r, const struct assignment *without,
                           const struct app *without_app) {
  size_t at = 0, lost = 0, left = 0;
  for (struct assignment *a; !r->retired && (a = guid_map_next(&r->assignments, &at));)
    if (makes_owner(a)) {
      if (a == without || a->holder->app == without_app)
        lost++;
      else
        left++;
    }
  if (lost && !left && r->vault[0])
    REFUSE(
      ERR_CONFLICT,
      "This would leave the vault %s without an owner. Assign the role Owner at scope \"/\" of "
      "that vault to another identity first.",
      r->vault);
  if (lost && !left)
    REFUSE(ERR_CONFLICT, "This would leave the hub without an owner. Assign the role Owner at "
                         "scope \"/\" to another identity first.");
  return OK;
}

err_t owner_remains_without(const struct assignment *a) {
  return owner_remains(a->holder->roles, a, NULL);
}

err_t owners_remain_without(const struct app *app) {
  for (const struct holder *h = app->holders; h; h = h->next)
    TRY(owner_remains(h->roles, NULL, app));
  return OK;
}

/* Who assigns must hold the action at that scope; a Key Vault Data Access Administrator (whom no
 * other assignment allows more) may give and take data roles only. */
err_t check_granter(const struct roles *r, const struct caller *granter, enum action action,
                    const struct role *role, const char *scope) {
  if (!granter)
    return OK;
  bool limited = false;
  const struct holder *h = guid_map_get(&r->holders, granter->oid);
  if (h && h->app->enabled)
    for (const struct assignment *a = h->assignments; a; a = a->next) {
      if (!(a->role->allowed >> action & 1) || !scope_covers(a->scope, scope))
        continue;
      if (strcmp(a->role->guid, ROLE_DATA_ACCESS_ADMINISTRATOR) != 0)
        return OK;
      limited = true;
    }
  if (!limited)
    FAIL(ERR_FORBIDDEN, "the granter may not assign here");
  if (!role->is_data_role)
    REFUSE(ERR_FORBIDDEN, "A Key Vault Data Access Administrator may assign the Key Vault data "
                          "roles only.");
  return OK;
}

static err_t check_free(const struct roles *r, const struct assignment *a, const struct app *app) {
  bool taken = guid_map_get(&r->assignments, a->guid) != NULL;
  const struct holder *h = guid_map_get(&r->holders, app->oid);
  for (const struct assignment *s = h ? h->assignments : NULL; s && !taken; s = s->next)
    taken = s->role == a->role && strcasecmp(s->scope, a->scope) == 0;
  if (taken)
    REFUSE(ERR_CONFLICT, "The role assignment already exists.");
  return OK;
}

static err_t check_assignable(const struct role *role, const char *scope) {
  for (size_t i = 0; i < role->scope_count; i++)
    if (scope_covers(role->scopes[i], scope))
      return OK;
  REFUSE(ERR_BAD_PARAMETER, "The role cannot be assigned at this scope: it is not in the role's "
                            "assignableScopes.");
}

static err_t find_principal(const struct identity *id, const char *oid, struct app **out) {
  char folded[GUID_SIZE + 1];
  if (!guid_fold(oid, folded))
    REFUSE(ERR_BAD_PARAMETER, "Property principalId has invalid value: a GUID expected\r\n");
  *out = guid_map_get(&id->apps_by_oid, folded);
  if (!*out)
    REFUSE(ERR_BAD_PARAMETER, "Principal %s does not exist in the directory %s.", folded,
           id->tenant);
  return OK;
}

static err_t assignment_new(const char *guid, const char *scope, struct assignment **out) {
  struct assignment *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  *out = a;
  if (!guid_fold(guid, a->guid))
    REFUSE(ERR_BAD_PARAMETER, "Role assignment name must be a GUID");
  if (!scope_valid(scope) || bytes_to_cstr(bytes_str(scope), a->scope, sizeof a->scope) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The scope must be /, /keys, /keys/<name> or likewise for secrets "
                              "and certificates.");
  return OK;
}

/* Room for the assignment and, where the application has none here yet, its holder. */
static err_t make_room(struct roles *r, struct app *app, struct holder **fresh) {
  WRITE_LOCKED(r->id);
  TRY(guid_map_reserve(&r->assignments));
  if (guid_map_get(&r->holders, app->oid))
    return OK;
  TRY(guid_map_reserve(&r->holders));
  *fresh = mem_zalloc(sizeof **fresh);
  if (!*fresh)
    return ERR_NOMEM;
  (*fresh)->app = app;
  return OK;
}

err_t role_assign(struct roles *r, const struct caller *granter, const char *guid,
                  const char *role_name, const char *principal_oid, const char *scope) {
  AUTO_FREE struct assignment *a = NULL;
  AUTO_FREE struct holder *fresh = NULL;
  AUTO_BUF record = BUF_EMPTY;
  struct app *app;
  TRY(assignment_new(guid, scope, &a));
  MUTEX_LOCKED(&r->id->changing);
  TRY(role_lookup(r, role_name, &a->role));
  TRY(check_granter(r, granter, ACT_ASSIGNMENT_WRITE, a->role, scope));
  TRY(find_principal(r->id, principal_oid, &app));
  TRY(check_assignable(a->role, scope));
  TRY(check_free(r, a, app));
  assignment_pack(a, app, &record);
  TRY(make_room(r, app, &fresh));
  TRY(roles_commit(r, "assignment", a->guid, &record));
  WRITE_LOCKED(r->id);
  a->holder = guid_map_get(&r->holders, app->oid);
  assignment_attach(r, TAKE(a), &fresh);
  return OK;
}

err_t assignment_find(const struct roles *r, const char *guid, const char *scope,
                      struct assignment **out) {
  char folded[GUID_SIZE + 1];
  struct assignment *a = guid_fold(guid, folded) ? guid_map_get(&r->assignments, folded) : NULL;
  if (!a || strcasecmp(a->scope, scope) != 0)
    FAIL(ERR_ROLE_ASSIGNMENT_NOT_FOUND, "no such assignment at this scope");
  *out = a;
  return OK;
}

err_t role_unassign(struct roles *r, const struct caller *granter, const char *guid,
                    const char *scope) {
  struct assignment *a;
  MUTEX_LOCKED(&r->id->changing);
  TRY(assignment_find(r, guid, scope, &a));
  TRY(check_granter(r, granter, ACT_ASSIGNMENT_DELETE, a->role, a->scope));
  TRY(owner_remains_without(a));
  TRY(roles_commit(r, "assignment", a->guid, NULL));
  WRITE_LOCKED(r->id);
  assignment_detach(a);
  mem_free(a);
  return OK;
}
