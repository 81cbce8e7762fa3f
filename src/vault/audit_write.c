#include "base/clock.h"
#include "base/pack.h"
#include "vault/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SECOND UINT64_C(1000000)
#define SIGN_EVERY SECOND
#define FILE_HEAD_EVERY (5 * SECOND) /* it costs two fsyncs more */

/* Makes the directory; its entry in the one above must last, too. */
static err_t make_dir(const struct audit_conf *conf) {
  if (mkdir(conf->dir, 0700) != 0) {
    if (errno == EEXIST)
      return OK;
    FAIL(ERR_IO, "audit log: %s: %s", conf->dir, strerror(errno));
  }
  AUTO_FD dir = -1;
  TRY(audit_dir_open(conf->dir, &dir));
  AUTO_FD above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (above < 0 || (conf->sync && fsync(above) != 0))
    FAIL(ERR_IO, "audit log: %s/..: %s", conf->dir, strerror(errno));
  return OK;
}

err_t audit_writer_open(struct audit_writer *w, const struct audit_conf *conf,
                        struct bytes seal_key, struct key *signer) {
  *w = (struct audit_writer){ .conf = conf, .dir = -1, .state.file.fd = -1 };
  w->signer = key_ref(signer);
  TRY(secret_copy(seal_key, &w->seal_key));
  TRY(make_dir(conf));
  TRY(audit_dir_open(conf->dir, &w->dir));
  if (flock(w->dir, LOCK_EX | LOCK_NB) != 0)
    FAIL(errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO, "audit log: %s: lock: %s", conf->dir,
         strerror(errno));
  TRY(audit_recover(w->dir, conf, seal_key, signer, &w->state));
  TRY(audit_file_key(seal_key, w->state.file.first, &w->file_key));
  w->filed = w->state.head.at.last;
  return OK;
}

void audit_writer_close(struct audit_writer *w) {
  file_close(&w->state.file.fd);
  file_close(&w->dir);
  secret_free(&w->seal_key);
  secret_free(&w->file_key);
  key_free(w->signer);
  buf_free(&w->out);
}

/* Appends out to the file, or leaves the file as it was. */
static err_t append(struct audit_writer *w) {
  TRY(buf_ok(&w->out));
  if (w->out.size == 0)
    return OK;
  err_t e = audit_file_append(&w->state.file, buf_bytes(&w->out), w->conf->sync);
  if (e != OK && e != ERR_IO)
    TRY(audit_file_undo(&w->state.file));
  return e;
}

static bool unsigned_records(const struct audit_writer *w) {
  return w->state.tip.last > w->state.head.at.last;
}

/* Signs what is durable; the head goes to out. */
static err_t put_head(struct audit_writer *w, struct audit_head *head) {
  TRY(audit_head_sign(&w->state.tip, w->signer, head));
  audit_head_put(head, &w->out);
  return OK;
}

static void head_written(struct audit_writer *w, const struct audit_head *head) {
  w->state.head = *head;
  w->signed_at = clock_mono_us();
}

static err_t store_head(struct audit_writer *w) {
  if (w->state.head.at.last == w->filed)
    return OK;
  AUTO_BUF b = BUF_EMPTY;
  audit_head_put(&w->state.head, &b);
  TRY(buf_ok(&b));
  TRY(audit_store(w->dir, AUDIT_HEAD_FILE, buf_bytes(&b), w->conf->sync));
  w->filed = w->state.head.at.last;
  w->filed_at = clock_mono_us();
  return OK;
}

/* The last entry of a file is the head that covers it. */
static err_t end_file(struct audit_writer *w) {
  if (unsigned_records(w)) {
    struct audit_head head;
    buf_clear(&w->out);
    TRY(put_head(w, &head));
    TRY(append(w));
    head_written(w, &head);
  }
  return store_head(w);
}

static bool file_full(const struct audit_writer *w) {
  const struct audit_file *f = &w->state.file;
  const struct audit_conf *c = w->conf;
  if (w->state.tip.last < f->first)
    return false;
  return f->size >= c->rotate_bytes || w->state.tip.last - f->first >= AUDIT_FILE_RECORDS ||
         (c->rotate_seconds > 0 &&
          clock_now_us() - f->created_us >= c->rotate_seconds * (int64_t)SECOND);
}

static err_t rotate(struct audit_writer *w) {
  TRY(end_file(w));
  AUTO_SECRET key = { 0 };
  TRY(audit_file_key(secret_bytes(&w->seal_key), w->state.tip.last + 1, &key));
  struct audit_file next;
  TRY(audit_file_create(w->dir, &w->state.tip, w->conf->sync, &next));
  file_close(&w->state.file.fd);
  w->state.file = next;
  secret_free(&w->file_key);
  w->file_key = key;
  key = (struct secret){ 0 };
  return OK;
}

static err_t put_records(struct audit_writer *w, const struct audit_batch *b,
                         struct audit_tip *tip) {
  struct bytes key = secret_bytes(&w->file_key);
  uint32_t index = 0;
  if (b->gap.missed) {
    AUTO_BUF gap = BUF_EMPTY;
    audit_gap_put(&b->gap, &gap);
    TRY(buf_ok(&gap));
    TRY(audit_record_put(key, index++, buf_bytes(&gap), tip, &w->out));
  }
  for (struct unpack u = unpack_of(buf_bytes(&b->records)); u.rest.size;)
    TRY(audit_record_put(key, index++, unpack_bytes(&u), tip, &w->out));
  return OK;
}

err_t audit_writer_commit(struct audit_writer *w, const struct audit_batch *b) {
  bool records = b->records.size || b->gap.missed;
  if (records && file_full(w))
    TRY(rotate(w));
  struct audit_tip tip = w->state.tip;
  struct audit_head head;
  bool sign = unsigned_records(w) && clock_mono_us() >= w->signed_at + SIGN_EVERY;
  buf_clear(&w->out);
  if (sign)
    TRY(put_head(w, &head));
  TRY(put_records(w, b, &tip));
  TRY(append(w));
  w->state.tip = tip;
  if (sign)
    head_written(w, &head);
  return OK;
}

err_t audit_writer_heads(struct audit_writer *w, bool end) {
  if (end)
    return end_file(w);
  if (clock_mono_us() >= w->filed_at + FILE_HEAD_EVERY)
    return store_head(w);
  return OK;
}

uint64_t audit_writer_due(const struct audit_writer *w) {
  uint64_t sign = unsigned_records(w) ? w->signed_at + SIGN_EVERY : UINT64_MAX;
  uint64_t file = w->state.head.at.last > w->filed ? w->filed_at + FILE_HEAD_EVERY : UINT64_MAX;
  return sign < file ? sign : file;
}
