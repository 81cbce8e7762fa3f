/* The records "acme/key/..", "acme/account/.." and "acme/order/..". */
#include "base/clock.h"
#include "base/pack.h"
#include "base/write.h"
#include "vault/acme/state.h"

#include <stdio.h>

#define FORMAT 1

static err_t commit(struct acme *a, const char *kind, const char *id, struct bytes body) {
  char place[STORE_PLACE_MAX + 1];
  snprintf(place, sizeof place, "acme/%s/%s", kind, id);
  return store_commit(a->store, &(struct store_write){ place, body }, 1);
}

err_t acme_forget(struct acme *a, const char *kind, const char *const *ids, size_t count) {
  AUTO_FREE struct removal { char place[80]; } *places = mem_alloc(count * sizeof *places);
  AUTO_FREE struct store_write *writes = mem_alloc(count * sizeof *writes);
  if (!places || !writes)
    return ERR_NOMEM;
  for (size_t i = 0; i < count; i++) {
    snprintf(places[i].place, sizeof places[i].place, "acme/%s/%s", kind, ids[i]);
    writes[i] = (struct store_write){ places[i].place, { 0 } };
  }
  return store_commit(a->store, writes, count);
}

err_t acme_commit_key(struct acme *a, const struct acme_key *k) {
  AUTO_BUF body = BUF_EMPTY;
  pack_u8(&body, FORMAT);
  pack_str(&body, k->oid);
  pack_i64(&body, k->created);
  pack_bytes(&body, buf_bytes(&k->sealed));
  TRY(buf_ok(&body));
  return commit(a, "key", k->kid, buf_bytes(&body));
}

static err_t known(struct unpack *u) {
  if (unpack_u8(u) != FORMAT)
    FAIL(ERR_CORRUPT, "a record of the ACME server has a format that this version does not know");
  return OK;
}

err_t acme_read_key(struct acme *a, const char *kid, struct bytes body, struct acme_key **out) {
  struct unpack u = unpack_of(body);
  AUTO(acme_key) struct acme_key *k = mem_zalloc(sizeof *k);
  if (!k)
    return ERR_NOMEM;
  TRY(known(&u));
  memcpy(k->kid, kid, sizeof k->kid);
  unpack_str(&u, k->oid, sizeof k->oid);
  k->created = unpack_i64(&u);
  buf_put_bytes(&k->sealed, unpack_bytes(&u));
  TRY(unpack_end(&u));
  TRY(buf_ok(&k->sealed));
  *out = TAKE(k);
  return OK;
}

static err_t put_jwk(const struct key *k, struct buf *b) {
  buf_put_str(b, key_spec(k)->type == KEY_RSA ? "{\"kty\":\"RSA\"" : "{\"kty\":\"EC\"");
  TRY(key_public_members(k, b));
  buf_put_char(b, '}');
  return buf_ok(b);
}

err_t acme_commit_account(struct acme *a, const struct acme_account *account) {
  AUTO_BUF body = BUF_EMPTY, jwk = BUF_EMPTY;
  TRY(put_jwk(account->key, &jwk));
  pack_u8(&body, FORMAT);
  pack_str(&body, account->kid);
  pack_str(&body, account->oid);
  pack_i64(&body, account->created);
  pack_u8(&body, account->deactivated);
  pack_bytes(&body, buf_bytes(&jwk));
  pack_u32(&body, (uint32_t)account->contact_count);
  for (size_t i = 0; i < account->contact_count; i++)
    pack_str(&body, account->contacts[i]);
  TRY(buf_ok(&body));
  return commit(a, "account", account->id, buf_bytes(&body));
}

static err_t read_contacts(struct unpack *u, struct acme_account *account) {
  char text[ACME_CONTACT_SIZE + 1];
  uint32_t count = unpack_u32(u);
  if (count > ACME_CONTACTS_MAX)
    FAIL(ERR_CORRUPT, "an ACME account with %u contacts", count);
  for (uint32_t i = 0; i < count; i++) {
    unpack_str(u, text, sizeof text);
    if (!(account->contacts[i] = mem_strdup(text)))
      return ERR_NOMEM;
    account->contact_count++;
  }
  return OK;
}

err_t acme_read_account(const char *id, struct bytes body, struct acme_account **out) {
  struct unpack u = unpack_of(body);
  AUTO_JSON *jwk = NULL;
  AUTO(acme_account) struct acme_account *account = mem_zalloc(sizeof *account);
  if (!account)
    return ERR_NOMEM;
  TRY(known(&u));
  memcpy(account->id, id, sizeof account->id);
  unpack_str(&u, account->kid, sizeof account->kid);
  unpack_str(&u, account->oid, sizeof account->oid);
  account->created = unpack_i64(&u);
  account->deactivated = unpack_u8(&u) != 0;
  struct bytes text = unpack_bytes(&u);
  TRY(read_contacts(&u, account));
  TRY(unpack_end(&u));
  TRY(json_read(text, &jwk));
  TRY(acme_jwk(jwk, &account->key));
  TRY(key_thumbprint(account->key, account->thumbprint));
  *out = TAKE(account);
  return OK;
}

static void pack_failure(struct buf *b, const struct failure *f) {
  pack_str(b, f->type);
  pack_str(b, f->detail);
}

static void unpack_failure(struct unpack *u, struct failure *f) {
  unpack_str(u, f->type, sizeof f->type);
  unpack_str(u, f->detail, sizeof f->detail);
}

static void pack_authz(struct buf *b, const struct acme_authz *z) {
  pack_str(b, z->name);
  pack_u8(b, z->address);
  pack_u8(b, z->wildcard);
  pack_u8(b, z->state);
  pack_u8(b, z->tried);
  pack_str(b, z->token);
  pack_i64(b, z->validated);
  pack_failure(b, &z->failure);
}

static void unpack_authz(struct unpack *u, struct acme_authz *z) {
  unpack_str(u, z->name, sizeof z->name);
  z->address = unpack_u8(u) != 0;
  z->wildcard = unpack_u8(u) != 0;
  unsigned state = unpack_u8(u), tried = unpack_u8(u);
  u->bad |= state > AUTHZ_DEACTIVATED || tried > CHALLENGE_ALPN;
  z->state = (enum authz_state)state;
  z->tried = (enum challenge)tried;
  unpack_str(u, z->token, sizeof z->token);
  z->validated = unpack_i64(u);
  unpack_failure(u, &z->failure);
}

err_t acme_commit_order(struct acme *a, const struct acme_order *o) {
  AUTO_BUF body = BUF_EMPTY;
  pack_u8(&body, FORMAT);
  pack_str(&body, o->account);
  pack_u8(&body, o->state);
  pack_i64(&body, o->created);
  pack_i64(&body, o->expires);
  pack_i64(&body, o->not_before);
  pack_i64(&body, o->not_after);
  pack_str(&body, o->replaces);
  pack_failure(&body, &o->failure);
  pack_u32(&body, (uint32_t)o->count);
  for (size_t i = 0; i < o->count; i++)
    pack_authz(&body, &o->authzs[i]);
  pack_u32(&body, (uint32_t)o->chain.count);
  for (size_t i = 0; i < o->chain.count; i++)
    pack_bytes(&body, buf_bytes(&o->chain.ders[i]));
  TRY(buf_ok(&body));
  return commit(a, "order", o->id, buf_bytes(&body));
}

static err_t read_authzs(struct unpack *u, struct acme_order *o) {
  uint32_t count = unpack_u32(u);
  if (count == 0 || count > ACME_NAMES_MAX)
    FAIL(ERR_CORRUPT, "an ACME order with %u names", count);
  if (!(o->authzs = mem_zalloc(count * sizeof *o->authzs)))
    return ERR_NOMEM;
  o->count = count;
  for (size_t i = 0; i < count; i++)
    unpack_authz(u, &o->authzs[i]);
  return OK;
}

static err_t read_chain(struct unpack *u, struct acme_order *o) {
  uint32_t count = unpack_u32(u);
  if (count > CERT_CHAIN_MAX || (o->state == ORDER_VALID) != (count > 0))
    FAIL(ERR_CORRUPT, "an ACME order with %u certificates", count);
  for (size_t i = 0; i < count; i++) {
    buf_put_bytes(&o->chain.ders[i], unpack_bytes(u));
    o->chain.count++;
    TRY(buf_ok(&o->chain.ders[i]));
  }
  if (count == 0)
    return OK;
  struct bytes leaf = buf_bytes(&o->chain.ders[0]);
  TRY(x509_validity(leaf, &o->cert_from, &o->cert_until));
  return acme_cert_id(leaf, o->cert_id, o->serial);
}

err_t acme_read_order(const char *id, struct bytes body, struct acme_order **out) {
  struct unpack u = unpack_of(body);
  AUTO(acme_order) struct acme_order *o = mem_zalloc(sizeof *o);
  if (!o)
    return ERR_NOMEM;
  TRY(known(&u));
  memcpy(o->id, id, sizeof o->id);
  unpack_str(&u, o->account, sizeof o->account);
  unsigned state = unpack_u8(&u);
  u.bad |= state > ORDER_INVALID;
  o->state = (enum order_state)state;
  o->created = unpack_i64(&u);
  o->expires = unpack_i64(&u);
  o->not_before = unpack_i64(&u);
  o->not_after = unpack_i64(&u);
  unpack_str(&u, o->replaces, sizeof o->replaces);
  unpack_failure(&u, &o->failure);
  TRY(read_authzs(&u, o));
  TRY(read_chain(&u, o));
  TRY(unpack_end(&u));
  *out = TAKE(o);
  return OK;
}
