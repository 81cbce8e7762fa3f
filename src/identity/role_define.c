/* Custom role definitions: read, kept, shown. A record holds the definition as it is shown. */
#include "identity/internal.h"

#define ROLE_RECORD_VERSION 1
#define ROLE_DESCRIPTION_MAX 2048
#define ROLE_PATTERNS_MAX 256
#define ROLE_PATTERN_SIZE_MAX 160

const char *const role_list_names[ROLE_LISTS] = {
  [ROLE_ACTIONS] = "actions",
  [ROLE_NOT_ACTIONS] = "notActions",
  [ROLE_DATA_ACTIONS] = "dataActions",
  [ROLE_NOT_DATA_ACTIONS] = "notDataActions",
};

action_set role_permission(const action_set lists[static ROLE_LISTS]) {
  const action_set vaults = (action_set)1 << ACT_VAULT_READ | (action_set)1 << ACT_VAULT_WRITE |
                            (action_set)1 << ACT_VAULT_DELETE; /* named as data actions are */
  action_set data = action_match(bytes_str(KV "*")) & ~vaults;
  action_set control = action_match(bytes_str("*")) & ~data;
  return (lists[ROLE_ACTIONS] & ~lists[ROLE_NOT_ACTIONS] & control) |
         (lists[ROLE_DATA_ACTIONS] & ~lists[ROLE_NOT_DATA_ACTIONS] & data);
}

void role_show_open(struct role *r, const char *description) {
  struct buf *json = &r->shown;
  write_open(json, NULL, '{');
  buf_printf(json, "\"id\":\"" ROLE_DEFINITION_ID "%s\"", r->guid);
  write_str(json, "name", r->guid);
  write_str(json, "type", "Microsoft.Authorization/roleDefinitions");
  write_open(json, "properties", '{');
  write_str(json, "roleName", r->name);
  write_str(json, "description", description);
  write_str(json, "type", r->is_builtin ? "AKVBuiltInRole" : "CustomRole");
  write_open(json, "assignableScopes", '[');
  for (size_t i = 0; i < r->scope_count; i++)
    write_str(json, NULL, r->scopes[i]);
  write_close(json, ']');
  write_open(json, "permissions", '[');
}

void role_show_close(struct role *r) {
  write_close(&r->shown, ']');
  write_close(&r->shown, '}');
  write_close(&r->shown, '}');
}

static bool pattern_valid(struct bytes p) {
  static const char *const providers[] = { "Microsoft.KeyVault/", "Microsoft.Authorization/",
                                           "Strongroom/", "*" };
  for (size_t i = 0; i < p.size; i++)
    if (p.data[i] <= ' ' || p.data[i] >= 0x7f)
      return false;
  for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
    size_t n = strlen(providers[i]);
    if (p.size >= n && bytes_equal_nocase(bytes_of(p.data, n), providers[i]))
      return p.size <= ROLE_PATTERN_SIZE_MAX;
  }
  return false;
}

/* One list of a permission: shows it and finds what it names. */
static err_t read_list(json_t *permission, const char *name, size_t *patterns, struct buf *json,
                       action_set *set) {
  json_t *list, *item;
  size_t i;
  TRY(json_get_array(permission, name, &list));
  write_open(json, name, '[');
  json_array_foreach(list, i, item) {
    struct bytes p = bytes_of(json_string_value(item), json_string_length(item));
    if (!json_is_string(item) || !pattern_valid(p))
      REFUSE(ERR_BAD_PARAMETER,
             "Property %s has invalid value: patterns start with Microsoft.KeyVault/, "
             "Microsoft.Authorization/, Strongroom/ or *\r\n",
             name);
    if (++*patterns > ROLE_PATTERNS_MAX)
      REFUSE(ERR_BAD_PARAMETER, "Property permissions has invalid value: at most %d patterns\r\n",
             ROLE_PATTERNS_MAX);
    write_text(json, NULL, p);
    *set |= action_match(p);
  }
  write_close(json, ']');
  return OK;
}

static err_t read_permissions(json_t *properties, struct role *r) {
  json_t *permissions, *permission;
  size_t i, patterns = 0;
  TRY(json_get_array(properties, "permissions", &permissions));
  json_array_foreach(permissions, i, permission) {
    action_set lists[ROLE_LISTS] = { 0 };
    if (!json_is_object(permission) || ++patterns > ROLE_PATTERNS_MAX)
      REFUSE(ERR_BAD_PARAMETER, "Property permissions has invalid value: an array of objects "
                                "expected\r\n");
    write_open(&r->shown, NULL, '{');
    for (size_t k = 0; k < ROLE_LISTS; k++)
      TRY(read_list(permission, role_list_names[k], &patterns, &r->shown, &lists[k]));
    write_close(&r->shown, '}');
    r->allowed |= role_permission(lists);
  }
  return OK;
}

static err_t read_scopes(json_t *properties, struct role *r) {
  json_t *list, *item;
  size_t i;
  TRY(json_get_array(properties, "assignableScopes", &list));
  json_array_foreach(list, i, item) {
    struct bytes text = bytes_of(json_string_value(item), json_string_length(item));
    if (r->scope_count == sizeof r->scopes / sizeof *r->scopes || !json_is_string(item) ||
        bytes_to_cstr(text, r->scopes[r->scope_count], sizeof *r->scopes) != OK ||
        !scope_valid(r->scopes[r->scope_count]))
      REFUSE(ERR_BAD_PARAMETER,
             "Property assignableScopes has invalid value: at most %zu scopes such as /, /keys or "
             "/keys/<name>\r\n",
             sizeof r->scopes / sizeof *r->scopes);
    r->scope_count++;
  }
  if (r->scope_count == 0)
    memcpy(r->scopes[r->scope_count++], "/", 2);
  return OK;
}

/* guid is in lower case; json is the body of a PUT or what was stored. */
static err_t read_definition(const char *guid, json_t *json, struct role **out) {
  AUTO(role) struct role *r = mem_zalloc(sizeof *r);
  char description[ROLE_DESCRIPTION_MAX + 1] = "";
  struct bytes name = bytes_str(guid), text = { 0 };
  json_t *properties;
  if (!r)
    return ERR_NOMEM;
  TRY(json_get_object(json, "properties", &properties));
  if (!properties)
    REFUSE(ERR_BAD_PARAMETER, "Property properties has invalid value: an object expected\r\n");
  TRY(json_get_str(properties, "roleName", &name, NULL));
  TRY(json_get_str(properties, "description", &text, NULL));
  if (name.size == 0 || bytes_to_cstr(name, r->name, sizeof r->name) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property roleName has invalid value: 1 to %zu bytes\r\n",
           sizeof r->name - 1);
  if (bytes_to_cstr(text, description, sizeof description) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property description has invalid value: at most %d bytes\r\n",
           ROLE_DESCRIPTION_MAX);
  memcpy(r->guid, guid, GUID_SIZE + 1);
  TRY(read_scopes(properties, r));
  role_show_open(r, description);
  TRY(read_permissions(properties, r));
  role_show_close(r);
  TRY(buf_ok(&r->shown));
  *out = TAKE(r);
  return OK;
}

static void role_pack(const struct role *r, struct buf *record) {
  pack_u8(record, ROLE_RECORD_VERSION);
  pack_bytes(record, buf_bytes(&r->shown));
}

err_t role_unpack(const char *guid, struct bytes record, struct role **out) {
  struct unpack u = unpack_of(record);
  AUTO_JSON *json = NULL;
  char folded[GUID_SIZE + 1];
  if (unpack_u8(&u) != ROLE_RECORD_VERSION || !guid_fold(guid, folded))
    FAIL(ERR_CORRUPT, "a role record of an unknown version or at a place that cannot be");
  struct bytes text = unpack_bytes(&u);
  TRY(unpack_end(&u));
  err_t e = json_read(text, &json);
  if (e == OK)
    e = read_definition(folded, json, out);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_CORRUPT, "a stored role definition is not one");
  return e;
}

/* Neither a built-in role nor another's name. */
static err_t check_new(const struct roles *all, const struct role *r) {
  struct role *same = NULL;
  const struct role *named = role_named(all, r->name);
  IGNORE(role_lookup(all, r->guid, &same));
  if ((same && same->is_builtin) || (named && named->is_builtin))
    REFUSE(ERR_BAD_PARAMETER, "Cannot re-use the name/GUID matching that of a built-in role. "
                              "Please use a unique role ID.");
  if (named && named != same)
    REFUSE(ERR_CONFLICT, "A role definition with the same name exists.");
  return OK;
}

err_t role_put_definition(struct roles *r, const struct caller *granter, const char *guid,
                          json_t *body) {
  AUTO(role) struct role *next = NULL;
  AUTO_BUF record = BUF_EMPTY;
  char folded[GUID_SIZE + 1];
  if (!guid_fold(guid, folded))
    REFUSE(ERR_BAD_PARAMETER, "Role definition name must be a GUID");
  TRY(read_definition(folded, body, &next));
  role_pack(next, &record);
  MUTEX_LOCKED(&r->id->changing);
  TRY(check_granter(r, granter, ACT_ROLE_WRITE, next, "/"));
  TRY(check_new(r, next));
  {
    WRITE_LOCKED(r->id);
    TRY(guid_map_reserve(&r->custom));
  }
  TRY(roles_commit(r, "role", folded, &record));
  WRITE_LOCKED(r->id);
  struct role *present = guid_map_get(&r->custom, folded);
  if (present) { /* assignments point to it */
    struct role old = *present;
    *present = *next;
    *next = old;
  } else {
    guid_map_put(&r->custom, next->guid, next);
    (void)TAKE(next);
  }
  return OK;
}

err_t role_delete_definition(struct roles *r, const struct caller *granter, const char *guid) {
  struct role *role;
  char folded[GUID_SIZE + 1];
  MUTEX_LOCKED(&r->id->changing);
  if (!guid_fold(guid, folded))
    FAIL(ERR_ROLE_DEFINITION_NOT_FOUND, "no GUID");
  TRY(role_lookup(r, folded, &role));
  TRY(check_granter(r, granter, ACT_ROLE_DELETE, role, "/"));
  if (role->is_builtin)
    REFUSE(ERR_BAD_PARAMETER, "Cannot re-use the name/GUID matching that of a built-in role. "
                              "Please use a unique role ID.");
  size_t at = 0;
  for (struct assignment *a; (a = guid_map_next(&r->assignments, &at));)
    if (a->role == role)
      REFUSE(ERR_CONFLICT, "There are existing role assignments of this role: "
                           "remove them first.");
  TRY(roles_commit(r, "role", folded, NULL));
  WRITE_LOCKED(r->id);
  guid_map_remove(&r->custom, folded);
  role_free(role);
  return OK;
}
