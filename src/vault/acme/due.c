/* What the ACME server forgets. */
#include "base/clock.h"
#include "vault/acme/state.h"

#include <unistd.h>

#define PAUSE_US 1000 /* between batches, so that those who wait for the lock get it */

void acme_not_open(struct acme *a, struct acme_order *o) {
  struct acme_account *account = guid_map_get(&a->accounts, o->account);
  if (account && o->counted)
    account->open--;
  o->counted = false;
}

/* When nothing more comes of it. */
static int64_t end_of(const struct acme_order *o) {
  return o->state == ORDER_VALID ? o->cert_until : o->expires;
}

/* A certificate is answered for until it has ended; the rest a while after it is over. */
static bool order_is_over(const struct acme *a, const void *item, int64_t now) {
  const struct acme_order *o = item;
  const struct acme_account *account = guid_map_get(&a->accounts, o->account);
  if (o->busy)
    return false;
  if (!account || !guid_map_get(&a->keys, account->kid))
    return true;
  return end_of(o) + ACME_OVER_SECONDS < now;
}

static void drop_order(struct acme *a, void *item) {
  struct acme_order *o = item;
  struct acme_account *account = guid_map_get(&a->accounts, o->account);
  acme_not_open(a, o);
  if (account)
    account->kept--;
  acme_unindex_order(a, o);
  guid_map_remove(&a->orders, o->id);
  acme_order_free(o);
}

static bool account_is_over(const struct acme *a, const void *item, int64_t now) {
  const struct acme_account *account = item;
  return !account->kept && (account->deactivated || !guid_map_get(&a->keys, account->kid));
}

static void drop_account(struct acme *a, void *item) {
  struct acme_account *account = item;
  struct acme_key *k = guid_map_get(&a->keys, account->kid);
  if (k)
    k->accounts--;
  acme_unindex_account(a, account);
  guid_map_remove(&a->accounts, account->id);
  acme_account_free(account);
}

/* A binding of an identity that is gone binds nothing any more. */
static bool key_is_over(const struct acme *a, const void *item, int64_t now) {
  const struct acme_key *k = item;
  char name[4 * IDENTITY_NAME_MAX + 1];
  identity_name(a->identity, k->oid, name);
  return !name[0];
}

static void drop_key(struct acme *a, void *item) {
  struct acme_key *k = item;
  guid_map_remove(&a->keys, k->kid);
  acme_key_free(k);
}

/* Each of them begins with its id. */
struct kind {
  const char *name;
  size_t map; /* in struct acme */
  bool (*is_over)(const struct acme *a, const void *item, int64_t now);
  void (*drop)(struct acme *a, void *item);
};
_Static_assert(offsetof(struct acme_key, kid) == 0 && offsetof(struct acme_account, id) == 0 &&
                 offsetof(struct acme_order, id) == 0,
               "the id is first");

/* Up to a batch, together: *more when it was full. */
static err_t forget_some(struct acme *a, const struct kind *kind, bool *more) {
  const struct guid_map *map = (const void *)((const char *)a + kind->map);
  void *items[ACME_BATCH];
  const char *ids[ACME_BATCH];
  int64_t now = clock_now();
  size_t at = 0, count = 0;
  ACME_LOCKED(a);
  for (void *item; count < ACME_BATCH && (item = guid_map_next(map, &at));)
    if (kind->is_over(a, item, now)) {
      ids[count] = item;
      items[count++] = item;
    }
  *more = count == ACME_BATCH;
  if (count == 0)
    return OK;
  TRY(acme_forget(a, kind->name, ids, count));
  for (size_t i = 0; i < count; i++)
    kind->drop(a, items[i]);
  return OK;
}

static err_t forget(struct acme *a, const struct kind *kind) {
  bool more = true;
  while (more) {
    TRY(forget_some(a, kind, &more));
    if (more)
      usleep(PAUSE_US);
  }
  return OK;
}

/* They are shown for a while, but the account may make others. */
static void count_expired(struct acme *a) {
  int64_t now = clock_now();
  size_t at = 0;
  ACME_LOCKED(a);
  for (struct acme_order *o; (o = guid_map_next(&a->orders, &at));)
    if (o->expires <= now && !o->busy)
      acme_not_open(a, o);
}

err_t acme_carry_out_due(struct acme *a) {
  static const struct kind kinds[] = {
    { "key", offsetof(struct acme, keys), key_is_over, drop_key },
    { "order", offsetof(struct acme, orders), order_is_over, drop_order },
    { "account", offsetof(struct acme, accounts), account_is_over, drop_account },
  };
  count_expired(a);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    TRY(forget(a, &kinds[i]));
  return OK;
}

err_t acme_make_room(struct acme *a, const struct acme_account *account) {
  int64_t now = clock_now();
  struct acme_order *oldest = NULL;
  size_t at = 0;
  for (struct acme_order *o; (o = guid_map_next(&a->orders, &at));)
    if (strcmp(o->account, account->id) == 0 && !o->busy &&
        (o->state == ORDER_INVALID || end_of(o) <= now) &&
        (!oldest || o->created < oldest->created))
      oldest = o;
  if (!oldest)
    REFUSE(ERR_THROTTLED, "The account has as many orders as are kept.");
  TRY(acme_forget(a, "order", &(const char *){ oldest->id }, 1));
  drop_order(a, oldest);
  return OK;
}
