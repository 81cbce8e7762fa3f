/* Rotation policies as JSON. */
#include "base/write.h"
#include "vault/api/api.h"

#include <strings.h>

static err_t read_duration(json_t *o, const char *field, char out[static DURATION_MAX]) {
  struct bytes text = { 0 };
  TRY(json_get_str(o, field, &text, NULL));
  if (text.data && bytes_to_cstr(text, out, DURATION_MAX) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property %s must be an ISO 8601 duration such as P90D.\r\n", field);
  return OK;
}

/* One lifetime action. A policy has at most one of each type, with one trigger. */
static err_t read_action(json_t *item, struct key_policy *p) {
  json_t *trigger = NULL, *action = NULL;
  struct bytes type = { 0 };
  char after[DURATION_MAX] = "", before[DURATION_MAX] = "";
  if (!json_is_object(item))
    REFUSE(ERR_BAD_PARAMETER, "Property lifetimeActions must be a list of objects\r\n");
  TRY(json_get_object(item, "trigger", &trigger));
  TRY(json_get_object(item, "action", &action));
  TRY(json_get_str(action, "type", &type, NULL));
  TRY(read_duration(trigger, "timeAfterCreate", after));
  TRY(read_duration(trigger, "timeBeforeExpiry", before));
  if (!after[0] == !before[0])
    REFUSE(ERR_BAD_PARAMETER,
           "A lifetime action needs one trigger: timeAfterCreate or timeBeforeExpiry.");
  bool rotate = bytes_equal_nocase(type, "Rotate");
  if (!rotate && !bytes_equal_nocase(type, "Notify"))
    REFUSE(ERR_BAD_PARAMETER, "A lifetime action's type must be Rotate or Notify.");
  char *to_after = rotate ? p->rotate_after : p->notify_after;
  char *to_before = rotate ? p->rotate_before : p->notify_before;
  if (to_after[0] || to_before[0])
    REFUSE(ERR_BAD_PARAMETER, "A policy has at most one Rotate and one Notify action.");
  memcpy(to_after, after, sizeof after);
  memcpy(to_before, before, sizeof before);
  return OK;
}

static void write_action(struct buf *b, const char *type, const char *after, const char *before) {
  if (!after[0] && !before[0])
    return;
  write_open(b, NULL, '{');
  write_open(b, "trigger", '{');
  write_str(b, after[0] ? "timeAfterCreate" : "timeBeforeExpiry", after[0] ? after : before);
  write_close(b, '}');
  write_open(b, "action", '{');
  write_str(b, "type", type);
  write_close(b, '}');
  write_close(b, '}');
}

static void write_policy(struct call *c, const struct key_policy *p) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_open(b, "id", '"');
  call_put_id(c, b, "keys", c->name, "/rotationpolicy\"");
  write_open(b, "lifetimeActions", '[');
  write_action(b, "Rotate", p->rotate_after, p->rotate_before);
  write_action(b, "Notify", p->notify_after, p->notify_before);
  write_close(b, ']');
  write_open(b, "attributes", '{');
  if (p->expiry[0])
    write_str(b, "expiryTime", p->expiry);
  if (p->created) {
    write_i64(b, "created", p->created);
    write_i64(b, "updated", p->updated);
  }
  write_close(b, '}');
  write_close(b, '}');
}

err_t keys_policy_get_(struct call *c) {
  struct key_policy p;
  TRY(keys_policy_get(c->vault, c->name, &p));
  write_policy(c, &p);
  return OK;
}

err_t keys_policy_put(struct call *c) {
  AUTO_JSON *body = NULL;
  struct key_policy p = { 0 };
  json_t *actions = NULL, *attributes = NULL, *item;
  size_t i;
  TRY(call_json(c, &body));
  TRY(json_get_array(body, "lifetimeActions", &actions));
  TRY(json_get_object(body, "attributes", &attributes));
  json_array_foreach(actions, i, item) TRY(read_action(item, &p));
  TRY(read_duration(attributes, "expiryTime", p.expiry));
  TRY(keys_policy_set(c->vault, c->name, &p));
  write_policy(c, &p);
  return OK;
}
