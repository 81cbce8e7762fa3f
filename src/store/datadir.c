#include "store/datadir.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

static err_t make(const char *path) {
  if (mkdir(path, 0700) == 0)
    return file_sync_parent(path);
  if (errno != EEXIST)
    FAIL(ERR_IO, "cannot make the directory %s: %s", path, strerror(errno));
  return OK;
}

static err_t check(int fd, const char *path) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    FAIL(ERR_IO, "cannot look at %s: %s", path, strerror(errno));
  if (st.st_uid != geteuid() && st.st_uid != 0)
    FAIL(ERR_CONFIG, "%s belongs to user %u: its owner can replace what is in it", path,
         (unsigned)st.st_uid);
  if (st.st_mode & (S_IWGRP | S_IWOTH))
    FAIL(ERR_CONFIG, "others may write to %s (mode %03o): chmod go-w it", path,
         (unsigned)(st.st_mode & 0777));
  return OK;
}

static err_t lock(const char *path, struct datadir *d) {
  d->lock = openat(d->fd, "vault.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (d->lock < 0)
    FAIL(ERR_IO, "cannot write to %s: %s", path, strerror(errno));
  if (flock(d->lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      FAIL(ERR_CONFLICT, "another process serves %s", path);
    FAIL(ERR_IO, "cannot lock %s/vault.lock: %s", path, strerror(errno));
  }
  return OK;
}

static err_t open_locked(const char *path, struct datadir *d) {
  TRY(make(path));
  d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (d->fd < 0)
    FAIL(ERR_IO, "cannot open the directory %s: %s", path, strerror(errno));
  TRY(check(d->fd, path));
  return lock(path, d);
}

err_t datadir_open(const char *path, struct datadir *out) {
  struct datadir d = DATADIR_NONE;
  err_t e = open_locked(path, &d);
  if (e != OK)
    datadir_close(&d);
  else
    *out = d;
  return e;
}

void datadir_close(struct datadir *d) {
  if (d->lock >= 0)
    close(d->lock);
  if (d->fd >= 0)
    close(d->fd);
  *d = DATADIR_NONE;
}
