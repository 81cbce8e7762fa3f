#include "vault/audit_file.h"

/* What an intact entry after the first bad record tells: a head covers only what was synced, and a
 * write begins only when the one before it was. */
static err_t proves(const struct audit_scan *s, const struct audit_walk *w, bool *yes) {
  struct audit_entry e;
  bool whole;
  const uint8_t *before = s->room + s->at;
  struct bytes b = bytes_of(before + AUDIT_CHAIN, s->end - s->at - AUDIT_CHAIN);
  uint64_t next = w->tip.last + 1;
  *yes = false;
  if (audit_entry_get(b, &e, &whole) != OK || !whole)
    return OK;
  /* An entry takes more than one byte: a number further ahead is not one. */
  if (e.number < next || e.number - next > s->offset - w->good)
    return OK;
  if (e.kind == AUDIT_HEAD) {
    *yes = memcmp(before, e.chain.data, AUDIT_CHAIN) == 0;
    return OK;
  }
  if (e.batch > e.number || e.number - e.batch <= next)
    return OK;
  return audit_entry_chained(&e, before, yes);
}

/* Lengths cannot be trusted from the bad record on: any byte may be the start of an entry. */
err_t audit_find_proof(int dir, uint64_t first, const struct audit_walk *w, bool *found) {
  AUTO_SCAN s = { .fd = -1 };
  *found = false;
  TRY(audit_scan_open(dir, first, &s));
  s.offset = w->good + 1 - AUDIT_CHAIN;
  s.at = s.end = 0;
  TRY(audit_scan_fill(&s, AUDIT_CHAIN + AUDIT_ENTRY_MAX));
  while (s.end - s.at > AUDIT_CHAIN && !*found) {
    TRY(proves(&s, w, found));
    audit_scan_skip(&s, 1);
    TRY(audit_scan_fill(&s, AUDIT_CHAIN + AUDIT_ENTRY_MAX));
  }
  return OK;
}
