#include "vault/audit_file.h"

#include <inttypes.h>
#include <stdio.h>

static void note(struct audit_report *report, uint64_t broken, const char *file, const char *why) {
  report->broken = broken;
  snprintf(report->file, sizeof report->file, "%s", file);
  snprintf(report->why, sizeof report->why, "%.159s", why);
}

/* The key to check with; public.pem should be the same one. */
static err_t load_key(int dir, struct bytes given, struct key **out, struct audit_report *report) {
  AUTO_BUF kept = BUF_EMPTY;
  AUTO_BUF expected = BUF_EMPTY;
  err_t e = audit_load(dir, AUDIT_PUBLIC_FILE, &kept);
  if (given.size == 0) {
    TRY(e);
    return audit_public_key(buf_bytes(&kept), out);
  }
  if (e != ERR_NOT_FOUND && e != ERR_CORRUPT)
    TRY(e);
  TRY(audit_public_key(given, out));
  TRY(audit_public_pem(*out, &expected));
  if (!bytes_equal(buf_bytes(&kept), buf_bytes(&expected)))
    note(report, 0, AUDIT_PUBLIC_FILE, "it is not the key that was given");
  return OK;
}

static void missing(struct audit_report *report, uint64_t from, uint64_t to, const char *file) {
  char why[sizeof report->why];
  snprintf(why, sizeof why, "records %" PRIu64 " to %" PRIu64 " are missing", from, to);
  note(report, from, file, why);
}

/* The last file may end within a record that nobody was told of: it is being written, or a crash
 * cut it short. Records after it would prove that it had been there, and then it must be there when
 * read again. */
static err_t walk_last(int dir, uint64_t first, struct audit_walk *w) {
  struct audit_walk again = *w;
  bool proof;
  err_t e = audit_walk_file(dir, first, w);
  if (e != ERR_CORRUPT || !w->part || w->broken <= w->head->at.last)
    return e;
  TRY(audit_find_proof(dir, first, w, &proof));
  if (!proof)
    return OK;
  uint64_t suspect = w->broken;
  *w = again;
  e = audit_walk_file(dir, first, w);
  return e == ERR_CORRUPT && w->part && w->broken > suspect ? OK : e;
}

static err_t check_files(int dir, const struct audit_files *files, struct audit_walk *w,
                         struct audit_report *report) {
  for (size_t i = 0; i < files->count; i++) {
    uint64_t first = files->first[i];
    bool last = i + 1 == files->count;
    struct audit_name name = audit_file_name(first);
    if (w->started && first > w->tip.last + 1) {
      missing(report, w->tip.last + 1, first - 1, name.text);
      return OK;
    }
    err_t e = last ? walk_last(dir, first, w) : audit_walk_file(dir, first, w);
    if (e == ERR_CORRUPT) {
      note(report, w->broken, name.text, err_last()->why);
      return OK;
    }
    TRY(e);
  }
  return OK;
}

static bool ends_before(const struct audit_head *h, const struct audit_walk *w, const char *file,
                        struct audit_report *report) {
  char why[sizeof report->why];
  if (h->at.last <= w->tip.last)
    return false;
  snprintf(why, sizeof why,
           "records up to %" PRIu64 " were signed, the log ends at %" PRIu64
           ": records are missing",
           h->at.last, w->tip.last);
  note(report, w->tip.last + 1, file, why);
  return true;
}

/* What only the head file can tell: that nothing is missing at the end. */
static void check_end(const struct audit_files *files, const struct audit_walk *w,
                      struct audit_report *report) {
  uint64_t head = w->head->at.last;
  if (ends_before(w->head, w, AUDIT_HEAD_FILE, report))
    return;
  if (files->count && head < files->first[0] - 1)
    note(report, files->first[0], AUDIT_HEAD_FILE, "it is older than all files of the log");
}

err_t audit_verify(const char *dir, struct bytes public_pem, struct bytes kept_head,
                   struct audit_report *report) {
  *report = (struct audit_report){ 0 };
  AUTO_FD fd = -1;
  struct key *key AUTO(key) = NULL;
  AUTO_FILES files = { 0 };
  TRY(audit_dir_open(dir, &fd));
  TRY(load_key(fd, public_pem, &key, report));
  struct audit_head kept;
  if (kept_head.size && audit_head_read(kept_head, key, &kept) != OK)
    FAIL(ERR_CORRUPT, "the head that was given was not signed with the log's key");
  /* First the head, then the files: the log may be growing. */
  struct audit_head head = { 0 };
  err_t e = audit_head_load(fd, key, &head);
  bool no_head = e == ERR_NOT_FOUND || e == ERR_CORRUPT;
  if (!no_head)
    TRY(e);
  TRY(audit_files_list(fd, &files));
  struct audit_walk w = { .public_key = key, .head = &head, .kept = kept_head.size ? &kept : NULL };
  TRY(check_files(fd, &files, &w, report));
  report->first = files.count ? files.first[0] : 0;
  report->last = w.tip.last;
  report->signed_to = w.signed_to;
  if (report->broken || (w.kept && ends_before(w.kept, &w, "the head given", report)))
    return OK;
  if (no_head)
    note(report, w.tip.last + 1, AUDIT_HEAD_FILE,
         e == ERR_NOT_FOUND ? "it is missing" : "it was not signed with the log's key");
  else
    check_end(&files, &w, report);
  return OK;
}
