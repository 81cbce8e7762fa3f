#include "cli/core/dir.h"

#include "base/clock.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_FILE "lock"
#define NAME_MAX_SIZE 48

struct core_dir {
  int fd, lock;
  char *path;
};

static const char *const suffixes[] = {
  [CORE_PART_CORE] = ".core.sealed",
  [CORE_PART_INFO] = ".info.sealed",
};

static void name_of(uint64_t number, enum core_part part, char out[static NAME_MAX_SIZE]) {
  snprintf(out, NAME_MAX_SIZE, "%06llu%s", (unsigned long long)number, suffixes[part]);
}

void core_context(uint64_t number, enum core_part part, struct buf *out) {
  buf_printf(out, "strongroom core%s %llu", part == CORE_PART_INFO ? " info" : "",
             (unsigned long long)number);
}

err_t core_number_parse(const char *text, uint64_t *out) {
  if (bytes_to_u64(bytes_str(text), INT64_MAX, out) != OK)
    FAIL(ERR_USAGE, "'%s' is no number of a core: 'strongroom core list' shows them", text);
  return OK;
}

void core_dir_close(struct core_dir *d) {
  file_close(&d->fd);
  file_close(&d->lock);
  mem_free(d->path);
  mem_free(d);
}

err_t core_dir_open(const char *path, struct core_dir **out) {
  struct stat s;
  AUTO(core_dir) struct core_dir *d = mem_zalloc(sizeof *d);
  if (!d)
    return ERR_NOMEM;
  d->lock = -1;
  d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!(d->path = mem_strdup(path)))
    return ERR_NOMEM;
  if (d->fd < 0 || fstat(d->fd, &s) != 0)
    FAIL(ERR_CONFIG, "cannot open the directory %s: %s", path, strerror(errno));
  if (s.st_uid != geteuid() || (s.st_mode & 077))
    FAIL(ERR_CONFIG, "%s must belong to this user alone, mode 0700", path);
  *out = TAKE(d);
  return OK;
}

err_t core_make_parents(const char *path) {
  AUTO_FREE char *copy = mem_strdup(path);
  if (!copy)
    return ERR_NOMEM;
  for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
    *p = '\0';
    bool made = mkdir(copy, 0755) == 0;
    if ((!made && errno != EEXIST) || (made && chmod(copy, 0755) != 0)) /* whatever the umask */
      FAIL(ERR_CONFIG, "cannot make the directory %s: %s", copy, strerror(errno));
    *p = '/';
  }
  return OK;
}

err_t core_dir_make(const char *path) {
  AUTO(core_dir) struct core_dir *d = NULL;
  AUTO_FD fd = -1;
  if (path[0] != '/')
    FAIL(ERR_USAGE, "--dir: the kernel's helper starts in /; give the whole path, not '%s'", path);
  TRY(core_make_parents(path));
  if (mkdir(path, 0700) != 0 && errno != EEXIST)
    FAIL(ERR_CONFIG, "cannot make the directory %s: %s", path, strerror(errno));
  TRY(core_dir_open(path, &d));
  return core_dir_file(d, &fd);
}

static err_t open_lock(struct core_dir *d) {
  if (d->lock < 0)
    d->lock = openat(d->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (d->lock < 0)
    FAIL(ERR_OUTPUT, "cannot open %s/" LOCK_FILE ": %s", d->path, strerror(errno));
  return OK;
}

static int lock_byte(struct core_dir *d, off_t byte, short type, int how) {
  struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
  int bad;
  while ((bad = fcntl(d->lock, how, &l)) != 0 && errno == EINTR)
    ;
  return bad;
}

static err_t lock_changes(struct core_dir *d) {
  TRY(open_lock(d));
  if (lock_byte(d, 0, F_WRLCK, F_OFD_SETLKW) != 0)
    FAIL(ERR_OUTPUT, "cannot lock %s: %s", d->path, strerror(errno));
  return OK;
}

static void unlock_changes(struct core_dir *d) {
  lock_byte(d, 0, F_UNLCK, F_OFD_SETLK);
}

static bool take_place(struct core_dir *d, unsigned at_once) {
  for (unsigned i = 1; i <= at_once; i++)
    if (lock_byte(d, (off_t)i, F_WRLCK, F_OFD_SETLK) == 0)
      return true;
  return false;
}

err_t core_dir_enter(struct core_dir *d, unsigned at_once, unsigned seconds) {
  const struct timespec pause = { 0, 50000000 };
  uint64_t end = clock_mono_us() + (uint64_t)seconds * 1000000;
  TRY(open_lock(d));
  while (!take_place(d, at_once)) {
    if (clock_mono_us() >= end)
      FAIL(ERR_BUSY, "%u others were being sealed for %u s", at_once, seconds);
    nanosleep(&pause, NULL);
  }
  return OK;
}

/* Parses a file's name; false for what is no part of a core. */
static bool read_name(const char *name, uint64_t *number, enum core_part *part) {
  struct bytes digits, rest = bytes_split(bytes_str(name), '.', &digits);
  char again[NAME_MAX_SIZE];
  if (!rest.data || bytes_to_u64(digits, INT64_MAX, number) != OK)
    return false;
  for (unsigned i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    name_of(*number, i, again);
    *part = i;
    if (strcmp(name, again) == 0)
      return true;
  }
  return false;
}

/* Calls each for every part of a core, in no order. */
typedef err_t each_part(void *ctx, struct core_dir *d, uint64_t number, enum core_part part,
                        const struct stat *s);
static err_t walk(struct core_dir *d, each_part *each, void *ctx) {
  err_t e = OK;
  struct dirent *entry;
  int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = fd < 0 ? NULL : fdopendir(fd);
  if (!list) {
    file_close(&fd);
    FAIL(ERR_INPUT, "cannot list %s: %s", d->path, strerror(errno));
  }
  while (e == OK && (entry = readdir(list))) {
    uint64_t number;
    enum core_part part;
    struct stat s;
    if (read_name(entry->d_name, &number, &part) &&
        fstatat(d->fd, entry->d_name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(s.st_mode))
      e = each(ctx, d, number, part, &s);
  }
  closedir(list);
  return e;
}

static err_t see_number(void *ctx, struct core_dir *d, uint64_t number, enum core_part part,
                        const struct stat *s) {
  uint64_t *highest = ctx;
  if (number > *highest)
    *highest = number;
  return OK;
}

static err_t next_number(struct core_dir *d, uint64_t *number) {
  char text[24] = "";
  uint64_t last = 0, seen = 0;
  ssize_t n = pread(d->lock, text, sizeof text - 1, 0);
  if (n > 0)
    IGNORE(bytes_to_u64(bytes_of(text, (size_t)n), INT64_MAX, &last)); /* else: what is there */
  TRY(walk(d, see_number, &seen));
  *number = (seen > last ? seen : last) + 1;
  n = snprintf(text, sizeof text, "%llu", (unsigned long long)*number);
  if (pwrite(d->lock, text, (size_t)n, 0) != n)
    FAIL(ERR_OUTPUT, "cannot write %s/" LOCK_FILE ": %s", d->path, strerror(errno));
  return OK;
}

err_t core_dir_reserve(struct core_dir *d, uint64_t *number) {
  TRY(lock_changes(d));
  err_t e = next_number(d, number);
  unlock_changes(d);
  return e;
}

err_t core_dir_file(struct core_dir *d, int *fd) {
  *fd = openat(d->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (*fd < 0)
    FAIL(ERR_OUTPUT, "cannot make a file without a name in %s: %s", d->path, strerror(errno));
  return OK;
}

static err_t give_name(struct core_dir *d, int fd, uint64_t number, enum core_part part) {
  char name[NAME_MAX_SIZE], source[32];
  name_of(number, part, name);
  snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
  if (linkat(AT_FDCWD, source, d->fd, name, AT_SYMLINK_FOLLOW) != 0)
    FAIL(ERR_OUTPUT, "cannot write %s/%s: %s", d->path, name, strerror(errno));
  return OK;
}

static void remove_parts(struct core_dir *d, uint64_t number) {
  char name[NAME_MAX_SIZE];
  for (unsigned i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    name_of(number, i, name);
    unlinkat(d->fd, name, 0);
  }
}

struct found {
  struct core_entry *entries;
  size_t count, room;
};

/* An entry for each part; list_all() makes one of both. */
static err_t see_part(void *ctx, struct core_dir *d, uint64_t number, enum core_part part,
                      const struct stat *s) {
  struct found *f = ctx;
  if (f->count == f->room) {
    size_t room = f->room ? 2 * f->room : 32;
    struct core_entry *more = mem_realloc(f->entries, room * sizeof *more);
    if (!more)
      return ERR_NOMEM;
    f->entries = more;
    f->room = room;
  }
  f->entries[f->count++] = (struct core_entry){
    .number = number,
    .size = (uint64_t)s->st_blocks * 512,
    .time = part == CORE_PART_CORE ? s->st_mtime : 0,
  };
  return OK;
}

static int by_number(const void *a, const void *b) {
  const struct core_entry *x = a, *y = b;
  return x->number < y->number ? -1 : x->number > y->number;
}

/* With what a crash left behind: an info alone has no time. */
static err_t list_all(struct core_dir *d, struct found *f) {
  TRY(walk(d, see_part, f));
  struct core_entry *e = f->entries;
  size_t kept = 0;
  if (f->count)
    qsort(e, f->count, sizeof *e, by_number);
  for (size_t i = 0; i < f->count; i++) {
    if (kept && e[kept - 1].number == e[i].number) {
      e[kept - 1].size += e[i].size;
      e[kept - 1].time += e[i].time;
    } else
      e[kept++] = e[i];
  }
  f->count = kept;
  return OK;
}

static void free_found(struct found *f) {
  mem_free(f->entries);
}

err_t core_dir_list(struct core_dir *d, struct core_entry **out, size_t *count) {
  __attribute__((cleanup(free_found))) struct found f = { 0 };
  size_t kept = 0;
  TRY(list_all(d, &f));
  for (size_t i = 0; i < f.count; i++)
    if (f.entries[i].time)
      f.entries[kept++] = f.entries[i];
  *count = kept;
  *out = TAKE(f.entries);
  return OK;
}

static err_t trim(struct core_dir *d, uint64_t newest, uint64_t keep_total, size_t *removed) {
  __attribute__((cleanup(free_found))) struct found f = { 0 };
  uint64_t total = 0;
  TRY(list_all(d, &f));
  for (size_t i = 0; i < f.count; i++)
    total += f.entries[i].size;
  for (size_t i = 0; i < f.count; i++) {
    const struct core_entry *e = &f.entries[i];
    if (e->number == newest || (e->time && total <= keep_total))
      continue;
    remove_parts(d, e->number);
    total -= e->size;
    *removed += e->time != 0;
  }
  return OK;
}

/* Both names under the lock: an info whose core is not there yet must not look like a leftover. */
static err_t add(struct core_dir *d, uint64_t number, int core, int info) {
  err_t e = give_name(d, info, number, CORE_PART_INFO);
  if (e == OK)
    e = give_name(d, core, number, CORE_PART_CORE);
  if (e == OK && fsync(d->fd) != 0)
    e = err_fail(ERR_OUTPUT, __FILE__, __LINE__, "cannot sync %s: %s", d->path, strerror(errno));
  if (e != OK)
    remove_parts(d, number);
  return e;
}

err_t core_dir_add(struct core_dir *d, uint64_t number, int core, int info, uint64_t keep_total,
                   size_t *removed) {
  *removed = 0;
  if (fsync(core) != 0 || fsync(info) != 0)
    FAIL(ERR_OUTPUT, "cannot write in %s: %s", d->path, strerror(errno));
  TRY(lock_changes(d));
  err_t e = add(d, number, core, info);
  if (e == OK)
    e = trim(d, number, keep_total, removed);
  unlock_changes(d);
  return e;
}

err_t core_dir_part(struct core_dir *d, uint64_t number, enum core_part part, int *fd) {
  char name[NAME_MAX_SIZE];
  name_of(number, part, name);
  *fd = openat(d->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (*fd < 0 && errno == ENOENT)
    FAIL(ERR_NOT_FOUND, "there is no core %llu in %s", (unsigned long long)number, d->path);
  if (*fd < 0)
    FAIL(ERR_INPUT, "cannot open %s/%s: %s", d->path, name, strerror(errno));
  return OK;
}

err_t core_dir_remove(struct core_dir *d, uint64_t number) {
  AUTO_FD fd = -1;
  TRY(core_dir_part(d, number, CORE_PART_CORE, &fd));
  TRY(lock_changes(d));
  remove_parts(d, number);
  unlock_changes(d);
  return OK;
}
