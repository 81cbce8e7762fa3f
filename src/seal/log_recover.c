#include "seal/log_writer.h"

#include <errno.h>
#include <fcntl.h>

/* The newest segment, as far as it can be read. */
struct remains {
  int fd;
  struct header header;
  struct log_prefix prefix;
  struct xaes *key; /* NULL: it may not be opened */
  struct log_scan scan;
  struct buf plain;
  struct log_tip tip, before_last; /* before_last: without the last record */
  bool last_good;                  /* the last record was authentic */
  enum log_end end;
  int64_t latest_ns;
};
static void remains_free(struct remains *r) {
  log_fd_close(&r->fd);
  if (r->key)
    xaes_free(r->key);
  buf_free(&r->scan.sealed);
  buf_free(&r->plain);
}

/* A file whose start is none is no segment to follow: verifying says so. */
static err_t open_start(int dir, const char *name, struct remains *r, bool *good) {
  log_fd_close(&r->fd);
  r->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (r->fd < 0)
    FAIL(ERR_INPUT, "cannot read %s: %s", name, strerror(errno));
  err_t e = log_read_start(r->fd, name, &r->header, &r->prefix);
  *good = e == OK;
  return log_is_problem(e) ? OK : e;
}

static err_t find_key(struct remains *r, struct key_cache *keys) {
  struct data_key *data_key AUTO(data_key) = NULL;
  uint8_t commitment[LOG_COMMITMENT];
  err_t e = key_cache_for_opening(keys, &r->header.wrapped, &data_key);
  if (e != OK)
    return log_may_pass(e) ? e : OK;
  TRY(log_prefix_key(&r->prefix, secret_bytes(&data_key->key), &r->key, commitment));
  if (!crypto_equal(bytes_of(commitment, sizeof commitment),
                    bytes_of(r->prefix.commitment, LOG_COMMITMENT)))
    xaes_free(TAKE(r->key));
  return OK;
}

static void note_time(struct remains *r, int64_t ns) {
  if (ns > r->latest_ns)
    r->latest_ns = ns;
}

static err_t look_into(struct remains *r) {
  struct log_plain p;
  buf_clear(&r->plain);
  err_t e = log_open(r->key, &r->prefix, r->tip.last + 1, buf_bytes(&r->scan.sealed), &r->plain);
  if (e == OK)
    e = log_plain_get(buf_bytes(&r->plain), &p);
  r->last_good = e == OK;
  if (e == ERR_DAMAGED)
    return OK;
  TRY(e);
  r->end = p.type == LOG_TYPE_CLOSED ? p.end : LOG_OPEN;
  note_time(r, p.type == LOG_TYPE_OPENED ? p.before.latest_ns : p.last_ns);
  return OK;
}

static err_t scan_all(struct remains *r) {
  enum log_found found;
  r->scan = (struct log_scan){ .fd = r->fd, .at = LOG_START };
  for (;;) {
    TRY(log_scan_next(&r->scan, &found));
    if (found != LOG_FOUND)
      return OK;
    r->end = LOG_OPEN;
    if (r->key)
      TRY(look_into(r));
    r->before_last = r->tip;
    TRY(log_chain(&r->tip, buf_bytes(&r->scan.sealed)));
  }
}

/* Only one record can be torn: the next one was not written before it was durable. */
static void set_before(const struct remains *r, struct log_before *out) {
  bool torn = r->key && r->tip.last && !r->last_good;
  const struct log_tip *tip = torn ? &r->before_last : &r->tip;
  *out = (struct log_before){ .present = true,
                              .number = r->prefix.number,
                              .last = tip->last,
                              .end = r->end,
                              .unchecked = !r->key,
                              .latest_ns = r->key ? r->latest_ns : INT64_MAX };
  memcpy(out->chain, tip->chain, LOG_CHAIN);
}

static err_t recover_from(struct log_writer *w, struct key_cache *keys, struct remains *r) {
  memcpy(w->id, r->prefix.id, LOG_ID);
  TRY(find_key(r, keys));
  TRY(scan_all(r));
  set_before(r, &w->before);
  return OK;
}

err_t log_writer_recover(struct log_writer *w, struct key_cache *keys) {
  struct remains r __attribute__((cleanup(remains_free))) = { .fd = -1 };
  AUTO_LOG_NAMES names = { 0 };
  TRY(log_names_list(w->dir, w->path, &names));
  w->before = (struct log_before){ 0 };
  w->next = names.count ? names.at[names.count - 1].number + 1 : 1;
  bool found = false;
  for (size_t i = names.count; i > 0 && !found; i--)
    TRY(open_start(w->dir, names.at[i - 1].text, &r, &found));
  if (found)
    TRY(recover_from(w, keys, &r));
  else
    TRY(crypto_random(w->id, LOG_ID));
  w->recovered = true;
  return OK;
}
