/* What others see: immutable and counted. */
#include "crypto/x509.h"
#include "transit/enrol_internal.h"

#include <stdatomic.h>

struct enrolled *enrolled_ref(struct enrolled *e) {
  atomic_fetch_add(&e->refs, 1);
  return e;
}

void enrolled_free(struct enrolled *e) {
  if (!e || atomic_fetch_sub(&e->refs, 1) != 1)
    return;
  buf_free(&e->chain_pem);
  buf_free(&e->ca_pem);
  key_free(e->key);
  for (size_t i = 0; i < e->list_count; i++)
    buf_free(&e->lists[i]);
  mem_free(e->lists);
  mem_free(e);
}

static err_t put_lists(const struct lists *l, struct enrolled *e) {
  if (l->count && !(e->lists = mem_zalloc(l->count * sizeof *e->lists)))
    return ERR_NOMEM;
  for (size_t i = 0; i < l->count; i++) {
    const struct listed *item = &l->items[i];
    if (item->crl.size == 0)
      continue;
    struct buf *copy = &e->lists[e->list_count++];
    buf_put_bytes(copy, buf_bytes(&item->crl));
    TRY(buf_ok(copy));
    if (e->lists_until == 0 || item->next_update < e->lists_until)
      e->lists_until = item->next_update;
  }
  return OK;
}

err_t enrolled_new(const struct held *id, const struct lists *l, struct enrolled **out) {
  AUTO(enrolled) struct enrolled *e = mem_zalloc(sizeof *e);
  if (!e)
    return ERR_NOMEM;
  atomic_init(&e->refs, 1);
  for (size_t i = 0; i + 1 < id->chain.count; i++)
    TRY(x509_to_pem(buf_bytes(&id->chain.ders[i]), &e->chain_pem));
  TRY(x509_to_pem(held_root(id), &e->ca_pem));
  TRY(put_lists(l, e));
  e->key = key_ref(id->key);
  e->not_before = id->not_before;
  e->not_after = id->not_after;
  *out = TAKE(e);
  return OK;
}
