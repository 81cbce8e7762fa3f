/*
 * What is found by something else than its id. The maps take keys of 36 characters; here those are
 * the last ones of a thumbprint or of a certificate's id, which are of digests and of random
 * serials. What is found is compared in full. Of equals the first is found, others are not in the
 * index.
 */
#include "vault/acme/state.h"

static void key_of(const char *text, char out[static GUID_SIZE + 1]) {
  size_t size = strlen(text), n = size < GUID_SIZE ? size : GUID_SIZE;
  memset(out, '.', GUID_SIZE);
  memcpy(out, text + size - n, n);
  out[GUID_SIZE] = '\0';
}

static void *get(const struct guid_map *m, const char *text) {
  char key[GUID_SIZE + 1];
  key_of(text, key);
  return guid_map_get(m, key);
}

struct acme_account *acme_account_by_key(const struct acme *a, const char *thumbprint) {
  struct acme_account *account = get(&a->by_key, thumbprint);
  return account && strcmp(account->thumbprint, thumbprint) == 0 ? account : NULL;
}

struct acme_order *acme_order_by_cert(const struct acme *a, const char *cert_id) {
  struct acme_order *o = get(&a->by_cert, cert_id);
  return o && strcmp(o->cert_id, cert_id) == 0 ? o : NULL;
}

bool acme_is_replaced(const struct acme *a, const char *cert_id) {
  const struct acme_order *o = get(&a->by_replaced, cert_id);
  return o && strcmp(o->replaces, cert_id) == 0;
}

err_t acme_index_reserve(struct acme *a) {
  TRY(guid_map_reserve(&a->by_key));
  TRY(guid_map_reserve(&a->by_cert));
  return guid_map_reserve(&a->by_replaced);
}

static void put(struct guid_map *m, const char *text, char key[static GUID_SIZE + 1], void *item) {
  key_of(text, key);
  if (text[0] && !guid_map_get(m, key))
    guid_map_put(m, key, item);
  else
    key[0] = '\0';
}

static void take_out(struct guid_map *m, char key[static GUID_SIZE + 1]) {
  if (key[0])
    guid_map_remove(m, key);
  key[0] = '\0';
}

void acme_index_account(struct acme *a, struct acme_account *account) {
  take_out(&a->by_key, account->by_key);
  put(&a->by_key, account->thumbprint, account->by_key, account);
}

void acme_index_order(struct acme *a, struct acme_order *o) {
  put(&a->by_cert, o->cert_id, o->by_cert, o);
  put(&a->by_replaced, o->replaces, o->by_replaced, o);
}

void acme_unindex_account(struct acme *a, struct acme_account *account) {
  take_out(&a->by_key, account->by_key);
}

void acme_unindex_order(struct acme *a, struct acme_order *o) {
  take_out(&a->by_cert, o->by_cert);
  take_out(&a->by_replaced, o->by_replaced);
}
