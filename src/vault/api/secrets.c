/* Secrets: set, show, update. */
#include "vault/secrets.h"

#include "base/write.h"
#include "vault/api/api.h"

static err_t too_long(const char *property, int max) {
  REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: at most %d bytes\r\n", property, max);
}

static err_t read_body(struct call *c, json_t *body, struct secret_request *rq, struct buf *tags) {
  bool has_value = false;
  TRY(json_get_str(body, "value", &rq->value, &has_value));
  TRY(json_get_str(body, "contentType", &rq->type, &rq->has_type));
  TRY(params_common(body, &rq->base, tags));
  if (rq->base.has_tags)
    rq->base.tags = buf_bytes(tags);
  if (c->route->method == HTTP_PUT && !has_value)
    REFUSE(ERR_BAD_PARAMETER, "Property value is required: a string\r\n");
  if (rq->value.size > SECRET_VALUE_MAX)
    return too_long("value", SECRET_VALUE_MAX);
  if (rq->type.size > SECRET_TYPE_MAX)
    return too_long("contentType", SECRET_TYPE_MAX);
  return OK;
}

err_t secrets_put(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO(version) struct version *version = NULL;
  struct secret_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(read_body(c, body, &rq, &tags));
  TRY(secrets_set(c->vault, c->name, &rq, &version));
  call_used(c, version->name, version->id);
  bundle_write_secret(c, version, rq.value);
  return OK;
}

err_t secrets_show(struct call *c) {
  AUTO_BUF value = BUF_EMPTY;
  AUTO(version) struct version *version = NULL;
  TRY(object_get(c->vault, KIND_SECRET, c->name, c->version, &version));
  call_used(c, version->name, version->id);
  if (!version->attributes.enabled)
    return ERR_SECRET_DISABLED;
  TRY(secrets_value(c->vault, version, &value));
  bundle_write_secret(c, version, buf_bytes(&value));
  return OK;
}

err_t secrets_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO(version) struct version *version = NULL;
  struct secret_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(read_body(c, body, &rq, &tags));
  TRY(secrets_update(c->vault, c->name, c->version, &rq, &version));
  call_used(c, version->name, version->id);
  bundle_write(c, version, NULL);
  return OK;
}
