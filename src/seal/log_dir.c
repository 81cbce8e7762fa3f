#include "seal/log_format.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define DIGITS 8
#define DIGITS_MAX 16
#define TIME_FORMAT "%Y%m%dT%H%M%SZ"

static inline void dir_close(DIR *d) {
  closedir(d);
}
CLEANUP(dir, DIR *, dir_close)

void log_name_make(uint64_t number, int64_t ns, struct log_name *out) {
  time_t seconds = ns / 1000000000;
  struct tm tm;
  char when[24];
  if (!gmtime_r(&seconds, &tm) || strftime(when, sizeof when, TIME_FORMAT, &tm) == 0)
    memcpy(when, "0", 2);
  out->number = number;
  snprintf(out->text, sizeof out->text, "%0*llu-%.23s" LOG_SUFFIX, DIGITS,
           (unsigned long long)number, when);
}

bool log_name_parse(const char *text, struct log_name *out) {
  struct bytes rest = bytes_str(text), digits;
  size_t suffix = sizeof LOG_SUFFIX - 1;
  if (rest.size >= sizeof out->text || rest.size < suffix ||
      strcmp(text + rest.size - suffix, LOG_SUFFIX) != 0)
    return false;
  rest = bytes_split(rest, '-', &digits);
  if (!rest.data || digits.size < DIGITS || digits.size > DIGITS_MAX ||
      bytes_to_u64(digits, UINT64_MAX, &out->number) != OK || out->number == 0)
    return false;
  memcpy(out->text, text, strlen(text) + 1);
  return true;
}

err_t log_dir_open(const char *path, bool create, int *fd) {
  bool made = create && mkdir(path, 0750) == 0;
  if (create && !made && errno != EEXIST)
    FAIL(ERR_OUTPUT, "cannot make the directory %s: %s", path, strerror(errno));
  AUTO_FD dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    FAIL(create ? ERR_OUTPUT : ERR_INPUT, "cannot open the directory %s: %s", path,
         strerror(errno));
  if (made)
    TRY(file_sync_parent(path));
  *fd = dir;
  dir = -1;
  return OK;
}

static err_t add_name(struct log_names *n, size_t *room, const struct log_name *name) {
  if (n->count == *room) {
    size_t more = *room ? 2 * *room : 64;
    struct log_name *p = mem_realloc(n->at, more * sizeof *p);
    if (!p)
      return ERR_NOMEM;
    n->at = p;
    *room = more;
  }
  n->at[n->count++] = *name;
  return OK;
}

static int by_number(const void *a, const void *b) {
  const struct log_name *x = a, *y = b;
  if (x->number != y->number)
    return x->number < y->number ? -1 : 1;
  return strcmp(x->text, y->text);
}

err_t log_names_list(int dir, const char *path, struct log_names *out) {
  AUTO_FD fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d AUTO(dir) = fd < 0 ? NULL : fdopendir(fd);
  if (!d)
    FAIL(ERR_INPUT, "cannot read the directory %s: %s", path, strerror(errno));
  fd = -1; /* it is d's now */
  AUTO_LOG_NAMES names = { 0 };
  struct log_name name;
  size_t room = 0;
  for (struct dirent *entry; errno = 0, (entry = readdir(d));)
    if (log_name_parse(entry->d_name, &name))
      TRY(add_name(&names, &room, &name));
  if (errno)
    FAIL(ERR_INPUT, "cannot read the directory %s: %s", path, strerror(errno));
  if (names.count)
    qsort(names.at, names.count, sizeof *names.at, by_number);
  *out = names;
  names = (struct log_names){ 0 };
  return OK;
}

err_t log_names_read(const char *dir, struct log_names *out) {
  AUTO_FD fd = -1;
  TRY(log_dir_open(dir, false, &fd));
  return log_names_list(fd, dir, out);
}

void log_names_free(struct log_names *n) {
  mem_free(n->at);
}

bool log_is_written(const char *dir) {
  AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  AUTO_FD lock = fd < 0 ? -1 : openat(fd, LOG_LOCK, O_RDONLY | O_CLOEXEC);
  return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}
