#include "vault/audit_file.h"

#include <inttypes.h>

/* A head met at its place: the chain there must be the one that was signed. */
static err_t meet_head(struct audit_walk *w, const struct audit_head *h, uint64_t number,
                       const uint8_t chain[static AUDIT_CHAIN]) {
  if (!h || h->at.last != number)
    return OK;
  if (memcmp(chain, h->at.chain, AUDIT_CHAIN) != 0) {
    w->broken = w->signed_to + 1;
    FAIL(ERR_CORRUPT, "records %" PRIu64 " to %" PRIu64 " are not those that were signed",
         w->broken, number);
  }
  if (w->signed_to < number)
    w->signed_to = number;
  return OK;
}

/* Any of the heads that are known from elsewhere. */
static err_t meet_heads(struct audit_walk *w, uint64_t number,
                        const uint8_t chain[static AUDIT_CHAIN]) {
  TRY(meet_head(w, w->head, number, chain));
  return meet_head(w, w->kept, number, chain);
}

static err_t walk_header(struct audit_walk *w, const struct audit_header *h) {
  if (w->started &&
      (h->first != w->tip.last + 1 || memcmp(h->before, w->tip.chain, AUDIT_CHAIN) != 0))
    FAIL(ERR_CORRUPT, "the file does not continue the one before it");
  if (!w->started)
    w->signed_to = h->first - 1;
  TRY(meet_heads(w, h->first - 1, h->before));
  w->started = true;
  w->created_us = h->created_us;
  w->tip.last = h->first - 1;
  memcpy(w->tip.chain, h->chain, AUDIT_CHAIN);
  return OK;
}

static err_t misplaced(struct audit_walk *w, const struct audit_entry *e) {
  uint64_t next = w->tip.last + 1;
  bool twice = false;
  w->torn = true;
  if (e->number == w->tip.last)
    TRY(audit_entry_chained(e, w->previous, &twice));
  if (twice) {
    w->broken = e->number; /* either may be the one that was put there */
    FAIL(ERR_CORRUPT, "there are two records %" PRIu64, e->number);
  }
  if (e->number == next)
    FAIL(ERR_CORRUPT, "record %" PRIu64 " is damaged", next);
  FAIL(ERR_CORRUPT, "record %" PRIu64 " is where %" PRIu64 " should be", e->number, next);
}

static err_t open_record(const struct audit_walk *w, const struct audit_entry *e,
                         struct bytes file_key) {
  AUTO_BUF plain = BUF_EMPTY;
  err_t err = audit_record_open(file_key, e, &plain);
  if (err == ERR_CORRUPT)
    FAIL(ERR_CORRUPT, "record %" PRIu64 " was not written by this vault", e->number);
  return err;
}

static err_t walk_record(struct audit_walk *w, const struct audit_entry *e, struct bytes file_key) {
  bool chained;
  TRY(audit_entry_chained(e, w->tip.chain, &chained));
  if (!chained || e->number != w->tip.last + 1)
    return misplaced(w, e);
  if (file_key.size && e->number > w->head->at.last)
    TRY(open_record(w, e, file_key));
  TRY(meet_heads(w, e->number, e->chain.data));
  memcpy(w->previous, w->tip.chain, AUDIT_CHAIN);
  w->tip.last = e->number;
  memcpy(w->tip.chain, e->chain.data, AUDIT_CHAIN);
  return OK;
}

/* A head that is not that of the record before it. Without a key to check it, it may as well be
 * half a head. */
static err_t misplaced_head(struct audit_walk *w, const struct audit_head *h) {
  w->torn = true;
  if (h->at.last != w->tip.last)
    FAIL(ERR_CORRUPT, "the head of record %" PRIu64 " follows record %" PRIu64, h->at.last,
         w->tip.last);
  if (w->public_key)
    w->broken = w->signed_to + 1;
  FAIL(ERR_CORRUPT, "records up to %" PRIu64 " are not those that were signed", w->tip.last);
}

static err_t walk_head(struct audit_walk *w, const struct audit_entry *e) {
  struct audit_head h;
  bool good = true;
  audit_head_get(e, &h);
  if (w->public_key)
    TRY(audit_head_check(&h, w->public_key, &good));
  if (!good) {
    w->broken = w->signed_to + 1;
    FAIL(ERR_CORRUPT, "the head after record %" PRIu64 " was not signed with the log's key",
         w->tip.last);
  }
  if (h.at.last != w->tip.last || memcmp(h.at.chain, w->tip.chain, AUDIT_CHAIN) != 0)
    return misplaced_head(w, &h);
  if (w->public_key && w->signed_to < h.at.last)
    w->signed_to = h.at.last;
  return OK;
}

static err_t walk_entry(struct audit_walk *w, struct audit_scan *s, struct bytes file_key,
                        bool *end) {
  struct audit_entry e;
  enum audit_found found;
  err_t err = audit_scan_next(s, &e, &found);
  if (err == ERR_CORRUPT)
    w->torn = true;
  TRY(err);
  *end = found == FOUND_END;
  if (found == FOUND_END)
    return OK;
  if (found == FOUND_PART) {
    w->torn = w->part = true;
    FAIL(ERR_CORRUPT, "the file ends within record %" PRIu64, w->tip.last + 1);
  }
  return e.kind == AUDIT_RECORD ? walk_record(w, &e, file_key) : walk_head(w, &e);
}

err_t audit_walk_file(int dir, uint64_t first, struct audit_walk *w) {
  AUTO_SCAN s = { .fd = -1 };
  AUTO_SECRET file_key = { 0 };
  w->torn = w->part = false;
  w->good = 0;
  w->broken = first;
  TRY(audit_scan_open(dir, first, &s));
  if (w->seal_key.size)
    TRY(audit_file_key(w->seal_key, first, &file_key));
  TRY(walk_header(w, &s.header));
  for (bool end = false; !end;) {
    w->good = s.offset;
    w->broken = w->tip.last + 1;
    TRY(walk_entry(w, &s, secret_bytes(&file_key), &end));
  }
  return OK;
}
