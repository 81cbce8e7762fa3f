/* The decision, scopes, and roles by name. */
#include "identity/internal.h"

#include <strings.h>

bool scope_covers(const char *outer, const char *inner) {
  size_t n = strlen(outer);
  if (n == 1)
    return true; /* "/" */
  return strncasecmp(outer, inner, n) == 0 && (inner[n] == '\0' || inner[n] == '/');
}

bool role_decide(struct roles *r, const struct caller *who, enum action action, const char *scope,
                 char assignment_id[static GUID_SIZE + 1]) {
  if (action >= ACTION_COUNT)
    return false;
  action_set wanted = (action_set)1 << action;
  READ_LOCKED(r->id);
  const struct holder *h = guid_map_get(&r->holders, who->oid);
  if (!h || !h->app->enabled)
    return false;
  for (const struct assignment *a = h->assignments; a; a = a->next)
    if (a->role->allowed & wanted && scope_covers(a->scope, scope)) {
      memcpy(assignment_id, a->guid, GUID_SIZE + 1);
      return true;
    }
  return false;
}

static bool object_name_valid(const char *name) {
  size_t n = 0;
  for (; name[n]; n++) {
    char c = name[n], lower = (char)(c | 32);
    if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-')
      return false;
  }
  return n >= 1 && n <= 127;
}

bool scope_valid(const char *scope) {
  static const char *const collections[] = { "/keys", "/secrets", "/certificates" };
  if (strcmp(scope, "/") == 0)
    return true;
  for (size_t i = 0; i < sizeof collections / sizeof *collections; i++) {
    size_t n = strlen(collections[i]);
    if (strncasecmp(scope, collections[i], n) != 0)
      continue;
    if (scope[n] == '\0' || (scope[n] == '/' && object_name_valid(scope + n + 1)))
      return true;
  }
  return false;
}

void role_free(struct role *r) {
  buf_free(&r->shown);
  mem_free(r);
}

static char fold(char c) {
  return (char)(c == ' ' ? '-' : c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* "Crypto User", "crypto user" and "crypto-user" are one name. */
static bool same_name(const char *a, const char *b) {
  while (*a && fold(*a) == fold(*b)) {
    a++;
    b++;
  }
  return *a == *b;
}

/* Built-in roles are known without their family's name as well. */
static const char *short_name(const struct role *r) {
  static const char *const families[] = { "Key Vault ", "Strongroom " };
  for (size_t i = 0; r->is_builtin && i < sizeof families / sizeof *families; i++)
    if (strncmp(r->name, families[i], strlen(families[i])) == 0)
      return r->name + strlen(families[i]);
  return r->name;
}

static struct role *named_in(const struct guid_map *roles, const char *name) {
  size_t at = 0;
  for (struct role *r; (r = guid_map_next(roles, &at));)
    if (same_name(r->name, name) || same_name(short_name(r), name))
      return r;
  return NULL;
}

struct role *role_named(const struct roles *r, const char *name) {
  struct role *role = named_in(&r->id->builtin, name);
  return role ? role : named_in(&r->custom, name);
}

static struct role *role_of(const struct roles *r, const char *guid) {
  struct role *role = guid_map_get(&r->id->builtin, guid);
  return role ? role : guid_map_get(&r->custom, guid);
}

err_t role_lookup(const struct roles *r, const char *text, struct role **out) {
  char guid[GUID_SIZE + 1];
  struct role *role = guid_fold(text, guid) ? role_of(r, guid) : role_named(r, text);
  if (!role)
    FAIL(ERR_ROLE_DEFINITION_NOT_FOUND, "no such role");
  *out = role;
  return OK;
}

err_t role_find(struct roles *r, const char *text, char guid[static GUID_SIZE + 1]) {
  struct role *role;
  READ_LOCKED(r->id);
  TRY(role_lookup(r, text, &role));
  memcpy(guid, role->guid, GUID_SIZE + 1);
  return OK;
}
