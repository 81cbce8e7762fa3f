/* What lives and dies together: a certificate's entry with those of its key and its secret. */
#include "vault/kind.h"

void group_of(struct vault *v, struct entry *e, struct group *out) {
  *out = (struct group){ { e }, 1 };
  for (int k = 0; k < KINDS; k++) {
    if (!(e->kind->carries & 1u << k))
      continue;
    enum kind_id kind = (enum kind_id)k;
    struct entry *carried =
      e->deleted ? find_deleted(v, kind, e->folded) : find_active(v, kind, e->folded);
    if (carried && carried->latest->managed)
      out->entries[out->count++] = carried;
  }
}

static size_t count_records(const struct group *g) {
  size_t n = 0;
  for (size_t i = 0; i < g->count; i++)
    n += g->entries[i]->count + 1;
  return n;
}

static char *place_of(char *places, size_t i) {
  return places + i * (STORE_PLACE_MAX + 1);
}

/* The records of one entry: versions, then the head. ends[i]: where the i-th body ends in bodies.
 */
static size_t put_entry(const struct entry *e, char *places, size_t at, struct buf *bodies,
                        size_t *ends) {
  for (size_t i = 0; i < e->count; i++) {
    record_version_place(e->kind->id, e->folded, e->versions[i]->id, place_of(places, at));
    record_put_version(e->versions[i], bodies);
    ends[at++] = bodies->size;
  }
  record_head_place(e->kind->id, e->folded, place_of(places, at));
  record_put_head(e->kind->id, e, bodies);
  ends[at++] = bodies->size;
  return at;
}

err_t group_commit(struct vault *v, const struct group *g, bool remove) {
  size_t n = count_records(g), at = 0;
  AUTO_FREE char *places = mem_alloc(n * (STORE_PLACE_MAX + 1));
  AUTO_FREE struct store_write *writes = mem_zalloc(n * sizeof *writes);
  AUTO_FREE size_t *ends = mem_zalloc(n * sizeof *ends);
  AUTO_BUF bodies = BUF_EMPTY;
  if (!places || !writes || !ends)
    return ERR_NOMEM;
  for (size_t i = 0; i < g->count; i++)
    at = put_entry(g->entries[i], places, at, &bodies, ends);
  TRY(buf_ok(&bodies));
  for (size_t i = 0, from = 0; i < n; from = ends[i++]) {
    writes[i].place = place_of(places, i);
    if (!remove)
      writes[i].body = bytes_of(bodies.data + from, ends[i] - from);
  }
  return vault_commit(v, writes, n);
}
