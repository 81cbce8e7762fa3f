/*
 * What purged vaults leave in the store. Their records say nothing any more, but they take room: a
 * vault's places are noted when no request works on it any longer, and removed some at a time.
 */
#include "vault/vaults_internal.h"

#define AT_ONCE 256 /* records of one commit */

void vaults_discard(struct vaults *vs, struct hosted *h) {
  atomic_store(&h->active, false);
  vault_close_keys(h->vault);
  roles_retire(h->roles);
  {
    VAULTS_WRITE(vs);
    h->next = vs->purged;
    vs->purged = h;
  }
  if (vs->conf.wake)
    vs->conf.wake(vs->conf.ctx);
}

/* One of the purged that nobody else has a share of. */
static struct hosted *take_idle(struct vaults *vs) {
  VAULTS_WRITE(vs);
  for (struct hosted **p = &vs->purged; *p; p = &(*p)->next)
    if (atomic_load_explicit(&(*p)->refs, memory_order_acquire) == 1) {
      struct hosted *h = *p;
      *p = h->next;
      h->next = NULL;
      return h;
    }
  return NULL;
}

struct noting {
  const struct partition *part;
  struct buf *places;
};

static err_t note(void *ctx, const char *place) {
  struct noting *n = ctx;
  char full[STORE_PLACE_MAX + 1];
  TRY(partition_place(n->part, place, full));
  buf_put(n->places, full, strlen(full) + 1);
  return buf_ok(n->places);
}

/* Its places to the leftovers, and then the vault itself away. */
static err_t let_go(struct vaults *vs, struct hosted *h) {
  AUTO_BUF places = BUF_EMPTY;
  struct noting n = { &h->part, &places };
  err_t e = vault_each_place(h->vault, note, &n);
  if (e == OK)
    e = roles_each_place(h->roles, note, &n);
  if (e == OK && !buf_reserve(&vs->leftovers, places.size))
    e = ERR_NOMEM;
  if (e != OK) { /* another time */
    VAULTS_WRITE(vs);
    h->next = vs->purged;
    vs->purged = h;
    return e;
  }
  buf_put_bytes(&vs->leftovers, buf_bytes(&places));
  hosted_free(h);
  return OK;
}

/* The next places; *end is where those after them begin. */
static size_t next_writes(const struct vaults *vs, struct store_write *writes, size_t *end) {
  size_t n = 0, at = vs->swept;
  while (n < AT_ONCE && at < vs->leftovers.size) {
    const char *place = (const char *)vs->leftovers.data + at;
    writes[n++] = (struct store_write){ .place = place };
    at += strlen(place) + 1;
  }
  *end = at;
  return n;
}

err_t vaults_sweep(struct vaults *vs) {
  for (struct hosted *h; (h = take_idle(vs));)
    TRY(let_go(vs, h));
  struct store_write writes[AT_ONCE];
  size_t n, end;
  while ((n = next_writes(vs, writes, &end)) > 0) {
    TRY(store_commit(vs->conf.store, writes, n));
    vs->swept = end;
  }
  buf_free(&vs->leftovers);
  vs->leftovers = BUF_EMPTY;
  vs->swept = 0;
  return OK;
}
