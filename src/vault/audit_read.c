#include "vault/audit_file.h"

#include <inttypes.h>

struct reading {
  struct bytes seal_key;
  uint64_t from, count;
  audit_each *each;
  void *ctx;
  uint64_t next;   /* the number that is due */
  bool last_file;  /* it may grow while it is read */
  bool read_again; /* tried once for the record that is due */
};

static err_t deliver(struct reading *r, const struct audit_entry *e, struct bytes file_key) {
  AUTO_BUF plain = BUF_EMPTY;
  AUTO_BUF json = BUF_EMPTY;
  TRY(audit_record_open(file_key, e, &plain));
  TRY(audit_event_json(e->number, buf_bytes(&plain), &json));
  TRY(r->each(r->ctx, e->number, buf_bytes(&json)));
  r->count--;
  return OK;
}

/* A record before from is only counted; the others must be chained. */
static err_t good(const struct reading *r, const struct audit_scan *s, const struct audit_entry *e,
                  bool *yes) {
  *yes = e->number == r->next;
  if (*yes && e->number >= r->from)
    TRY(audit_entry_chained(e, s->before, yes));
  return OK;
}

static err_t read_entry(struct reading *r, struct audit_scan *s, struct bytes file_key, bool *end) {
  struct audit_entry e;
  enum audit_found found = FOUND_ENTRY;
  bool fine = false;
  err_t err = audit_scan_next(s, &e, &found);
  if (err != ERR_CORRUPT)
    TRY(err);
  *end = found == FOUND_END || (found == FOUND_PART && r->last_file);
  if (*end)
    return OK;
  if (err == OK && found == FOUND_ENTRY) {
    if (e.kind == AUDIT_HEAD)
      return OK;
    TRY(good(r, s, &e, &fine));
  }
  if (!fine && r->last_file && !r->read_again) {
    r->read_again = true; /* what had failed to be written may have been read, and be cut off now */
    audit_scan_again(s);
    return OK;
  }
  if (!fine)
    FAIL(ERR_CORRUPT, "audit log, %s: record %" PRIu64 " is damaged", s->name.text, r->next);
  r->read_again = false;
  r->next++;
  return e.number < r->from ? OK : deliver(r, &e, file_key);
}

static err_t read_file(int dir, uint64_t first, struct reading *r) {
  AUTO_SCAN s = { .fd = -1 };
  AUTO_SECRET file_key = { 0 };
  TRY(audit_scan_open(dir, first, &s));
  TRY(audit_file_key(r->seal_key, first, &file_key));
  r->next = first;
  for (bool end = false; !end && r->count;)
    TRY(read_entry(r, &s, secret_bytes(&file_key), &end));
  return OK;
}

/* The index of the file that holds record from, or of the first one after it. */
static size_t find(const struct audit_files *f, uint64_t from) {
  size_t i = 0;
  while (i + 1 < f->count && f->first[i + 1] <= from)
    i++;
  return i;
}

err_t audit_read(const char *dir, struct bytes seal_key, uint64_t from, uint64_t count,
                 audit_each *each, void *ctx) {
  AUTO_FD fd = -1;
  AUTO_FILES files = { 0 };
  TRY(audit_dir_open(dir, &fd));
  TRY(audit_files_list(fd, &files));
  struct reading r = {
    .seal_key = seal_key, .from = from, .count = count, .each = each, .ctx = ctx
  };
  for (size_t i = find(&files, from); i < files.count && r.count; i++) {
    r.last_file = i + 1 == files.count;
    TRY(read_file(fd, files.first[i], &r));
  }
  return OK;
}
