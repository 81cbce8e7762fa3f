/* What is done to all that a vault holds. */
#include "vault/kind.h"

/* All versions in an index of the kind, by what the kind has for it. */
static void each_version(struct vault *v, struct shelf *s, const struct index *x, bool closing) {
  for (size_t i = 0; i < x->count; i++)
    for (size_t k = 0; k < x->entries[i]->count; k++)
      if (closing)
        s->kind->close(v, x->entries[i]->versions[k]);
      else
        s->kind->reopen(x->entries[i]->versions[k]);
}

void vault_close_keys(struct vault *v) {
  READ_LOCKED(v);
  for (struct shelf *s = v->shelves; s < v->shelves + KINDS; s++)
    if (s->kind && s->kind->close) {
      each_version(v, s, &s->active, true);
      each_version(v, s, &s->deleted, true);
    }
}

/* Keys that are deleted stay closed. */
void vault_reopen_keys(struct vault *v) {
  READ_LOCKED(v);
  for (struct shelf *s = v->shelves; s < v->shelves + KINDS; s++)
    if (s->kind->reopen)
      each_version(v, s, &s->active, false);
}

static err_t each_place(enum kind_id kind, const struct index *x, vault_place *each, void *ctx) {
  char place[STORE_PLACE_MAX + 1];
  for (size_t i = 0; i < x->count; i++) {
    const struct entry *e = x->entries[i];
    record_head_place(kind, e->folded, place);
    TRY(each(ctx, place));
    for (size_t k = 0; k < e->count; k++) {
      record_version_place(kind, e->folded, e->versions[k]->id, place);
      TRY(each(ctx, place));
    }
  }
  return OK;
}

err_t vault_each_place(struct vault *v, vault_place *each, void *ctx) {
  READ_LOCKED(v);
  for (int kind = 0; kind < KINDS; kind++) {
    TRY(each_place((enum kind_id)kind, &v->shelves[kind].active, each, ctx));
    TRY(each_place((enum kind_id)kind, &v->shelves[kind].deleted, each, ctx));
  }
  return issuers_each_place(v, each, ctx);
}
