#include "cli/seal/output.h"

#include "base/file.h"
#include "crypto/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define TEMPORARY ".strongroom-tmp"
#define PARTIAL ".strongroom-part"
#define CLAIMS 100 /* of a name that others take and give back meanwhile */

struct output {
  struct output *before, *after; /* of those that are not finished; under the lock */
  char *target, *beside, *dir;   /* NULL: written directly */
  char *name;                    /* as it was given */
  int fd;
  dev_t dev;
  mode_t mode;
  bool force, partial, begun, is_file;
  bool keep; /* under the lock */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct output *unfinished;

static void enlist(struct output *o) {
  o->after = unfinished;
  if (unfinished)
    unfinished->before = o;
  unfinished = o;
}

static void delist(struct output *o) {
  if (o->before)
    o->before->after = o->after;
  else if (unfinished == o)
    unfinished = o->after;
  if (o->after)
    o->after->before = o->before;
  o->before = o->after = NULL;
}

bool outputs_abandon(void) {
  bool kept = false;
  pthread_mutex_lock(&lock); /* for good */
  for (struct output *o = unfinished; o; o = o->after)
    if (o->keep)
      kept = true;
    else
      unlink(o->beside);
  return kept;
}

/* --- names --- */

static size_t dir_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

/* Names have at most NAME_MAX bytes: of a long one the beginning, and a digest of all of it. */
static void put_short(const char *name, size_t room, struct buf *out) {
  uint8_t digest[SHA256_SIZE];
  size_t size = strlen(name);
  if (size <= room) {
    buf_put_str(out, name);
    return;
  }
  buf_put(out, name, room - 17);
  buf_put_char(out, '~');
  if (crypto_sha256(bytes_str(name), digest) != OK)
    out->failed = true;
  for (size_t i = 0; i < 8; i++)
    buf_printf(out, "%02x", digest[i]);
}

void output_beside(const char *path, const char *tag, struct buf *out) {
  size_t dir = dir_length(path), fixed = tag ? strlen(tag) + sizeof PARTIAL : sizeof TEMPORARY - 1;
  buf_put(out, path, dir);
  buf_put_char(out, '.');
  put_short(path + dir, NAME_MAX - 1 - fixed, out);
  if (tag)
    buf_printf(out, ".%s" PARTIAL, tag);
  else
    buf_put_str(out, TEMPORARY);
  IGNORE(buf_cstr(out) ? OK : ERR_NOMEM);
}

static err_t set_names(struct output *o, const char *target, const char *tag) {
  AUTO_BUF beside = BUF_EMPTY, dir = BUF_EMPTY;
  size_t n = dir_length(target);
  output_beside(target, tag, &beside);
  buf_put(&dir, n ? target : ".", n ? n : 1);
  const char *dir_text = buf_cstr(&dir), *beside_text = buf_cstr(&beside);
  if (!dir_text || !beside_text || !(o->dir = mem_strdup(dir_text)) ||
      !(o->beside = mem_strdup(beside_text)) || !(o->target = mem_strdup(target)))
    return ERR_NOMEM;
  return OK;
}

/* --- taking a name --- */

static err_t cannot_write(const char *path) {
  FAIL(ERR_OUTPUT, "cannot write %s: %s", path, strerror(errno));
}

/* What is under the name beside already: ours again if it is a partial output, else removed. The
 * lock tells whether somebody is at it. */
static err_t take_existing(struct output *o, int fd, bool *taken) {
  struct stat s, named;
  *taken = false;
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    FAIL(ERR_CONFLICT, "another run is writing %s", o->target);
  if (fstat(fd, &s) != 0)
    return cannot_write(o->beside);
  if (!S_ISREG(s.st_mode) || s.st_uid != geteuid())
    FAIL(ERR_CONFLICT, "%s is in the way", o->beside);
  /* Who had it may have finished it before it was locked: it has another name then, or none. */
  if (lstat(o->beside, &named) != 0 || named.st_dev != s.st_dev || named.st_ino != s.st_ino)
    return OK;
  if (!o->partial || s.st_nlink > 1 || (s.st_mode & 077)) {
    if (unlink(o->beside) != 0)
      return cannot_write(o->beside);
    return OK;
  }
  o->begun = s.st_size > 0;
  o->dev = s.st_dev;
  *taken = true;
  return OK;
}

/* A fresh file; another run may have taken it for one that was left behind, before it was locked.
 */
static bool lock_fresh(struct output *o, int fd) {
  struct stat s;
  bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
  if (!locked || fstat(fd, &s) != 0 || s.st_nlink == 0)
    return false;
  o->dev = s.st_dev;
  return true;
}

static err_t claim_once(struct output *o, bool *taken) {
  *taken = false;
  AUTO_FD fd = open(o->beside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0)
    *taken = lock_fresh(o, fd);
  else if (errno != EEXIST)
    return cannot_write(o->name);
  else {
    fd = open(o->beside, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
      return OK;
    if (fd < 0)
      FAIL(ERR_CONFLICT, "%s is in the way: %s", o->beside, strerror(errno));
    TRY(take_existing(o, fd, taken));
  }
  if (!*taken)
    return OK;
  o->fd = fd;
  fd = -1;
  enlist(o);
  return OK;
}

static err_t claim(struct output *o) {
  for (int i = 0; i < CLAIMS; i++) {
    bool taken;
    pthread_mutex_lock(&lock);
    err_t e = claim_once(o, &taken);
    pthread_mutex_unlock(&lock);
    if (e != OK || taken)
      return e;
  }
  FAIL(ERR_CONFLICT, "others are writing %s", o->target);
}

/* --- opening --- */

static err_t open_directly(struct output *o, const struct stat *s) {
  bool disk = S_ISBLK(s->st_mode);
  if (disk && !o->force)
    FAIL(ERR_CONFLICT, "%s is a disk: --force overwrites it", o->name);
  /* O_EXCL of a disk: not while it is mounted. */
  o->fd = open(o->name, O_WRONLY | O_NOCTTY | O_CLOEXEC | (disk ? O_EXCL : 0));
  return o->fd < 0 ? cannot_write(o->name) : OK;
}

static err_t open_file(struct output *o, const char *tag) {
  struct stat s;
  bool exists = stat(o->name, &s) == 0;
  if (exists && S_ISDIR(s.st_mode))
    FAIL(ERR_CONFLICT, "%s is a directory", o->name);
  if (exists && !S_ISREG(s.st_mode))
    return open_directly(o, &s);
  if (exists && !o->force)
    FAIL(ERR_CONFLICT, "%s is there already: --force replaces it", o->name);
  if (!exists && lstat(o->name, &s) == 0)
    FAIL(ERR_CONFLICT, "%s is a link to nothing", o->name);
  o->is_file = true;
  /* Through a link: the file behind it is replaced, not the link. */
  char *resolved = exists ? realpath(o->name, NULL) : NULL;
  err_t e = set_names(o, resolved ? resolved : o->name, tag);
  free(resolved);
  return e == OK ? claim(o) : e;
}

static void output_release(struct output *o) {
  mem_free(o->target);
  mem_free(o->beside);
  mem_free(o->dir);
  mem_free(o->name);
  mem_free(o);
}

void output_close(struct output *o) {
  pthread_mutex_lock(&lock);
  if (o->is_file && o->fd >= 0 && o->beside && !o->keep)
    unlink(o->beside);
  delist(o);
  pthread_mutex_unlock(&lock);
  if (o->fd > STDERR_FILENO)
    close(o->fd);
  output_release(o);
}

err_t output_open(const char *path, const struct output_options *options, struct output **out) {
  AUTO(output) struct output *o = mem_zalloc(sizeof *o);
  if (!o)
    return ERR_NOMEM;
  o->fd = -1;
  o->force = options->force;
  o->mode = options->mode;
  o->partial = options->part != NULL;
  bool to_stdout = strcmp(path, OUTPUT_STDOUT) == 0;
  if (!(o->name = mem_strdup(to_stdout ? "stdout" : path)))
    return ERR_NOMEM;
  if (to_stdout)
    o->fd = STDOUT_FILENO;
  else
    TRY(open_file(o, options->part));
  *out = TAKE(o);
  return OK;
}

int output_fd(const struct output *o) {
  return o->fd;
}

err_t output_write(struct output *o, struct bytes data) {
  while (data.size) {
    ssize_t n = write(o->fd, data.data, data.size);
    if (n < 0 && errno != EINTR)
      return cannot_write(o->name);
    if (n > 0)
      data = bytes_of(data.data + n, data.size - (size_t)n);
  }
  return OK;
}

bool output_is_file(const struct output *o) {
  return o->is_file;
}

bool output_has_begun(const struct output *o) {
  return o->begun;
}

const char *output_name(const struct output *o) {
  return o->name;
}

const char *output_dir(const struct output *o) {
  return o->dir;
}

void output_keep(struct output *o, bool keep) {
  pthread_mutex_lock(&lock);
  o->keep = keep && o->partial;
  pthread_mutex_unlock(&lock);
}

bool output_is_kept(const struct output *o) {
  return o->keep;
}

err_t output_restart(struct output *o) {
  o->begun = false;
  if (ftruncate(o->fd, 0) != 0 || lseek(o->fd, 0, SEEK_SET) != 0)
    return cannot_write(o->name);
  return OK;
}

/* --- finishing --- */

void output_write_back(const struct output *o) {
  if (o->is_file)
    IGNORE(sync_file_range(o->fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0 ? OK : ERR_IO);
}

err_t output_complete(struct output *o) {
  if (o->is_file && fchmod(o->fd, o->mode) != 0)
    return cannot_write(o->name);
  return OK;
}

err_t output_sync(struct output *o) {
  /* Pipes and terminals have nothing to sync. */
  if (fsync(o->fd) != 0 && (o->is_file || errno != EINVAL))
    return cannot_write(o->name);
  return OK;
}

dev_t output_dev(const struct output *o) {
  return o->dev;
}

/* Where syncfs() is known to be what fsync() is; FUSE, for one, does nothing then. */
err_t output_sync_all(const struct output *o) {
  static const unsigned long good[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                        F2FS_SUPER_MAGIC, TMPFS_MAGIC };
  struct statfs s;
  if (fstatfs(o->fd, &s) != 0)
    return cannot_write(o->name);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    if ((unsigned long)s.f_type == good[i])
      return syncfs(o->fd) == 0 ? OK : cannot_write(o->name);
  FAIL(ERR_OUTPUT, "%s: its file system is synced file by file", o->name);
}

static err_t already_there(const struct output *o) {
  FAIL(ERR_CONFLICT, "%s is there already: --force replaces it", o->name);
}

static err_t rename_over(const struct output *o) {
  struct stat s;
  if (!o->force) {
    if (renameat2(AT_FDCWD, o->beside, AT_FDCWD, o->target, RENAME_NOREPLACE) == 0)
      return OK;
    if (errno == EEXIST)
      return already_there(o);
    if (errno != EINVAL && errno != ENOSYS)
      return cannot_write(o->name);
    /* A file system that cannot promise it. */
    if (lstat(o->target, &s) == 0)
      return already_there(o);
  }
  return rename(o->beside, o->target) == 0 ? OK : cannot_write(o->name);
}

err_t output_publish(struct output *o) {
  if (!o->is_file)
    return OK;
  pthread_mutex_lock(&lock);
  err_t e = rename_over(o);
  if (e == OK) {
    delist(o);
    mem_free(TAKE(o->beside));
  }
  pthread_mutex_unlock(&lock);
  return e;
}

err_t output_sync_dir(const char *dir) {
  AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
    FAIL(ERR_OUTPUT, "it is there, but may not last: cannot sync %s: %s", dir, strerror(errno));
  return OK;
}

err_t output_finish(struct output *o) {
  TRY(output_complete(o));
  TRY(output_sync(o));
  TRY(output_publish(o));
  return o->dir ? output_sync_dir(o->dir) : OK;
}

/* --- partial outputs that nobody wants any more --- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static void forget_part(int dir, const char *name) {
  struct stat s;
  AUTO_FD fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) && s.st_uid == geteuid() &&
      flock(fd, LOCK_EX | LOCK_NB) == 0)
    unlinkat(dir, name, 0);
}

void output_forget_parts(const char *path, const char *tag) {
  static const char none[] = "0000000000000000"; /* as long as a tag */
  AUTO_BUF like = BUF_EMPTY, keep = BUF_EMPTY, dir_path = BUF_EMPTY;
  size_t n = dir_length(path);
  output_beside(path, none, &like);
  output_beside(path, tag ? tag : none, &keep);
  buf_put(&dir_path, n ? path : ".", n ? n : 1);
  const char *first = buf_cstr(&like), *kept = buf_cstr(&keep), *dir_name = buf_cstr(&dir_path);
  DIR *d = first && kept && dir_name ? opendir(dir_name) : NULL;
  if (!d)
    return;
  size_t size = like.size - n, before = size - (sizeof none - 1) - (sizeof PARTIAL - 1);
  for (struct dirent *e; (e = readdir(d));)
    if (strlen(e->d_name) == size && ends_with(e->d_name, PARTIAL) &&
        memcmp(e->d_name, first + n, before) == 0 && (!tag || strcmp(e->d_name, kept + n) != 0))
      forget_part(dirfd(d), e->d_name);
  closedir(d);
}
