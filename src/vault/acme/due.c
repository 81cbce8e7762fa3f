/* What the ACME server forgets. */
#include "base/clock.h"
#include "vault/acme/state.h"

static int by_address(const void *a, const void *b) {
  const void *x = *(void *const *)a, *y = *(void *const *)b;
  return x < y ? -1 : x > y;
}

/* A certificate is answered for until it has ended; the rest a while after it is over. */
static bool order_is_over(const struct acme *a, const struct acme_order *o, int64_t now) {
  const struct acme_account *account = guid_map_get(&a->accounts, o->account);
  if (o->busy)
    return false;
  if (!account || !guid_map_get(&a->keys, account->kid))
    return true;
  int64_t end = o->state == ORDER_VALID ? o->cert_until : o->expires;
  return end + ACME_OVER_SECONDS < now;
}

static err_t forget_orders(struct acme *a, int64_t now) {
  AUTO_FREE void **list = NULL;
  TRY(guid_map_sorted(&a->orders, by_address, &list));
  for (size_t i = 0, count = a->orders.count; i < count; i++) {
    struct acme_order *o = list[i];
    if (!order_is_over(a, o, now))
      continue;
    struct acme_account *account = guid_map_get(&a->accounts, o->account);
    TRY(acme_forget(a, "order", o->id));
    if (account) {
      account->kept--;
      account->open -= o->state == ORDER_OPEN;
    }
    guid_map_remove(&a->orders, o->id);
    acme_order_free(o);
  }
  return OK;
}

static err_t forget_accounts(struct acme *a) {
  AUTO_FREE void **list = NULL;
  TRY(guid_map_sorted(&a->accounts, by_address, &list));
  for (size_t i = 0, count = a->accounts.count; i < count; i++) {
    struct acme_account *account = list[i];
    struct acme_key *k = guid_map_get(&a->keys, account->kid);
    if (account->kept || (k && !account->deactivated))
      continue;
    TRY(acme_forget(a, "account", account->id));
    if (k)
      k->accounts--;
    guid_map_remove(&a->accounts, account->id);
    acme_account_free(account);
  }
  return OK;
}

err_t acme_carry_out_due(struct acme *a) {
  ACME_LOCKED(a);
  TRY(forget_orders(a, clock_now()));
  return forget_accounts(a);
}
