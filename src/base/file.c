#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

err_t file_read_fd(int fd, const char *name, size_t max, struct buf *out) {
  size_t start = out->size;
  for (;;) {
    if (!buf_reserve(out, 4096))
      return ERR_NOMEM;
    ssize_t n = read(fd, out->data + out->size, 4096);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_CONFIG, "cannot read %s: %s", name, strerror(errno));
    if (n == 0)
      return OK;
    out->size += (size_t)n;
    if (out->size - start > max)
      FAIL(ERR_CONFIG, "%s has more than %zu bytes", name, max);
  }
}

err_t file_read(const char *path, size_t max, struct buf *out) {
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    FAIL(ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
  return file_read_fd(fd, path, max, out);
}

err_t file_write_fd(int fd, const char *name, struct bytes data) {
  while (data.size) {
    ssize_t n = write(fd, data.data, data.size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_CONFIG, "cannot write %s: %s", name, strerror(errno));
    data = bytes_of(data.data + n, data.size - (size_t)n);
  }
  return OK;
}

err_t file_sync_dir(int fd, const char *path) {
  if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: this file system has no such thing */
    FAIL(ERR_IO, "cannot sync the directory %s: %s", path, strerror(errno));
  return OK;
}

err_t file_sync_parent(const char *path) {
  AUTO_FREE char *copy = mem_strdup(path);
  if (!copy)
    return ERR_NOMEM;
  const char *parent = dirname(copy);
  AUTO_FD fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    FAIL(ERR_IO, "cannot open the directory %s: %s", parent, strerror(errno));
  return file_sync_dir(fd, parent);
}

static err_t write_synced(int fd, const char *path, struct bytes data) {
  TRY(file_write_fd(fd, path, data));
  if (fsync(fd) != 0)
    FAIL(ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
  return OK;
}

err_t file_write_private(const char *path, struct bytes data) {
  AUTO_BUF beside = BUF_EMPTY;
  buf_printf(&beside, "%s.XXXXXX", path);
  buf_put_char(&beside, '\0');
  TRY(buf_ok(&beside));
  char *tmp = (char *)beside.data;
  AUTO_FD fd = mkostemp(tmp, O_CLOEXEC); /* 0600 */
  if (fd < 0)
    FAIL(ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
  err_t e = write_synced(fd, path, data);
  if (e == OK && rename(tmp, path) != 0)
    e = err_fail(ERR_CONFIG, __FILE__, __LINE__, "cannot write %s: %s", path, strerror(errno));
  if (e != OK) {
    unlink(tmp);
    return e;
  }
  return file_sync_parent(path);
}
