/* Keys: create, import, show, update, rotate. */
#include "vault/api/api.h"

/* Writes the version and notes it for the audit log. */
static err_t answer(struct call *c, const struct key_version *kv) {
  call_used(c, kv->base.name, kv->base.id);
  bundle_write(c, &kv->base, NULL);
  return OK;
}

err_t keys_show(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->vault, c->name, c->version, &kv));
  return answer(c, kv);
}

err_t keys_create_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_create(body, &rq, &texts));
  TRY(keys_create(c->vault, c->name, &rq, &kv));
  return answer(c, kv);
}

err_t keys_import_put(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_import(body, &rq, &texts, &key));
  TRY(keys_import(c->vault, c->name, key, &rq, &kv));
  return answer(c, kv);
}

err_t keys_update_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF texts = BUF_EMPTY;
  AUTO(key_version) struct key_version *kv = NULL;
  struct key_request rq = { 0 };
  TRY(call_json(c, &body));
  TRY(params_update(body, &rq, &texts));
  TRY(keys_update(c->vault, c->name, c->version, &rq, &kv));
  return answer(c, kv);
}

err_t keys_rotate_post(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_rotate(c->vault, c->name, &kv));
  return answer(c, kv);
}

err_t keys_attestation(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->vault, c->name, c->version, &kv));
  REFUSE(ERR_BAD_PARAMETER, "Only a key inside a hardware security module can be attested.");
}

err_t keys_release(struct call *c) {
  AUTO(key_version) struct key_version *kv = NULL;
  TRY(keys_get(c->vault, c->name, c->version, &kv));
  call_used(c, kv->base.name, kv->base.id);
  REFUSE(ERR_ACCESS_DENIED, "Target environment attestation statement cannot be verified.");
}
