#include "cli/cert/files.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

void set_files(const struct cert_set *set, struct set_file out[static SET_FILES]) {
  const struct set_file files[SET_FILES] = {
    { "key.pem", 0600, secret_bytes(&set->key) },
    { "cert.pem", 0644, buf_bytes(&set->cert) },
    { "chain.pem", 0644, buf_bytes(&set->chain) },
    { "fullchain.pem", 0644, buf_bytes(&set->fullchain) },
    { "ca.pem", 0644, buf_bytes(&set->ca) },
  };
  memcpy(out, files, sizeof files);
}

static err_t fill(int fd, const char *path, const struct set_file *f) {
  TRY(file_write_fd(fd, path, f->text));
  if (fchmod(fd, f->mode) != 0 || fsync(fd) != 0)
    FAIL(ERR_CONFIG, "cannot write %s: %s", path, strerror(errno));
  return OK;
}

err_t set_file_write(int dir_fd, const char *dir, const char *name, const struct set_file *f) {
  AUTO_BUF path = BUF_EMPTY;
  buf_printf(&path, "%s/%s", dir, f->name);
  const char *shown = buf_cstr(&path);
  if (!shown)
    return ERR_NOMEM;
  AUTO_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    FAIL(ERR_CONFIG, "cannot write %s: %s", shown, strerror(errno));
  err_t e = fill(fd, shown, f);
  if (e != OK)
    unlinkat(dir_fd, name, 0);
  return e;
}

/* --- a plain directory --- */

#define BESIDE ".strongroom-new"

static void name_beside(const struct set_file *f, char out[static 64]) {
  snprintf(out, 64, "%s" BESIDE, f->name);
}

static void drop_beside(int fd, const struct set_file *files, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char beside[64];
    name_beside(&files[i], beside);
    unlinkat(fd, beside, 0);
  }
}

static err_t write_beside(int fd, const char *dir, const struct set_file *files, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char beside[64];
    name_beside(&files[i], beside);
    TRY(set_file_write(fd, dir, beside, &files[i]));
  }
  return OK;
}

static err_t rename_all(int fd, const char *dir, const struct set_file *files, size_t count) {
  for (size_t i = 0; i < count; i++) {
    char beside[64];
    name_beside(&files[i], beside);
    if (renameat(fd, beside, fd, files[i].name) != 0)
      FAIL(ERR_CONFIG, "cannot write %s/%s: %s", dir, files[i].name, strerror(errno));
  }
  return file_sync_dir(fd, dir);
}

err_t files_write_plain(const char *dir, const struct cert_set *set) {
  struct set_file all[SET_FILES], *files = all;
  size_t count = SET_FILES;
  set_files(set, all);
  if (set->key.size == 0) { /* the certificate alone is known */
    files = &all[1];
    count = 1;
  }
  if (mkdir(dir, 0755) == 0)
    IGNORE(file_sync_parent(dir));
  AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    FAIL(ERR_CONFIG, "cannot write to %s: %s", dir, strerror(errno));
  drop_beside(fd, files, count);
  err_t e = write_beside(fd, dir, files, count);
  if (e == OK)
    e = rename_all(fd, dir, files, count);
  if (e != OK)
    drop_beside(fd, files, count);
  return e;
}
