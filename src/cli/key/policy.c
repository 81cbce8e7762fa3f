/* strongroom key policy NAME */
#include "base/write.h"
#include "cli/key/key.h"
#include "cli/verbs.h"

/* One of the four triggers that a policy may have. */
static const struct trigger {
  const char *option, *action, *field, *label;
} triggers[] = {
  { "rotate-after", "Rotate", "timeAfterCreate", "Rotate after" },
  { "rotate-before", "Rotate", "timeBeforeExpiry", "Rotate before" },
  { "notify-after", "Notify", "timeAfterCreate", "Notify after" },
  { "notify-before", "Notify", "timeBeforeExpiry", "Notify before" },
};
#define TRIGGERS (sizeof triggers / sizeof *triggers)
#define PERIOD_SIZE 32

static struct bytes find(json_t *policy, const struct trigger *t) {
  json_t *actions = json_object_get(policy, "lifetimeActions"), *item;
  size_t i;
  json_array_foreach(actions, i, item) {
    struct bytes type = field_text(field_object(item, "action"), "type");
    struct bytes value = field_text(field_object(item, "trigger"), t->field);
    if (value.size && bytes_equal_nocase(type, t->action))
      return value;
  }
  return bytes_str("");
}

static err_t print(const struct args *a, json_t *policy) {
  char text[WHEN_SIZE];
  if (args_flag(a, "json")) {
    out_json(policy);
    return OK;
  }
  json_t *attributes = field_object(policy, "attributes");
  for (size_t i = 0; i < TRIGGERS; i++)
    out_field(triggers[i].label, find(policy, &triggers[i]));
  out_field("Expires after", field_text(attributes, "expiryTime"));
  out_field_str("Updated", field_time(attributes, "updated", text));
  return OK;
}

static err_t write_trigger(struct buf *b, const struct trigger *t, const char *text) {
  char period[PERIOD_SIZE];
  TRY(when_parse_period(t->option, text, period, sizeof period));
  write_open(b, NULL, '{');
  write_open(b, "trigger", '{');
  write_str(b, t->field, period);
  write_close(b, '}');
  write_open(b, "action", '{');
  write_str(b, "type", t->action);
  write_close(b, '}');
  write_close(b, '}');
  return OK;
}

static err_t write_policy(const struct args *a, struct buf *b) {
  char period[PERIOD_SIZE];
  const char *expiry = args_value(a, "expire-after");
  write_open(b, NULL, '{');
  write_open(b, "lifetimeActions", '[');
  for (size_t i = 0; i < TRIGGERS; i++) {
    const char *text = args_value(a, triggers[i].option);
    if (text)
      TRY(write_trigger(b, &triggers[i], text));
  }
  write_close(b, ']');
  write_open(b, "attributes", '{');
  if (expiry) {
    TRY(when_parse_period("expire-after", expiry, period, sizeof period));
    write_str(b, "expiryTime", period);
  }
  write_close(b, '}');
  write_close(b, '}');
  return OK;
}

static bool wants_change(const struct args *a) {
  bool any = args_flag(a, "expire-after");
  for (size_t i = 0; i < TRIGGERS; i++)
    any |= args_flag(a, triggers[i].option);
  return any;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", args_word(a, 0), "rotationpolicy", NULL), body = BUF_EMPTY;
  bool change = wants_change(a);
  if (change)
    TRY(write_policy(a, &body));
  TRY(ask(a, change ? HTTP_PUT : HTTP_GET, &path, change ? &body : NULL, &answer));
  return print(a, answer.body);
}

static const struct opt options[] = {
  { "rotate-after", OPT_VALUE, "PERIOD", NULL,
    "new version so long after the last: 90d, P90D, 1y" },
  { "rotate-before", OPT_VALUE, "PERIOD", NULL, "new version so long before the last expires" },
  { "notify-after", OPT_VALUE, "PERIOD", NULL, "notify so long after a version was made" },
  { "notify-before", OPT_VALUE, "PERIOD", NULL, "notify so long before a version expires" },
  { "expire-after", OPT_VALUE, "PERIOD", NULL, "new versions expire after this time" },
  OPT_END,
};

const struct verb verb_key_policy = {
  .noun = "key",
  .name = "policy",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show a key's rotation policy, or set it",
  .details = "Without options it is shown; with any, the whole policy is replaced.",
  .options = options,
  .examples = "strongroom key policy app\n"
              "strongroom key policy app --rotate-after 90d --expire-after 1y",
  .run = run,
};
