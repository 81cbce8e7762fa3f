/* What the verbs of logs share: the vault's keys, which part of a log, and how entries are shown.
 */
#ifndef CLI_LOG_LOG_H
#define CLI_LOG_LOG_H

#include "cli/ask.h"

#include "seal/log_read.h"

/* The client that --data or the environment names, and its data keys. */
struct log_keys {
  struct client *client;
  struct key_service service;
  struct key_cache *cache;
};
err_t log_keys_open(const struct args *a, struct log_keys *out);
void log_keys_close(struct log_keys *k);
#define AUTO_LOG_KEYS __attribute__((cleanup(log_keys_close))) struct log_keys

/* --since and --until: Unix nanoseconds, 0 where there is none. */
struct log_span {
  int64_t since_ns, until_ns;
};
#define LOG_SPAN_OPTIONS \
  { "since", OPT_VALUE, "TIME", NULL, "entries of this time and later" }, { \
    "until", OPT_VALUE, "TIME", NULL, "entries before this time" \
  }
#define LOG_SPAN_HELP \
  "A TIME is 2027-01-31, 2027-01-31T10:00:00Z or, back from now, -2h (s, h, d, w, y)."
err_t log_span_parse(const struct args *a, struct log_span *out);
bool log_span_has(const struct log_span *s, int64_t ns);

/*
 * From the records of a log to entries that are whole. What the printer gets is in order; of an
 * entry in parts only the first one's time counts. whole(): each entry in one piece, at most
 * LOG_WHOLE_MAX bytes of it. part(), if whole is NULL: pieces as they come, without memory.
 */
#define LOG_WHOLE_MAX (64u * 1024 * 1024)
struct log_line {
  const struct log_about *segment;
  uint64_t record;
  int64_t ns;
  struct bytes text;
  bool first, last; /* of its entry: both, but for part() */
  bool unended;     /* without the line feed that ends an entry */
};
struct log_sorter {
  struct log_span span;
  uint64_t skip; /* entries to leave out at the beginning */
  err_t (*whole)(void *ctx, const struct log_line *line);
  err_t (*part)(void *ctx, const struct log_line *line);
  void *ctx;
  bool inside, chosen; /* an entry's next part is to come; it is one to be shown */
  int64_t ns;          /* of that entry */
  struct buf joined;
};
err_t log_sort(struct log_sorter *s, const struct log_about *segment, const struct log_record *r);
err_t log_sort_end(struct log_sorter *s); /* nothing follows any more */
static inline void log_sorter_free(struct log_sorter *s) {
  buf_free(&s->joined);
}
#define AUTO_LOG_SORTER __attribute__((cleanup(log_sorter_free))) struct log_sorter

/* How entries are shown: for log_sorter.whole or .part with a struct log_print as ctx. */
struct log_print {
  bool times;
  bool unended; /* the last entry had no line feed: one is owed if another entry follows */
};
void log_print_setup(const struct args *a, struct log_print *p, struct log_sorter *s);
err_t log_print_raw(void *ctx, const struct log_line *line);
err_t log_print_json(void *ctx, const struct log_line *line);
#define LOG_PRINT_OPTIONS \
  { "times", OPT_FLAG, NULL, NULL, "begin each entry with the time at which it came" }

/* The entries of a directory or of some segment files, through s. */
err_t log_read_all(const struct args *a, size_t first_word, struct log_sorter *s);
#define LOG_SKIP_OPTION \
  { "skip-damaged", OPT_FLAG, NULL, NULL, "go on with the next segment where one is damaged" }

#endif
