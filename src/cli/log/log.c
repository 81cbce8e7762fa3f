#include "cli/log/log.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define NS INT64_C(1000000000)

err_t log_keys_open(const struct args *a, struct log_keys *out) {
  TRY(ask_open(a, &out->client));
  out->service = client_key_service(out->client);
  return key_cache_new(&out->service, &(struct key_cache_options){ 0 }, &out->cache);
}

void log_keys_close(struct log_keys *k) {
  if (k->cache)
    key_cache_free(k->cache);
  if (k->client)
    client_free(k->client);
}

/* --- time --- */

static err_t parse_time(const struct args *a, const char *option, int64_t *ns) {
  const char *text = args_value(a, option);
  int64_t seconds;
  *ns = 0;
  if (!text)
    return OK;
  if (text[0] == '-' && when_parse_span(option, text + 1, &seconds) == OK)
    seconds = clock_real() - seconds;
  else if (text[0] == '+' || when_parse(option, text, &seconds) != OK)
    FAIL(ERR_USAGE, "--%s takes 2027-01-31, 2027-01-31T10:00:00Z or -2h, not '%.80s'", option,
         text);
  *ns = seconds <= 0 ? 1 : seconds * NS;
  return OK;
}

err_t log_span_parse(const struct args *a, struct log_span *out) {
  TRY(parse_time(a, "since", &out->since_ns));
  return parse_time(a, "until", &out->until_ns);
}

bool log_span_has(const struct log_span *s, int64_t ns) {
  return (!s->since_ns || ns >= s->since_ns) && (!s->until_ns || ns < s->until_ns);
}

/* --- entries --- */

static err_t give(struct log_sorter *s, const struct log_line *line) {
  if (!s->whole)
    return s->part(s->ctx, line);
  if (line->first && line->last)
    return s->whole(s->ctx, line);
  if (s->joined.size + line->text.size <= LOG_WHOLE_MAX)
    buf_put_bytes(&s->joined, line->text);
  TRY(buf_ok(&s->joined));
  if (!line->last)
    return OK;
  struct log_line all = *line;
  all.text = buf_bytes(&s->joined);
  all.first = true;
  err_t e = s->whole(s->ctx, &all);
  buf_clear(&s->joined);
  return e;
}

/* The rest of an entry was lost with what a crash cut off. */
static err_t cut_off(struct log_sorter *s, const struct log_about *segment, uint64_t record) {
  struct log_line line = { .segment = segment, .record = record, .ns = s->ns, .last = true };
  if (!s->inside)
    return OK;
  s->inside = false;
  line.text = bytes_of("", 0);
  return s->chosen ? give(s, &line) : OK;
}

static err_t sort_entry(struct log_sorter *s, struct log_line *line, unsigned flags) {
  line->first = !(flags & LOG_CONTINUES) || !s->inside;
  line->last = !(flags & LOG_GOES_ON);
  line->unended = flags & LOG_UNTERMINATED;
  if (line->first) {
    TRY(cut_off(s, line->segment, line->record));
    s->chosen = log_span_has(&s->span, line->ns) && s->skip == 0;
    s->skip -= s->skip > 0;
    s->ns = line->ns;
  }
  line->ns = s->ns;
  s->inside = !line->last;
  return s->chosen ? give(s, line) : OK;
}

err_t log_sort(struct log_sorter *s, const struct log_about *segment, const struct log_record *r) {
  struct log_entries it = { .rest = r->entries, .ns = r->first_ns };
  struct log_entry e;
  if (s->span.since_ns && r->last_ns < s->span.since_ns && !s->inside)
    return OK;
  while (log_entries_next(&it, &e)) {
    struct log_line line = { .segment = segment, .record = r->number, .ns = e.ns, .text = e.text };
    TRY(sort_entry(s, &line, e.flags));
  }
  if (it.bad)
    FAIL(ERR_DAMAGED, "%s, record %llu: its entries are malformed", segment->name,
         (unsigned long long)r->number);
  return OK;
}

err_t log_sort_end(struct log_sorter *s) {
  static const struct log_about nowhere = { .name = "" };
  return cut_off(s, &nowhere, 0);
}

/* --- a directory, or files --- */

struct reading {
  struct log_sorter *sorter;
  bool skip, skipped;
};

static err_t on_record(void *ctx, const struct log_about *segment, const struct log_record *r) {
  struct reading *g = ctx;
  TRY(log_sort(g->sorter, segment, r));
  return out_failed() ? ERR_CLOSED : OK;
}

static err_t on_problem(void *ctx, err_t e) {
  struct reading *g = ctx;
  if (!g->skip)
    return e;
  fflush(stdout);
  out_error(e);
  g->skipped = true;
  return OK;
}

static err_t read_file(struct reading *g, struct key_cache *keys, const char *path) {
  struct log_segment *s AUTO(log_segment) = NULL;
  struct log_record r;
  bool more = false;
  TRY(log_segment_open(keys, AT_FDCWD, path, &s));
  do {
    TRY(log_segment_next(s, UINT64_MAX, &r, &more));
    if (more)
      TRY(on_record(g, log_segment_about(s), &r));
  } while (more);
  return OK;
}

static err_t read_files(struct reading *g, const struct args *a, size_t word,
                        struct key_cache *keys) {
  for (; args_word(a, word); word++) {
    err_t e = read_file(g, keys, args_word(a, word));
    if (e == ERR_DAMAGED || e == ERR_TRUNCATED || e == ERR_NOT_SEALED)
      e = on_problem(g, e);
    TRY(e);
  }
  return OK;
}

static err_t read_words(struct reading *g, const struct args *a, size_t word) {
  AUTO_LOG_KEYS keys = { 0 };
  const char *path = args_word(a, word);
  struct log_walk_options o = { .since_ns = g->sorter->span.since_ns,
                                .until_ns = g->sorter->span.until_ns };
  struct log_visitor v = { .ctx = g, .record = on_record, .problem = on_problem };
  struct log_walk_result result;
  struct stat st;
  bool dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
  if (dir && args_word(a, word + 1))
    FAIL(ERR_USAGE, "one directory, or some segment files");
  TRY(log_keys_open(a, &keys));
  if (dir)
    return log_walk(path, keys.cache, &o, &v, &result);
  return read_files(g, a, word, keys.cache);
}

err_t log_read_all(const struct args *a, size_t word, struct log_sorter *s) {
  struct reading g = { .sorter = s, .skip = args_flag(a, "skip-damaged") };
  err_t e = read_words(&g, a, word);
  if (e == ERR_CLOSED && out_failed())
    return OK; /* main() says what is to be said of stdout */
  TRY(e);
  TRY(log_sort_end(s));
  if (g.skipped)
    FAIL(ERR_DAMAGED, "what is damaged was left out");
  return OK;
}
