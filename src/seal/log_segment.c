#include "seal/log_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct log_segment {
  int fd;
  char *name;
  struct header header;
  struct log_prefix prefix;
  struct xaes *key;
  struct log_scan scan;
  struct log_tip tip;
  struct buf plain;
  struct log_about about;
  struct log_state state;
};

void log_segment_free(struct log_segment *s) {
  file_close(&s->fd);
  mem_free(s->name);
  if (s->key)
    xaes_free(s->key);
  buf_free(&s->scan.sealed);
  buf_free(&s->plain);
  mem_free(s);
}

const struct log_about *log_segment_about(const struct log_segment *s) {
  return &s->about;
}

const struct log_state *log_segment_state(const struct log_segment *s) {
  return &s->state;
}

/* An error's own words, the hub's too, with the place before them. */
static err_t at_place(const struct log_segment *s, err_t e, uint64_t record) {
  struct err_last last = *err_last();
  char place[80];
  if (e == OK || e == ERR_NOMEM)
    return e;
  if (record)
    snprintf(place, sizeof place, "%.*s, record %llu", LOG_NAME, s->name,
             (unsigned long long)record);
  else
    snprintf(place, sizeof place, "%.*s", LOG_NAME, s->name);
  if (last.code == e && *last.say)
    REFUSE(e, "%s: %s", place, last.say);
  FAIL(e, "%s: %s", place, last.code == e && *last.why ? last.why : err_info(e)->text);
}

/* The plaintext of the record that was scanned. */
static err_t open_record(struct log_segment *s, uint64_t number, struct log_plain *out) {
  buf_clear(&s->plain);
  err_t e = log_open(s->key, &s->prefix, number, buf_bytes(&s->scan.sealed), &s->plain);
  if (e == ERR_DAMAGED)
    FAIL(ERR_DAMAGED, "it was changed: it is not what was written there");
  TRY(e);
  TRY(log_plain_get(buf_bytes(&s->plain), out));
  if ((out->type == LOG_TYPE_OPENED) != (number == 1))
    FAIL(ERR_DAMAGED, "an opening record belongs at the start, and nowhere else");
  return OK;
}

/* --- opening --- */

static err_t derive_key(struct log_segment *s, struct key_cache *keys) {
  struct data_key *data_key AUTO(data_key) = NULL;
  uint8_t commitment[LOG_COMMITMENT];
  TRY(key_cache_for_opening(keys, &s->header.wrapped, &data_key));
  TRY(log_prefix_key(&s->prefix, secret_bytes(&data_key->key), &s->key, commitment));
  if (!crypto_equal(bytes_of(commitment, sizeof commitment),
                    bytes_of(s->prefix.commitment, LOG_COMMITMENT)))
    FAIL(ERR_DAMAGED, "its start was changed, or is another segment's");
  return OK;
}

static err_t read_opening(struct log_segment *s) {
  enum log_found found;
  struct log_plain p;
  TRY(log_scan_next(&s->scan, &found));
  if (found != LOG_FOUND)
    FAIL(found == LOG_FOUND_NONE ? ERR_DAMAGED : ERR_TRUNCATED, "it is not there");
  TRY(open_record(s, 1, &p));
  TRY(log_chain(&s->tip, buf_bytes(&s->scan.sealed)));
  s->about.format = p.format;
  s->about.opened_ns = p.first_ns;
  s->about.before = p.before;
  return OK;
}

static err_t check_place(const struct log_segment *s) {
  const struct log_before *b = &s->about.before;
  if (b->present && b->number >= s->about.number)
    FAIL(ERR_DAMAGED, "it says that it follows segment %llu", (unsigned long long)b->number);
  return OK;
}

static err_t open_it(struct log_segment *s, struct key_cache *keys) {
  err_t e = log_read_start(s->fd, s->name, &s->header, &s->prefix);
  if (e == OK)
    e = derive_key(s, keys);
  TRY(at_place(s, e, 0));
  s->about.number = s->prefix.number;
  s->about.key_id = s->header.wrapped.key_id;
  memcpy(s->about.log_id, s->prefix.id, LOG_ID);
  TRY(at_place(s, read_opening(s), 1));
  TRY(at_place(s, check_place(s), 1));
  s->state.last = s->tip.last;
  memcpy(s->state.chain, s->tip.chain, LOG_CHAIN);
  return OK;
}

err_t log_segment_open(struct key_cache *keys, int dir, const char *name,
                       struct log_segment **out) {
  struct log_segment *s AUTO(log_segment) = mem_zalloc(sizeof *s);
  if (!s)
    return ERR_NOMEM;
  s->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (s->fd < 0)
    FAIL(ERR_INPUT, "cannot read %s: %s", name, strerror(errno));
  s->name = mem_strdup(name);
  if (!s->name)
    return ERR_NOMEM;
  s->about.name = s->name;
  s->scan = (struct log_scan){ .fd = s->fd, .at = LOG_START };
  TRY(open_it(s, keys));
  *out = TAKE(s);
  return OK;
}

/* --- records --- */

static void count_entries(struct log_segment *s, const struct log_plain *p) {
  struct log_state *t = &s->state;
  if (!t->first_ns)
    t->first_ns = p->first_ns;
  if (p->last_ns > t->last_ns)
    t->last_ns = p->last_ns;
  t->entries += p->count;
}

/* The record that was scanned, as number: false in *lines where it is the closing one. */
static err_t take_record(struct log_segment *s, struct log_record *out, bool *lines) {
  struct log_plain p;
  TRY(open_record(s, s->tip.last + 1, &p));
  TRY(log_chain(&s->tip, buf_bytes(&s->scan.sealed)));
  s->state.last = s->tip.last;
  memcpy(s->state.chain, s->tip.chain, LOG_CHAIN);
  *lines = p.type == LOG_TYPE_LINES;
  if (!*lines) {
    s->state.end = p.end;
    return OK;
  }
  count_entries(s, &p);
  *out = (struct log_record){ s->tip.last, p.first_ns, p.last_ns, p.count, p.entries };
  return OK;
}

static err_t at_the_end(struct log_segment *s, enum log_found found) {
  s->state.torn = s->scan.size > s->scan.at ? s->scan.size - s->scan.at : 0;
  if (found == LOG_FOUND_NONE)
    FAIL(ERR_DAMAGED, "it was changed: this is no record");
  if (s->state.end != LOG_OPEN && found != LOG_FOUND_END)
    FAIL(ERR_DAMAGED, "something was added behind the closing record");
  return OK;
}

static err_t next(struct log_segment *s, struct log_record *out, bool *more) {
  enum log_found found;
  TRY(log_scan_next(&s->scan, &found));
  if (found != LOG_FOUND)
    return at_the_end(s, found);
  if (s->state.end != LOG_OPEN)
    FAIL(ERR_DAMAGED, "something was added behind the closing record");
  s->state.torn = 0;
  TRY(take_record(s, out, more));
  return *more ? OK : next(s, out, more);
}

/*
 * Behind the last record that counts there is nothing, or what one write leaves that was not
 * acknowledged: a record or a part of it, or zeros. Where there is more, the next segment's writer
 * could not read on, and records that it did not see are missing.
 */
static err_t check_tail(struct log_segment *s) {
  enum log_found found;
  struct stat st;
  uint64_t at = s->scan.at;
  TRY(log_scan_skip(&s->scan, &found));
  if (fstat(s->fd, &st) != 0)
    FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  s->state.torn = (uint64_t)st.st_size > at ? (uint64_t)st.st_size - at : 0;
  if (s->state.torn && s->state.end != LOG_OPEN)
    FAIL(ERR_DAMAGED, "something was added behind the closing record");
  if (s->state.torn > LOG_LENGTH + LOG_RECORD_MAX || found == LOG_FOUND_NONE ||
      (found == LOG_FOUND && s->scan.at < (uint64_t)st.st_size))
    FAIL(ERR_DAMAGED,
         "it was changed before the next segment was begun: behind record %llu is "
         "more than a crash leaves",
         (unsigned long long)s->tip.last);
  return OK;
}

err_t log_segment_next(struct log_segment *s, uint64_t limit, struct log_record *out, bool *more) {
  *more = false;
  if (s->tip.last >= limit)
    return at_place(s, check_tail(s), 0);
  return at_place(s, next(s, out, more), s->tip.last + 1);
}

/* --- from the end --- */

/* Where records 2, 3, .. are, as far as they count: as uint64_t, one behind the other. */
static err_t find_places(struct log_segment *s, uint64_t limit, struct buf *places) {
  enum log_found found;
  for (uint64_t n = 1; n < limit; n++) {
    uint64_t at = s->scan.at;
    TRY(log_scan_skip(&s->scan, &found));
    if (found != LOG_FOUND)
      break;
    buf_put(places, &at, sizeof at);
  }
  return buf_ok(places);
}

err_t log_segment_seek_last(struct log_segment *s, uint64_t entries, uint64_t limit,
                            uint64_t *count) {
  AUTO_BUF places = BUF_EMPTY;
  struct log_plain plain = { 0 };
  enum log_found found;
  *count = 0;
  TRY(at_place(s, find_places(s, limit, &places), 0));
  uint64_t last = 1 + places.size / sizeof last, at = s->scan.at;
  for (; last > 1 && *count < entries; last--) {
    memcpy(&at, places.data + (last - 2) * sizeof at, sizeof at);
    s->scan.at = at;
    TRY(at_place(s, log_scan_next(&s->scan, &found), last));
    TRY(at_place(s, open_record(s, last, &plain), last));
    *count += plain.count;
  }
  s->scan.at = at;
  s->tip.last = last;
  return OK;
}
