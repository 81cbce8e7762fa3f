#include "seal/log_follow.h"

#include "seal/log_format.h"

#include <errno.h>
#include <sys/inotify.h>

struct log_follower {
  char *path;
  int dir, watch;
  struct key_cache *keys;
  struct log_segment *here, *next; /* next: is begun already */
  uint64_t limit; /* the last record of here that counts: known when there is a next one */
  bool news;      /* there may be new files */
};

void log_follower_free(struct log_follower *f) {
  log_fd_close(&f->dir);
  log_fd_close(&f->watch);
  if (f->here)
    log_segment_free(f->here);
  if (f->next)
    log_segment_free(f->next);
  mem_free(f->path);
  mem_free(f);
}

/* --- where to begin --- */

static uint64_t limit_of(const struct log_segment *here, const struct log_segment *next) {
  const struct log_before *b = &log_segment_about(next)->before;
  return b->present && b->number == log_segment_about(here)->number ? b->last : UINT64_MAX;
}

/* Back from the newest one until there are enough. */
static err_t seek(struct log_follower *f, const struct log_names *names, uint64_t wanted,
                  uint64_t *found) {
  *found = 0;
  for (size_t i = names->count; i > 0 && (*found < wanted || !f->here); i--) {
    struct log_segment *s AUTO(log_segment) = NULL;
    uint64_t count;
    TRY(log_segment_open(f->keys, f->dir, names->at[i - 1].text, &s));
    uint64_t limit = f->here ? limit_of(s, f->here) : UINT64_MAX;
    TRY(log_segment_seek_last(s, wanted - *found, limit, &count));
    *found += count;
    if (f->next)
      log_segment_free(f->next);
    f->next = f->here;
    f->here = TAKE(s);
    f->limit = limit;
  }
  return OK;
}

err_t log_follower_open(const char *dir, struct key_cache *keys, uint64_t entries,
                        struct log_follower **out, uint64_t *skip) {
  struct log_follower *f AUTO(log_follower) = mem_zalloc(sizeof *f);
  AUTO_LOG_NAMES names = { 0 };
  uint64_t found;
  if (!f)
    return ERR_NOMEM;
  f->dir = f->watch = -1;
  f->keys = keys;
  f->news = true;
  f->path = mem_strdup(dir);
  if (!f->path)
    return ERR_NOMEM;
  TRY(log_dir_open(dir, false, &f->dir));
  f->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  if (f->watch >= 0 && inotify_add_watch(f->watch, dir, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
    log_fd_close(&f->watch);
  TRY(log_names_list(f->dir, dir, &names));
  TRY(seek(f, &names, entries, &found));
  *skip = found > entries ? found - entries : 0;
  *out = TAKE(f);
  return OK;
}

int log_follower_fd(const struct log_follower *f) {
  return f->watch;
}

/* --- and on --- */

static void take_events(struct log_follower *f) {
  _Alignas(struct inotify_event) char part[4096];
  ssize_t n;
  f->news |= f->watch < 0;
  while (f->watch >= 0 && (n = read(f->watch, part, sizeof part)) > 0)
    for (ssize_t at = 0; at < n;) {
      const struct inotify_event *e = (const void *)(part + at);
      f->news |= (e->mask & ~(uint32_t)IN_MODIFY) != 0;
      at += (ssize_t)(sizeof *e + e->len);
    }
}

/* The first segment behind this one, if there is one by now. */
static err_t find_next(struct log_follower *f) {
  AUTO_LOG_NAMES names = { 0 };
  uint64_t number = f->here ? log_segment_about(f->here)->number : 0;
  size_t i = 0;
  if (f->next || !f->news)
    return OK;
  TRY(log_names_list(f->dir, f->path, &names));
  while (i < names.count && names.at[i].number <= number)
    i++;
  if (i < names.count)
    TRY(log_segment_open(f->keys, f->dir, names.at[i].text, &f->next));
  f->news = f->next;
  return OK;
}

static void move_on(struct log_follower *f) {
  if (f->here)
    log_segment_free(f->here);
  f->here = TAKE(f->next);
  f->limit = UINT64_MAX;
}

err_t log_follower_next(struct log_follower *f, const struct log_about **about,
                        struct log_record *out, bool *more) {
  take_events(f);
  for (;;) {
    bool known = f->next;
    *more = false;
    if (f->here)
      TRY(log_segment_next(f->here, f->limit, out, more));
    if (*more) {
      *about = log_segment_about(f->here);
      return OK;
    }
    TRY(find_next(f));
    if (!f->next)
      return OK;
    if (known || !f->here)
      move_on(f);
    else
      f->limit = limit_of(f->here, f->next); /* and what was written until then */
  }
}
