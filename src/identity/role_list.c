/* Role definitions and assignments as JSON. */
#include "identity/internal.h"

#define ASSIGNMENT_ID "/providers/Microsoft.Authorization/roleAssignments/"

err_t role_write_definition(struct roles *r, const char *guid, struct buf *json) {
  char folded[GUID_SIZE + 1];
  struct role *role;
  READ_LOCKED(r->id);
  if (!guid_fold(guid, folded))
    FAIL(ERR_ROLE_DEFINITION_NOT_FOUND, "no GUID");
  TRY(role_lookup(r, folded, &role));
  buf_put_bytes(json, buf_bytes(&role->shown));
  return buf_ok(json);
}

static void list_open(struct buf *json) {
  write_open(json, NULL, '{');
  write_open(json, "value", '[');
}

static void list_close(struct buf *json) {
  write_close(json, ']');
  write_close(json, '}');
}

static void put_role(struct buf *json, const struct role *r) {
  if (json->data[json->size - 1] != '[')
    buf_put_char(json, ',');
  buf_put_bytes(json, buf_bytes(&r->shown));
}

static int role_by_name(const void *a, const void *b) {
  const struct role *x = *(struct role *const *)a, *y = *(struct role *const *)b;
  return strcmp(x->name, y->name);
}

err_t role_write_definitions(struct roles *r, struct buf *json) {
  AUTO_FREE void **custom = NULL;
  READ_LOCKED(r->id);
  TRY(guid_map_sorted(&r->custom, role_by_name, &custom));
  list_open(json);
  TRY(buf_ok(json));
  for (size_t i = 0; i < role_builtin_count(); i++)
    put_role(json, guid_map_get(&r->id->builtin, role_builtin_guid(i)));
  for (size_t i = 0; i < r->custom.count; i++)
    put_role(json, custom[i]);
  list_close(json);
  return buf_ok(json);
}

static void put_assignment(struct buf *json, const struct assignment *a) {
  write_open(json, NULL, '{');
  buf_printf(json, "\"id\":\"%s" ASSIGNMENT_ID "%s\"", a->scope[1] ? a->scope : "", a->guid);
  write_str(json, "name", a->guid);
  write_str(json, "type", "Microsoft.Authorization/roleAssignments");
  write_open(json, "properties", '{');
  write_str(json, "principalId", a->holder->app->oid);
  buf_printf(json, ",\"roleDefinitionId\":\"" ROLE_DEFINITION_ID "%s\"", a->role->guid);
  write_str(json, "scope", a->scope);
  write_close(json, '}');
  write_close(json, '}');
}

err_t role_write_assignment(struct roles *r, const char *guid, const char *scope,
                            struct buf *json) {
  struct assignment *a;
  READ_LOCKED(r->id);
  TRY(assignment_find(r, guid, scope, &a));
  put_assignment(json, a);
  return buf_ok(json);
}

err_t role_assignment_ids(struct roles *r, const char *guid, const char *scope,
                          struct assignment_ids *out) {
  struct assignment *a;
  READ_LOCKED(r->id);
  TRY(assignment_find(r, guid, scope, &a));
  memcpy(out->role, a->role->guid, sizeof out->role);
  memcpy(out->oid, a->holder->app->oid, sizeof out->oid);
  return OK;
}

static int assignment_by_guid(const void *a, const void *b) {
  const struct assignment *x = *(struct assignment *const *)a, *y = *(struct assignment *const *)b;
  return strcmp(x->guid, y->guid);
}

err_t role_write_assignments(struct roles *r, const char *scope, const char *principal_oid,
                             struct buf *json) {
  AUTO_FREE void **all = NULL;
  READ_LOCKED(r->id);
  TRY(guid_map_sorted(&r->assignments, assignment_by_guid, &all));
  list_open(json);
  for (size_t i = 0; i < r->assignments.count; i++) {
    const struct assignment *a = all[i];
    bool wanted =
      !principal_oid[0] || bytes_equal_nocase(bytes_str(principal_oid), a->holder->app->oid);
    if (wanted && scope_covers(scope, a->scope))
      put_assignment(json, a);
  }
  list_close(json);
  return buf_ok(json);
}
