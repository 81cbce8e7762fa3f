#include "cli/role/role.h"

#include "cli/nearest.h"
#include "crypto/crypto.h"

#include <ctype.h>

#define AUTHORIZATION "providers", "Microsoft.Authorization"

struct buf role_definition_path(const char *id) {
  return client_path(AUTHORIZATION, "roleDefinitions", id, NULL);
}

struct buf role_assignment_path(const char *scope, const char *id) {
  struct buf path = BUF_EMPTY;
  AUTO_BUF rest = client_path(AUTHORIZATION, "roleAssignments", id, NULL);
  struct bytes segment, more = bytes_str(scope);
  while (more.data) {
    more = bytes_split(more, '/', &segment);
    if (segment.size)
      buf_put_char(&path, '/');
    client_put_escaped(&path, segment);
  }
  buf_put_bytes(&path, buf_bytes(&rest));
  path.failed |= rest.failed;
  return path;
}

err_t role_definitions(struct client *c, struct client_answer *out) {
  AUTO_BUF path = role_definition_path(NULL);
  TRY(client_call(c, HTTP_GET, &path, NULL, out));
  if (!out->body)
    FAIL(ERR_INTERNAL, "the server's answer has no body");
  return OK;
}

void role_put_short(struct buf *b, struct bytes role_name) {
  static const char prefix[] = "Key Vault ";
  if (bytes_starts(role_name, prefix))
    role_name = bytes_of(role_name.data + sizeof prefix - 1, role_name.size - (sizeof prefix - 1));
  for (size_t i = 0; i < role_name.size; i++)
    buf_put_char(b, (char)(role_name.data[i] == ' ' ? '-' : tolower(role_name.data[i])));
}

static bool names(json_t *definition, const char *word, struct buf *brief) {
  struct bytes full = field_text(field_object(definition, "properties"), "roleName");
  buf_clear(brief);
  role_put_short(brief, full);
  return bytes_equal_nocase(field_text(definition, "name"), word) ||
         bytes_equal_nocase(full, word) || bytes_equal_nocase(buf_bytes(brief), word);
}

/* The short name that is nearest to the word, for the message. */
static err_t not_found(json_t *definitions, const char *word) {
  AUTO_BUF briefs = BUF_EMPTY;
  struct nearest n;
  json_t *item;
  size_t i;
  json_array_foreach(definitions, i, item) {
    role_put_short(&briefs, field_text(field_object(item, "properties"), "roleName"));
    buf_put_char(&briefs, '\0');
  }
  TRY(buf_ok(&briefs));
  nearest_to(word, &n);
  const char *p = (const char *)briefs.data, *end = p + briefs.size;
  for (; p < end; p += strlen(p) + 1)
    nearest_offer(&n, p);
  if (n.found)
    FAIL(ERR_NOT_FOUND, "there is no role '%s': did you mean '%s'?", word, n.found);
  FAIL(ERR_NOT_FOUND, "there is no role '%s': see 'strongroom role list'", word);
}

err_t role_find_word(json_t *definitions, const char *word, json_t **out) {
  AUTO_BUF brief = BUF_EMPTY;
  json_t *list = json_object_get(definitions, "value"), *item;
  size_t i;
  json_array_foreach(list, i, item) {
    bool found = names(item, word, &brief);
    TRY(buf_ok(&brief));
    if (!found)
      continue;
    *out = item;
    return OK;
  }
  return not_found(list, word);
}

err_t role_principal(struct client *c, const char *word, char oid[static GUID_SIZE + 1]) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "identities", word, NULL);
  err_t e = client_call(c, HTTP_GET, &path, NULL, &answer);
  if (e == ERR_FORBIDDEN && strlen(word) == GUID_SIZE) /* who may not look it up may know it */
    return bytes_to_cstr(bytes_str(word), oid, GUID_SIZE + 1);
  if (e == ERR_FORBIDDEN)
    FAIL(e,
         "only who may read the hub's identities can name one: give the object id of '%s', which "
         "'strongroom identity show' tells those",
         word);
  TRY(e);
  return bytes_to_cstr(field_text(answer.body, "objectId"), oid, GUID_SIZE + 1);
}

err_t role_new_id(char id[static GUID_SIZE + 1]) {
  uint8_t random[16];
  TRY(crypto_random(random, sizeof random));
  random[6] = (random[6] & 0x0f) | 0x40; /* RFC 9562, version 4 */
  random[8] = (random[8] & 0x3f) | 0x80;
  guid_format(random, id);
  return OK;
}

static void print_list(const char *label, json_t *list) {
  json_t *item;
  size_t i;
  json_array_foreach(list, i, item) {
    if (json_is_string(item))
      out_field(i ? NULL : label, bytes_str(json_string_value(item)));
  }
}

err_t role_print(const struct args *a, json_t *definition) {
  if (args_flag(a, "json")) {
    out_json(definition);
    return OK;
  }
  json_t *properties = field_object(definition, "properties"), *permission;
  size_t i;
  out_field("Role", field_text(properties, "roleName"));
  out_field("Id", field_text(definition, "name"));
  out_field("Kind", field_text(properties, "type"));
  out_field("Description", field_text(properties, "description"));
  json_array_foreach(json_object_get(properties, "permissions"), i, permission) {
    print_list("Actions", json_object_get(permission, "actions"));
    print_list("Data actions", json_object_get(permission, "dataActions"));
    print_list("But not", json_object_get(permission, "notDataActions"));
  }
  return OK;
}

err_t role_print_assignment(const struct args *a, json_t *assignment) {
  if (args_flag(a, "json")) {
    out_json(assignment);
    return OK;
  }
  json_t *properties = field_object(assignment, "properties");
  out_field("Assignment", field_text(assignment, "name"));
  out_field("Role", field_text(properties, "roleDefinitionId"));
  out_field("Principal", field_text(properties, "principalId"));
  out_field("Scope", field_text(properties, "scope"));
  return OK;
}
