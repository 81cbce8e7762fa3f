/* External account bindings (RFC 8555, 7.3.4): the keys that owners make for identities, and what
 * clients show with them. */
#include "base/clock.h"
#include "base/write.h"
#include "vault/acme/state.h"

static void aad_of(const char *kid, struct buf *out) {
  buf_put_str(out, "acme/key/");
  buf_put_str(out, kid);
}

err_t acme_key_create(struct acme *a, const char *oid, char kid[static GUID_SIZE + 1],
                      struct secret *key) {
  AUTO(acme_key) struct acme_key *k = mem_zalloc(sizeof *k);
  AUTO_SECRET secret = { 0 };
  AUTO_BUF aad = BUF_EMPTY;
  if (!k)
    return ERR_NOMEM;
  TRY(guid_random(k->kid));
  memcpy(k->oid, oid, sizeof k->oid);
  k->created = clock_now();
  TRY(secret_random(ACME_SECRET_SIZE, &secret));
  aad_of(k->kid, &aad);
  TRY(buf_ok(&aad));
  TRY(crypto_seal(secret_bytes(&a->sealing), buf_bytes(&aad), secret_bytes(&secret), &k->sealed));
  ACME_LOCKED(a);
  if (a->keys.count >= ACME_KEYS_MAX)
    REFUSE(ERR_CONFLICT, "There are %d binding keys already. Delete some first.", ACME_KEYS_MAX);
  TRY(guid_map_reserve(&a->keys));
  TRY(acme_commit_key(a, k));
  memcpy(kid, k->kid, sizeof k->kid);
  *key = secret_take(&secret);
  guid_map_put(&a->keys, k->kid, k);
  k = NULL;
  return OK;
}

err_t acme_key_delete(struct acme *a, const char *kid) {
  char folded[GUID_SIZE + 1];
  ACME_LOCKED(a);
  struct acme_key *k = guid_fold(kid, folded) ? guid_map_get(&a->keys, folded) : NULL;
  if (!k)
    REFUSE(ERR_NOT_FOUND, "There is no such binding key.");
  TRY(acme_forget(a, "key", &(const char *){ k->kid }, 1));
  guid_map_remove(&a->keys, k->kid);
  acme_key_free(k);
  return OK;
}

static int by_created(const void *a, const void *b) {
  const struct acme_key *x = *(void *const *)a, *y = *(void *const *)b;
  if (x->created != y->created)
    return x->created < y->created ? -1 : 1;
  return strcmp(x->kid, y->kid);
}

err_t acme_write_keys(struct acme *a, struct buf *json) {
  AUTO_FREE void **list = NULL;
  ACME_LOCKED(a);
  TRY(guid_map_sorted(&a->keys, by_created, &list));
  write_open(json, NULL, '{');
  write_open(json, "value", '[');
  for (size_t i = 0; i < a->keys.count; i++) {
    const struct acme_key *k = list[i];
    char name[4 * IDENTITY_NAME_MAX + 1];
    write_open(json, NULL, '{');
    write_str(json, "kid", k->kid);
    identity_name(a->identity, k->oid, name);
    write_str(json, "identity", name);
    write_str(json, "objectId", k->oid);
    write_i64(json, "created", k->created);
    write_i64(json, "accounts", k->accounts);
    write_close(json, '}');
  }
  write_close(json, ']');
  write_close(json, '}');
  return buf_ok(json);
}

/* What a binding says besides its MAC: the address, and the very key that the account has. */
static err_t check_said(struct acme_request *r, const struct acme_jws *j) {
  AUTO_JSON *jwk = NULL;
  AUTO(key) struct key *key = NULL;
  char thumbprint[44];
  struct bytes url = { 0 };
  TRY(json_get_str(j->header, "url", &url, NULL));
  if (!bytes_equal_str(url, r->url) || json_object_get(j->header, "nonce"))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The external account binding's url is not the request's, or it has a nonce.");
  TRY(json_read(buf_bytes(&j->payload), &jwk));
  TRY(acme_jwk(jwk, &key));
  TRY(key_thumbprint(key, thumbprint));
  if (strcmp(thumbprint, r->thumbprint) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The external account binding is for another account key.");
  return OK;
}

static err_t check_mac(struct acme_request *r, const struct acme_jws *j, const struct acme_key *k) {
  AUTO_SECRET secret = { 0 };
  AUTO_BUF aad = BUF_EMPTY;
  aad_of(k->kid, &aad);
  TRY(buf_ok(&aad));
  TRY(crypto_open_secret(secret_bytes(&r->acme->sealing), buf_bytes(&aad), buf_bytes(&k->sealed),
                         &secret));
  return acme_jws_verify_mac(j, secret_bytes(&secret));
}

err_t acme_check_binding(struct acme_request *r, json_t *binding, struct acme_key **out) {
  AUTO_ACME_JWS j = { 0 };
  bool algorithm;
  struct bytes kid = { 0 };
  char id[GUID_SIZE + 1], text[GUID_SIZE + 1];
  if (!binding)
    PROBLEM(r, ERR_FORBIDDEN, "externalAccountRequired",
            "Accounts need an external account binding. An owner makes its key: 'strongroom acme "
            "create-key NAME'.");
  TRY(acme_jws_parse(json_incref(binding), true, &j, &algorithm));
  TRY(json_get_str(j.header, "kid", &kid, NULL));
  struct acme_key *k = NULL;
  if (bytes_to_cstr(kid, text, sizeof text) == OK && guid_fold(text, id))
    k = guid_map_get(&r->acme->keys, id);
  if (!k || check_mac(r, &j, k) != OK)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The external account binding's key is unknown, or its MAC is wrong.");
  TRY(check_said(r, &j));
  if (!identity_enabled(r->acme->identity, k->oid))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The identity of the external account binding is gone or disabled.");
  if (k->accounts >= ACME_KEY_ACCOUNTS)
    return acme_limited(r, 86400, "accounts of this external account binding");
  *out = k;
  return OK;
}
