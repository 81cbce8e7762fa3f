/* What the ACME server keeps in memory, and where it comes from. */
#include "vault/acme/state.h"

#include "base/clock.h"
#include "vault/acme/nonce.h"

void acme_key_free(struct acme_key *k) {
  buf_free(&k->sealed);
  mem_free(k);
}

void acme_account_free(struct acme_account *a) {
  key_free(a->key);
  for (size_t i = 0; i < a->contact_count; i++)
    mem_free(a->contacts[i]);
  mem_free(a);
}

void acme_order_free(struct acme_order *o) {
  cert_chain_free(&o->chain);
  mem_free(o->authzs);
  mem_free(o);
}

err_t acme_new(struct store *s, struct identity *id, struct acme **out) {
  AUTO(acme) struct acme *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  pthread_mutex_init(&a->lock, NULL);
  a->store = s;
  a->identity = id;
  TRY(nonces_new(&a->nonces));
  TRY(store_derive(s, "acme/binding", 32, &a->sealing));
  *out = TAKE(a);
  return OK;
}

void acme_free(struct acme *a) {
  size_t at = 0;
  acme_validators_stop(a);
  for (void *k; (k = guid_map_next(&a->keys, &at));)
    acme_key_free(k);
  at = 0;
  for (void *k; (k = guid_map_next(&a->accounts, &at));)
    acme_account_free(k);
  at = 0;
  for (void *k; (k = guid_map_next(&a->orders, &at));)
    acme_order_free(k);
  guid_map_free(&a->keys);
  guid_map_free(&a->accounts);
  guid_map_free(&a->orders);
  guid_map_free(&a->by_key);
  guid_map_free(&a->by_cert);
  guid_map_free(&a->by_replaced);
  secret_free(&a->sealing);
  if (a->nonces)
    nonces_free(a->nonces);
  pthread_mutex_destroy(&a->lock);
  mem_free(a);
}

bool acme_owns(struct bytes place) {
  return bytes_starts(place, "acme/");
}

/* The id of a place "acme/KIND/ID". */
static bool id_of(struct bytes place, const char *kind, char out[static GUID_SIZE + 1]) {
  size_t n = strlen(kind);
  if (!bytes_starts(place, kind))
    return false;
  struct bytes id = bytes_of(place.data + n, place.size - n);
  return guid_valid(id) && bytes_to_cstr(id, out, GUID_SIZE + 1) == OK;
}

err_t acme_load(struct acme *a, struct bytes place, struct bytes body) {
  char id[GUID_SIZE + 1];
  if (id_of(place, "acme/key/", id)) {
    AUTO(acme_key) struct acme_key *k = NULL;
    TRY(acme_read_key(a, id, body, &k));
    TRY(guid_map_reserve(&a->keys));
    guid_map_put(&a->keys, k->kid, k);
    k = NULL;
  } else if (id_of(place, "acme/account/", id)) {
    AUTO(acme_account) struct acme_account *account = NULL;
    TRY(acme_read_account(id, body, &account));
    TRY(guid_map_reserve(&a->accounts));
    TRY(acme_index_reserve(a));
    guid_map_put(&a->accounts, account->id, account);
    acme_index_account(a, account);
    account = NULL;
  } else if (id_of(place, "acme/order/", id)) {
    AUTO(acme_order) struct acme_order *o = NULL;
    TRY(acme_read_order(id, body, &o));
    TRY(guid_map_reserve(&a->orders));
    TRY(acme_index_reserve(a));
    guid_map_put(&a->orders, o->id, o);
    if (o->state == ORDER_VALID)
      acme_index_order(a, o);
    o = NULL;
  } else {
    FAIL(ERR_CORRUPT, "a record of the ACME server that this version does not know");
  }
  return OK;
}

/* Counts that are not kept, and validations that a restart interrupted. */
static void take_up(struct acme *a) {
  size_t at = 0;
  for (struct acme_account *account; (account = guid_map_next(&a->accounts, &at));) {
    struct acme_key *k = guid_map_get(&a->keys, account->kid);
    if (k)
      k->accounts++;
  }
  at = 0;
  for (struct acme_order *o; (o = guid_map_next(&a->orders, &at));) {
    struct acme_account *account = guid_map_get(&a->accounts, o->account);
    if (account) {
      account->kept++;
      o->counted = o->state == ORDER_OPEN && o->expires > clock_now();
      account->open += o->counted;
    }
    for (size_t i = 0; i < o->count && a->validators; i++)
      if (o->state == ORDER_OPEN && o->expires > clock_now() &&
          o->authzs[i].state == AUTHZ_PENDING && o->authzs[i].tried)
        acme_validate(a, o, i);
  }
}

err_t acme_ready(struct acme *a, const struct acme_conf *conf) {
  a->conf = *conf;
  if (conf->enabled)
    TRY(acme_validators_start(a));
  ACME_LOCKED(a);
  take_up(a);
  return OK;
}

bool acme_enabled(const struct acme *a) {
  return a->conf.enabled;
}

err_t acme_nonce(struct acme *a, char out[static ACME_NONCE_MAX]) {
  _Static_assert(NONCE_SIZE < ACME_NONCE_MAX, "a nonce fits");
  return nonce_make(a->nonces, out);
}

bool acme_account_works(const struct acme *a, const struct acme_account *account) {
  return !account->deactivated && guid_map_get(&a->keys, account->kid) &&
         identity_enabled(a->identity, account->oid);
}

err_t acme_signer(struct acme_request *r, struct acme_account **out) {
  struct acme_account *account = guid_map_get(&r->acme->accounts, r->account);
  if (!account)
    PROBLEM(r, ERR_BAD_PARAMETER, "accountDoesNotExist", "There is no such account.");
  if (!acme_account_works(r->acme, account))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The account is deactivated, or its identity or external account binding is gone or "
            "disabled.");
  /* Another key may have taken the place of the one that signed. */
  if (strcmp(account->thumbprint, r->thumbprint) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The request is not signed with the account's key.");
  *out = account;
  return OK;
}

err_t acme_order_find(struct acme_request *r, const char *id, struct acme_order **out) {
  struct acme_account *account;
  TRY(acme_signer(r, &account));
  struct acme_order *o = strlen(id) == GUID_SIZE ? guid_map_get(&r->acme->orders, id) : NULL;
  if (!o)
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "There is no such order.");
  if (strcmp(o->account, account->id) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The order is another account's.");
  *out = o;
  return OK;
}
