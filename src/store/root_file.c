/* The provider "file": 32 random bytes in a file that only its owner may read. */
#include "base/file.h"
#include "store/root_provider.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static err_t check(struct bytes secret) {
  if (secret.size != ROOT_KEY_SIZE)
    FAIL(ERR_CONFIG, "a root key has %d bytes, not %zu", ROOT_KEY_SIZE, secret.size);
  return OK;
}

static err_t derive(struct bytes secret, struct bytes params, struct secret *key) {
  if (params.size)
    FAIL(ERR_CORRUPT, "the wrapped master key has parameters that its provider does not know");
  return crypto_hkdf(secret, "strongroom root: file", ROOT_KEY_SIZE, key);
}

const struct root_provider root_provider_file = { "file", check, NULL, derive };

static err_t write_key(int fd, const char *path) {
  AUTO_SECRET key = { 0 };
  TRY(secret_random(ROOT_KEY_SIZE, &key));
  ssize_t n = write(fd, key.data, key.size);
  if (n != ROOT_KEY_SIZE || fsync(fd) != 0)
    FAIL(ERR_IO, "cannot write %s: %s", path,
         n >= 0 && n < ROOT_KEY_SIZE ? "disk full" : strerror(errno));
  return OK;
}

/* Gives the finished file its name, which must not exist. Not by link() and unlink(): a crash in
 * between would leave the key under two names. */
static err_t publish(const char *beside, const char *path) {
  if (renameat2(AT_FDCWD, beside, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
    return file_sync_parent(path);
  if (errno == EEXIST)
    FAIL(ERR_CONFLICT, "%s exists", path);
  FAIL(ERR_IO, "cannot make %s: %s", path, strerror(errno));
}

/* Written beside its name and renamed, so that no half-written key is ever found there. */
err_t root_file_create(const char *path) {
  AUTO_BUF name = BUF_EMPTY;
  buf_printf(&name, "%s.XXXXXX", path);
  buf_put_char(&name, '\0');
  TRY(buf_ok(&name));
  char *beside = (char *)name.data;
  AUTO_FD fd = mkostemp(beside, O_CLOEXEC); /* 0600 */
  if (fd < 0)
    FAIL(ERR_IO, "cannot make %s: %s", path, strerror(errno));
  err_t e = write_key(fd, path);
  if (e == OK)
    e = publish(beside, path);
  if (e != OK)
    unlink(beside);
  return e;
}

err_t root_file_read(const char *path, struct secret *out) {
  struct stat st;
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us up */
  if (fd < 0 || fstat(fd, &st) != 0)
    FAIL(ERR_CONFIG, "cannot read %s: %s", path, strerror(errno));
  if (!S_ISREG(st.st_mode) || st.st_size != ROOT_KEY_SIZE)
    FAIL(ERR_CONFIG, "%s is not a file of %d bytes", path, ROOT_KEY_SIZE);
  if (st.st_uid != geteuid() && st.st_uid != 0)
    FAIL(ERR_CONFIG, "%s belongs to user %u: only its own or root's are trusted", path,
         (unsigned)st.st_uid);
  if (st.st_mode & 077)
    FAIL(ERR_CONFIG, "others may read or write %s (mode %03o): chmod 600 it", path,
         (unsigned)(st.st_mode & 0777));
  AUTO_SECRET key = { 0 };
  TRY(secret_new(ROOT_KEY_SIZE, &key));
  if (read(fd, key.data, key.size) != ROOT_KEY_SIZE)
    FAIL(ERR_CONFIG, "cannot read %s", path);
  *out = secret_take(&key);
  return OK;
}
