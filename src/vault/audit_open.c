/*
 * Recovery: what may a crash leave? Everything up to the last write that was synced is whole, for
 * writes are synced one by one. Of the last write, which nobody was told of, any part may be
 * missing: it is cut off, and so is all after its first damaged entry. Everything else is damage
 * that no crash makes, and the log is not opened.
 */
#include "base/log.h"
#include "vault/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

static err_t cut(struct audit_file *f, const struct audit_walk *w, bool sync) {
  struct stat st;
  struct audit_name name = audit_file_name(f->first);
  if (fstat(f->fd, &st) != 0)
    FAIL(ERR_IO, "audit log, %s: %s", name.text, strerror(errno));
  f->size = w->good;
  TRY(audit_file_undo(f));
  if (sync && fsync(f->fd) != 0)
    FAIL(ERR_IO, "audit log, %s: fsync: %s", name.text, strerror(errno));
  log_warn("audit",
           "%s: cut off %" PRIu64 " bytes after record %" PRIu64
           ": a write that a crash cut short; it was never acknowledged",
           name.text, (uint64_t)st.st_size - w->good, w->tip.last);
  return OK;
}

/* The walk found something wrong: either a crash explains it, or this is an error. */
static err_t mend(int dir, struct audit_file *f, const struct audit_walk *w, bool sync) {
  char why[160];
  snprintf(why, sizeof why, "%.159s", err_last()->why);
  struct audit_name name = audit_file_name(f->first);
  bool damage = true;
  if (w->torn && w->head->at.last <= w->tip.last)
    TRY(audit_find_proof(dir, f->first, w, &damage));
  if (damage)
    FAIL(ERR_CORRUPT, "audit log, %s: %s; no crash does this", name.text, why);
  return cut(f, w, sync);
}

static err_t open_last(int dir, uint64_t first, bool sync, struct audit_walk *w,
                       struct audit_file *out) {
  struct audit_name name = audit_file_name(first);
  AUTO_FD fd = openat(dir, name.text, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    FAIL(ERR_IO, "audit log, %s: %s", name.text, strerror(errno));
  struct audit_file f = { .fd = fd, .first = first };
  err_t e = audit_walk_file(dir, first, w);
  if (e == ERR_CORRUPT)
    TRY(mend(dir, &f, w, sync));
  else
    TRY(e);
  f.size = w->good;
  f.created_us = w->created_us;
  fd = -1;
  *out = f;
  return OK;
}

static err_t reopen(int dir, const struct audit_conf *conf, struct bytes seal_key,
                    const struct audit_files *files, struct audit_state *out) {
  uint64_t first = files->first[files->count - 1];
  struct audit_walk w = { .seal_key = seal_key, .head = &out->head };
  struct audit_file f;
  TRY(open_last(dir, first, conf->sync, &w, &f));
  AUTO_FD fd = f.fd;
  uint64_t head = out->head.at.last;
  if (head > w.tip.last)
    FAIL(ERR_CORRUPT,
         "audit log: records up to %" PRIu64 " were signed, the log ends at %" PRIu64
         ": records are missing",
         head, w.tip.last);
  if (head < first - 1)
    FAIL(ERR_CORRUPT,
         "audit log: the head file is that of record %" PRIu64
         ", older than the last file: it was replaced",
         head);
  out->lost = w.tip.last < conf->reached;
  if (out->lost && !conf->lost)
    FAIL(ERR_CORRUPT,
         "audit log: it had record %" PRIu64 " and ends at %" PRIu64
         ": put it back, or start once with --audit-lost to go on without the missing records",
         conf->reached, w.tip.last);
  fd = -1;
  out->file = f;
  out->tip = w.tip;
  return OK;
}

/* A new log. The head of "no record" is signed first: without a head file, files are damage. After
 * a lost log its numbers go on, so that none means two records. */
static err_t begin(int dir, const struct audit_conf *conf, const struct key *signer,
                   struct audit_state *out) {
  AUTO_BUF b = BUF_EMPTY;
  out->lost = conf->begun;
  if (out->lost && !conf->lost)
    FAIL(ERR_CORRUPT,
         "audit log: it had record %" PRIu64
         " and is gone: put it back, or start once with --audit-lost to begin a new one",
         conf->reached);
  out->tip = (struct audit_tip){ .last = conf->reached };
  TRY(audit_head_sign(&out->tip, signer, &out->head));
  audit_head_put(&out->head, &b);
  TRY(buf_ok(&b));
  TRY(audit_store(dir, AUDIT_HEAD_FILE, buf_bytes(&b), conf->sync));
  return audit_file_create(dir, &out->tip, conf->sync, &out->file);
}

/* public.pem is written once and is the signer's from then on. */
static err_t check_public(int dir, const struct audit_conf *conf, const struct key *signer) {
  AUTO_BUF ours = BUF_EMPTY;
  AUTO_BUF theirs = BUF_EMPTY;
  TRY(audit_public_pem(signer, &ours));
  err_t e = audit_load(dir, AUDIT_PUBLIC_FILE, &theirs);
  if (e == ERR_NOT_FOUND)
    return audit_store(dir, AUDIT_PUBLIC_FILE, buf_bytes(&ours), conf->sync);
  TRY(e);
  if (!bytes_equal(buf_bytes(&ours), buf_bytes(&theirs)))
    FAIL(ERR_CONFIG, "audit log: it was signed with another key: public.pem is not this signer's");
  return OK;
}

err_t audit_recover(int dir, const struct audit_conf *conf, struct bytes seal_key,
                    const struct key *signer, struct audit_state *out) {
  AUTO_FILES files = { 0 };
  TRY(check_public(dir, conf, signer));
  TRY(audit_files_list(dir, &files));
  err_t e = audit_head_load(dir, signer, &out->head);
  if (e != ERR_NOT_FOUND)
    TRY(e);
  if (files.count && e == OK)
    return reopen(dir, conf, seal_key, &files, out);
  if (files.count)
    FAIL(ERR_CORRUPT, "audit log: the head file is missing");
  if (e == OK && out->head.at.last > 0)
    FAIL(ERR_CORRUPT,
         "audit log: records up to %" PRIu64 " were signed, the log's files are missing",
         out->head.at.last);
  return begin(dir, conf, signer, out);
}
