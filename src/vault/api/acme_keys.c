/* What owners do about ACME: binding keys for identities, and the accounts made with them. */
#include "base/write.h"
#include "vault/api/api.h"

err_t acme_keys_list(struct call *c) {
  return acme_write_keys(c->api->acme, call_body(c));
}

err_t acme_accounts_list(struct call *c) {
  return acme_write_accounts(c->api->acme, call_body(c));
}

err_t acme_keys_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_SECRET key = { 0 };
  struct bytes text = { 0 };
  char name[4 * IDENTITY_NAME_MAX + 1], app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  char kid[GUID_SIZE + 1];
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "identity", &text, NULL));
  if (text.size == 0 || bytes_to_cstr(text, name, sizeof name) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property identity must be the name or an id of an identity\r\n");
  TRY(identity_find(c->api->identity, name, app_id, oid));
  call_object(c, "hub/acme/keys?objectId=%s", oid);
  TRY(acme_key_create(c->api->acme, oid, kid, &key));
  call_object(c, "hub/acme/keys/%s?objectId=%s", kid, oid);
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_str(b, "kid", kid);
  write_str(b, "objectId", oid);
  write_b64url(b, "key", secret_bytes(&key));
  write_close(b, '}');
  c->x->res.status = 201;
  return OK;
}

err_t acme_keys_delete(struct call *c) {
  TRY(acme_key_delete(c->api->acme, c->id));
  c->x->res.status = 204;
  return OK;
}
