#include "seal/log_format.h"

#include "base/codec.h"

#include <stdio.h>

struct walk {
  const char *path;
  int dir;
  struct key_cache *keys;
  const struct log_walk_options *o;
  const struct log_visitor *v;
  struct log_walk_result *result;
  struct log_names names;
  bool id_known;
};
static void walk_free(struct walk *w) {
  file_close(&w->dir);
  log_names_free(&w->names);
}

/* What shows a log to be incomplete or changed; all else ends the walk. */
static bool is_problem(err_t e) {
  return e == ERR_DAMAGED || e == ERR_TRUNCATED || e == ERR_NOT_SEALED || e == ERR_WRONG_KEY;
}

static err_t problem(const struct walk *w, err_t e) {
  return is_problem(e) && w->v->problem ? w->v->problem(w->v->ctx, e) : e;
}
#define PROBLEM(w, e, ...) problem((w), err_fail((e), __FILE__, __LINE__, __VA_ARGS__))

/* An error, for later. */
struct held {
  err_t code;
  struct err_last last;
};
static void hold(struct held *h, err_t e) {
  h->code = e;
  h->last = *err_last();
}
static err_t tell_held(const struct walk *w, const struct held *h) {
  const struct err_last *l = &h->last;
  if (h->code == OK)
    return OK;
  if (l->code == h->code && *l->say)
    IGNORE(err_refuse(h->code, l->file, l->line, "%s", l->say));
  else if (l->code == h->code)
    IGNORE(err_fail(h->code, l->file, l->line, "%s", l->why));
  return problem(w, h->code);
}

/* --- one segment by itself --- */

static err_t open_segment(struct walk *w, size_t i, struct log_segment **out) {
  const struct log_name *n = &w->names.at[i];
  struct log_segment *s AUTO(log_segment) = NULL;
  TRY(log_segment_open(w->keys, w->dir, n->text, &s));
  const struct log_about *a = log_segment_about(s);
  struct log_name right;
  log_name_make(a->number, a->opened_ns, &right);
  if (strcmp(right.text, n->text) != 0)
    FAIL(ERR_DAMAGED, "%s: it was renamed: it is %s", n->text, right.text);
  if (!w->id_known) {
    memcpy(w->result->log_id, a->log_id, LOG_ID);
    w->id_known = true;
  } else if (memcmp(w->result->log_id, a->log_id, LOG_ID) != 0) {
    FAIL(ERR_DAMAGED, "%s: it is a segment of another log", n->text);
  }
  *out = TAKE(s);
  return OK;
}

/* A position that was remembered must be there, and as it was. */
static err_t check_position(const struct walk *w, const struct log_segment *s) {
  const struct log_position *p = w->o->least;
  const struct log_about *a = log_segment_about(s);
  const struct log_state *t = log_segment_state(s);
  if (p && p->has_chain && p->segment == a->number && p->record == t->last &&
      memcmp(p->chain, t->chain, LOG_CHAIN) != 0)
    FAIL(ERR_DAMAGED, "%s, record %llu: it is not the one of the position that is expected",
         a->name, (unsigned long long)t->last);
  return OK;
}

/* limit: the last record that counts. */
static err_t read_records(struct walk *w, struct log_segment *s, uint64_t limit) {
  struct log_record r;
  bool more;
  TRY(check_position(w, s));
  for (;;) {
    TRY(log_segment_next(s, limit, &r, &more));
    TRY(check_position(w, s));
    if (!more)
      return OK;
    if (w->v->record)
      TRY(w->v->record(w->v->ctx, log_segment_about(s), &r));
  }
}

/* --- against the next one --- */

static err_t check_end(const struct log_segment *s, const struct log_before *b) {
  const struct log_about *a = log_segment_about(s);
  const struct log_state *t = log_segment_state(s);
  if (t->last < b->last)
    FAIL(ERR_TRUNCATED, "%s: it ends with record %llu, but record %llu was its last", a->name,
         (unsigned long long)t->last, (unsigned long long)b->last);
  if (memcmp(t->chain, b->chain, LOG_CHAIN) != 0 || (!b->unchecked && t->end != b->end))
    FAIL(ERR_DAMAGED, "%s: its records are not those that segment %llu was begun after", a->name,
         (unsigned long long)b->number + 1);
  return OK;
}

static err_t check_reached(const struct walk *w, const struct log_segment *s) {
  const struct log_position *p = w->o->least;
  const struct log_about *a = log_segment_about(s);
  const struct log_state *t = log_segment_state(s);
  if (p && p->segment == a->number && t->last < p->record)
    FAIL(ERR_TRUNCATED, "%s: it ends with record %llu, but record %llu had been there", a->name,
         (unsigned long long)t->last, (unsigned long long)p->record);
  return OK;
}

/* before: what the next segment says of this one; NULL when none does. */
static err_t visit(struct walk *w, struct log_segment *s, const struct log_before *before) {
  const struct log_state *t = log_segment_state(s);
  err_t e = read_records(w, s, before ? before->last : UINT64_MAX);
  if (e == OK && before)
    e = check_end(s, before);
  if (e == OK)
    e = check_reached(w, s);
  if (is_problem(e))
    TRY(problem(w, e));
  else
    TRY(e);
  struct log_walk_result *r = w->result;
  r->segments++;
  r->records += t->last;
  r->entries += t->entries;
  r->open = t->end == LOG_OPEN;
  r->end = (struct log_position){ log_segment_about(s)->number, t->last, true, { 0 } };
  memcpy(r->end.chain, t->chain, LOG_CHAIN);
  return w->v->segment ? w->v->segment(w->v->ctx, log_segment_about(s), t) : OK;
}

static err_t tell_missing(const struct walk *w, uint64_t first, uint64_t end) {
  if (end - first == 1)
    return PROBLEM(w, ERR_TRUNCATED, "%s: segment %llu is missing", w->path,
                   (unsigned long long)first);
  return PROBLEM(w, ERR_TRUNCATED, "%s: segments %llu to %llu are missing", w->path,
                 (unsigned long long)first, (unsigned long long)end - 1);
}

/* Names alone: what is between two of them. */
static err_t check_names(const struct walk *w, size_t i) {
  const struct log_name *here = &w->names.at[i - 1], *next = &w->names.at[i];
  if (here->number == next->number)
    return PROBLEM(w, ERR_DAMAGED, "%s: there are two files of segment %llu: %s and %s", w->path,
                   (unsigned long long)here->number, here->text, next->text);
  if (here->number + 1 < next->number)
    return tell_missing(w, here->number + 1, next->number);
  return OK;
}

/* What the next one says of this one; NULL where it says nothing. */
static err_t follows(const struct log_segment *here, const struct log_segment *next,
                     const struct log_before **out) {
  const struct log_about *h = log_segment_about(here), *n = log_segment_about(next);
  *out = n->before.present && n->before.number == h->number ? &n->before : NULL;
  if (!*out && n->number == h->number + 1)
    FAIL(ERR_DAMAGED, "%s: it was not begun after %s", n->name, h->name);
  return OK;
}

/* Reads the segment at i, which is NULL where it can't be, by the light of the next one. */
static err_t step(struct walk *w, size_t i, struct log_segment *here, struct log_segment **next) {
  const struct log_before *before = NULL;
  struct held held = { .code = OK };
  bool last = i + 1 == w->names.count;
  if (!last)
    hold(&held, open_segment(w, i + 1, next));
  if (here && *next)
    hold(&held, follows(here, *next, &before));
  if (here)
    TRY(visit(w, here, before));
  if (!last)
    TRY(check_names(w, i + 1));
  return tell_held(w, &held);
}

static err_t walk_from(struct walk *w, size_t i) {
  struct log_segment *here AUTO(log_segment) = NULL;
  err_t e = open_segment(w, i, &here);
  if (e != OK)
    TRY(problem(w, e));
  for (; i < w->names.count; i++) {
    struct log_segment *next AUTO(log_segment) = NULL;
    TRY(step(w, i, here, &next));
    if (here)
      log_segment_free(here);
    here = TAKE(next);
  }
  return OK;
}

/* --- where to begin and to end --- */

/* Backwards to the first segment that may have entries of since or later: the one after it knows
 * the latest time before. */
static err_t find_since(struct walk *w, size_t *first) {
  size_t i = w->names.count - 1;
  for (; w->o->since_ns && i > 0; i--) {
    struct log_segment *s AUTO(log_segment) = NULL;
    if (log_segment_open(w->keys, w->dir, w->names.at[i].text, &s) != OK)
      continue;
    if (log_segment_about(s)->before.latest_ns < w->o->since_ns)
      break;
  }
  *first = w->o->since_ns ? i : 0;
  return OK;
}

/* A segment that was begun later, by its name, than what is asked for. */
static void cut_until(struct walk *w) {
  struct log_name limit;
  log_name_make(1, w->o->until_ns, &limit);
  const char *when = strchr(limit.text, '-');
  while (w->o->until_ns && w->names.count > 1 &&
         strcmp(strchr(w->names.at[w->names.count - 1].text, '-'), when) > 0)
    w->names.count--;
}

static err_t check_first(const struct walk *w) {
  uint64_t first = w->names.at[0].number;
  w->result->first = first;
  return w->o->from_start && first > 1 ? tell_missing(w, 1, first) : OK;
}

static err_t check_least(const struct walk *w) {
  const struct log_position *p = w->o->least, *end = &w->result->end;
  if (!p || end->segment >= p->segment)
    return OK; /* the segment itself was looked at by check_reached() */
  return PROBLEM(w, ERR_TRUNCATED, "%s: it ends at %llu:%llu, but had reached %llu:%llu", w->path,
                 (unsigned long long)end->segment, (unsigned long long)end->record,
                 (unsigned long long)p->segment, (unsigned long long)p->record);
}

err_t log_walk(const char *dir, struct key_cache *keys, const struct log_walk_options *o,
               const struct log_visitor *v, struct log_walk_result *out) {
  struct walk w __attribute__((
    cleanup(walk_free))) = { .path = dir, .dir = -1, .keys = keys, .o = o, .v = v, .result = out };
  size_t first = 0;
  *out = (struct log_walk_result){ 0 };
  TRY(log_dir_open(dir, false, &w.dir));
  TRY(log_names_list(w.dir, dir, &w.names));
  if (w.names.count == 0)
    FAIL(ERR_NOT_FOUND, "%s: there are no segments of a log", dir);
  TRY(check_first(&w));
  cut_until(&w);
  TRY(find_since(&w, &first));
  TRY(walk_from(&w, first));
  return check_least(&w);
}

/* --- positions --- */

void log_position_format(const struct log_position *p, char out[static LOG_POSITION_TEXT]) {
  int n = snprintf(out, LOG_POSITION_TEXT, "%llu:%llu", (unsigned long long)p->segment,
                   (unsigned long long)p->record);
  if (!p->has_chain)
    return;
  out[n] = ':';
  hex_encode(bytes_of(p->chain, LOG_CHAIN), out + n + 1);
}

bool log_position_parse(const char *text, struct log_position *out) {
  struct bytes rest = bytes_str(text), segment, record;
  size_t size;
  rest = bytes_split(rest, ':', &segment);
  if (!rest.data)
    return false;
  rest = bytes_split(rest, ':', &record);
  out->has_chain = rest.data;
  return bytes_to_u64(segment, UINT64_MAX, &out->segment) == OK && out->segment > 0 &&
         bytes_to_u64(record, UINT64_MAX, &out->record) == OK && out->record > 0 &&
         (!rest.data ||
          (hex_decode(rest, out->chain, LOG_CHAIN, &size) == OK && size == LOG_CHAIN));
}
