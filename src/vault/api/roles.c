/* Role definitions and assignments, on the wire as the Managed HSM RBAC API has them. */
#include "base/write.h"
#include "vault/api/api.h"

#include <stdio.h>

err_t roles_list(struct call *c) {
  return role_write_definitions(c->roles, call_body(c));
}

err_t roles_show(struct call *c) {
  return role_write_definition(c->roles, c->id, call_body(c));
}

/* The path's scope is where the caller may; what changes is the definition everywhere. */
static err_t check_scope(const struct call *c) {
  if (strcmp(c->scope, "/") != 0)
    REFUSE(ERR_BAD_PARAMETER,
           "A role definition is the whole vault's: it is changed at scope /, not at %s.",
           c->scope);
  return OK;
}

err_t roles_put(struct call *c) {
  AUTO_JSON *body = NULL;
  TRY(check_scope(c));
  TRY(call_json(c, &body));
  TRY(role_put_definition(c->roles, &c->who, c->id, body));
  c->x->res.status = 201;
  return role_write_definition(c->roles, c->id, call_body(c));
}

/* A deletion answers with what was deleted. */
err_t roles_delete(struct call *c) {
  AUTO_BUF old = BUF_EMPTY;
  TRY(check_scope(c));
  TRY(role_write_definition(c->roles, c->id, &old));
  TRY(buf_ok(&old));
  TRY(role_delete_definition(c->roles, &c->who, c->id));
  buf_put_bytes(call_body(c), buf_bytes(&old));
  return OK;
}

/* $filter=principalId eq '<oid>' */
static err_t read_filter(struct call *c, char oid[static GUID_SIZE + 1]) {
  char text[128];
  bool found;
  oid[0] = '\0';
  TRY(http_query_get(c->x->req.query, "$filter", text, sizeof text, &found));
  if (!found || text[0] == '\0')
    return OK;
  static const char start[] = "principalId eq '";
  size_t n = sizeof start - 1;
  struct bytes id = { 0 };
  if (strncmp(text, start, n) == 0)
    bytes_split(bytes_str(text + n), '\'', &id);
  if (!guid_valid(id) || bytes_to_cstr(id, oid, GUID_SIZE + 1) != OK)
    REFUSE(ERR_BAD_PARAMETER, "The $filter must be principalId eq '<object id>'.");
  return OK;
}

err_t assignments_list(struct call *c) {
  char oid[GUID_SIZE + 1];
  TRY(read_filter(c, oid));
  return role_write_assignments(c->roles, c->scope, oid, call_body(c));
}

err_t assignments_show(struct call *c) {
  return role_write_assignment(c->roles, c->id, c->scope, call_body(c));
}

static void name_assignment(struct call *c, const struct assignment_ids *ids) {
  call_object(c,
              "%s%sproviders/Microsoft.Authorization/roleAssignments/%s?roleDefinitionId=%s"
              "&principalId=%s",
              c->scope + 1, c->scope[1] ? "/" : "", c->id, ids->role, ids->oid);
}

/* Whose assignment of which role the body asks for. */
static err_t read_assignment(struct call *c, struct assignment_ids *ids) {
  AUTO_JSON *body = NULL;
  json_t *properties = NULL;
  struct bytes role = { 0 }, principal = { 0 };
  char role_text[256];
  TRY(call_json(c, &body));
  TRY(json_get_object(body, "properties", &properties));
  TRY(json_get_str(properties, "roleDefinitionId", &role, NULL));
  TRY(json_get_str(properties, "principalId", &principal, NULL));
  if (!role.data || bytes_to_cstr(role, role_text, sizeof role_text) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property roleDefinitionId is required\r\n");
  if (!guid_valid(principal) || bytes_to_cstr(principal, ids->oid, sizeof ids->oid) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property principalId must be the object id of an identity\r\n");
  const char *slash = strrchr(role_text, '/');
  return role_find(c->roles, slash ? slash + 1 : role_text, ids->role);
}

err_t assignments_put(struct call *c) {
  struct assignment_ids ids;
  TRY(read_assignment(c, &ids));
  name_assignment(c, &ids);
  TRY(role_assign(c->roles, &c->who, c->id, ids.role, ids.oid, c->scope));
  c->x->res.status = 201;
  return role_write_assignment(c->roles, c->id, c->scope, call_body(c));
}

err_t assignments_delete(struct call *c) {
  AUTO_BUF old = BUF_EMPTY;
  struct assignment_ids ids;
  TRY(role_assignment_ids(c->roles, c->id, c->scope, &ids));
  name_assignment(c, &ids);
  TRY(role_write_assignment(c->roles, c->id, c->scope, &old));
  TRY(buf_ok(&old));
  TRY(role_unassign(c->roles, &c->who, c->id, c->scope));
  buf_put_bytes(call_body(c), buf_bytes(&old));
  return OK;
}
