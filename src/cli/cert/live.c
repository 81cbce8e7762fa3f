/* A directory of certificate files that changes from one version to the next at once. */
#include "base/codec.h"
#include "base/file.h"
#include "cli/cert/files.h"
#include "crypto/x509.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define VERSIONS ".versions"
#define LIVE "live"
#define LIVE_NEXT ".live.next"
#define TOLD ".told"
#define FILE_MAX 65536u
#define PATH_ROOM (sizeof VERSIONS + LIVE_NAME_SIZE + 32)

static err_t fail_at(const struct cert_dir *d, const char *name, const char *what) {
  FAIL(ERR_CONFIG, "cannot %s %s/%s: %s", what, d->path, name, strerror(errno));
}

/* --- what is there --- */

/* "cert.pem" is a link to "live/cert.pem", or not there yet. */
static err_t check_link(const struct cert_dir *d, const char *name, bool *there) {
  char target[64], expected[64];
  snprintf(expected, sizeof expected, LIVE "/%s", name);
  ssize_t n = readlinkat(d->fd, name, target, sizeof target);
  *there = n >= 0;
  if (n < 0 && errno == ENOENT)
    return OK;
  if (n < 0 || !bytes_equal_str(bytes_of(target, (size_t)n), expected))
    FAIL(ERR_CONFLICT, "%s/%s is there and is not ours: move it away, or choose another directory",
         d->path, name);
  return OK;
}

static err_t check_links(const struct cert_dir *d, bool make) {
  struct set_file files[SET_FILES];
  static const struct cert_set nothing;
  set_files(&nothing, files);
  for (size_t i = 0; i < SET_FILES; i++) {
    char target[64];
    bool there;
    TRY(check_link(d, files[i].name, &there));
    snprintf(target, sizeof target, LIVE "/%s", files[i].name);
    if (make && !there && symlinkat(target, d->fd, files[i].name) != 0)
      return fail_at(d, files[i].name, "make the link");
  }
  return OK;
}

/* "<version>-<random>" */
static bool is_ours(struct bytes name) {
  if (name.size != LIVE_NAME_SIZE || name.data[CERT_VERSION_SIZE] != '-')
    return false;
  for (size_t i = 0; i < CERT_VERSION_SIZE; i++)
    if (hex_digit(name.data[i]) < 0)
      return false;
  return !memchr(name.data, '/', name.size);
}

static err_t read_live(const struct cert_dir *d, const char *file, struct buf *out) {
  AUTO_BUF path = BUF_EMPTY;
  buf_printf(&path, "%s/" LIVE "/%s", d->path, file);
  if (!buf_cstr(&path))
    return ERR_NOMEM;
  return file_read((const char *)path.data, FILE_MAX, out);
}

/* Every file is there, and the key is the certificate's. */
static err_t check_whole(const struct cert_dir *d) {
  struct set_file files[SET_FILES];
  static const struct cert_set nothing;
  AUTO_BUF cert = BUF_EMPTY, key = BUF_EMPTY, other = BUF_EMPTY, der = BUF_EMPTY;
  AUTO(key) struct key *k = NULL;
  set_files(&nothing, files);
  for (size_t i = 0; i < SET_FILES; i++)
    TRY(read_live(d, files[i].name, &other));
  TRY(read_live(d, "cert.pem", &cert));
  TRY(read_live(d, "key.pem", &key));
  TRY(x509_from_pem(buf_bytes(&cert), &der));
  TRY(key_from_pem(buf_bytes(&key), &k));
  return cert_matches_key(buf_bytes(&der), k);
}

static err_t find_live(struct cert_dir *d) {
  char target[PATH_ROOM];
  ssize_t n = readlinkat(d->fd, LIVE, target, sizeof target);
  if (n < 0 && errno == ENOENT)
    return OK;
  struct bytes name = n < 0 ? bytes_str("") : bytes_of(target, (size_t)n);
  if (!bytes_starts(name, VERSIONS "/"))
    FAIL(ERR_CONFLICT, "%s/" LIVE " is not ours: move it away, or choose another directory",
         d->path);
  name = bytes_of(name.data + sizeof VERSIONS, name.size - sizeof VERSIONS);
  if (!is_ours(name) || check_whole(d) != OK)
    return OK; /* it is written again */
  return bytes_to_cstr(name, d->live, sizeof d->live);
}

/* --- opening --- */

static err_t open_dir(const char *path, int at, const char *name, int *out) {
  bool made = mkdirat(at, name, 0755) == 0;
  *out = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*out < 0)
    FAIL(ERR_CONFIG, "cannot open the directory %s: %s", path, strerror(errno));
  if (made) /* the umask is for what is nobody else's business; certificates are */
    fchmod(*out, 0755);
  return OK;
}

err_t cert_dir_open(const char *path, struct cert_dir *out) {
  AUTO_CERT_DIR d = CERT_DIR_CLOSED;
  d.path = path;
  TRY(open_dir(path, AT_FDCWD, path, &d.fd));
  if (flock(d.fd, LOCK_EX | LOCK_NB) != 0)
    FAIL(ERR_CONFLICT, "another 'strongroom cert issue' keeps the files in %s", path);
  if (faccessat(d.fd, ".", W_OK, AT_EACCESS) != 0)
    FAIL(ERR_CONFIG, "cannot write to %s: %s", path, strerror(errno));
  TRY(check_links(&d, false));
  TRY(open_dir(path, d.fd, VERSIONS, &d.versions));
  TRY(find_live(&d));
  *out = d;
  d = CERT_DIR_CLOSED;
  return OK;
}

void cert_dir_close(struct cert_dir *d) {
  if (d->versions >= 0)
    close(d->versions);
  if (d->fd >= 0)
    close(d->fd);
}

bool cert_dir_has(const struct cert_dir *d, const char *version) {
  return *d->live && memcmp(d->live, version, CERT_VERSION_SIZE) == 0;
}

/* --- changing --- */

static void remove_version(const struct cert_dir *d, const char *name) {
  struct set_file files[SET_FILES];
  static const struct cert_set nothing;
  set_files(&nothing, files);
  AUTO_FD fd = openat(d->versions, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  for (size_t i = 0; fd >= 0 && i < SET_FILES; i++)
    unlinkat(fd, files[i].name, 0);
  if (fd >= 0)
    unlinkat(fd, TOLD, 0);
  unlinkat(d->versions, name, AT_REMOVEDIR);
}

/* All but what is live and what was so before. */
static void remove_others(const struct cert_dir *d, const char *before) {
  int copy = openat(d->versions, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
  struct dirent *entry;
  if (!list)
    return;
  while ((entry = readdir(list)))
    if (is_ours(bytes_str(entry->d_name)) && strcmp(entry->d_name, d->live) != 0 &&
        strcmp(entry->d_name, before) != 0)
      remove_version(d, entry->d_name);
  closedir(list);
}

static err_t write_version(const struct cert_dir *d, const char *name, const struct cert_set *set) {
  struct set_file files[SET_FILES];
  AUTO_FD fd = openat(d->versions, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fail_at(d, VERSIONS, "open");
  set_files(set, files);
  for (size_t i = 0; i < SET_FILES; i++)
    TRY(set_file_write(fd, d->path, files[i].name, &files[i]));
  if (fchmod(fd, 0755) != 0)
    return fail_at(d, VERSIONS, "open");
  TRY(file_sync_dir(fd, d->path));
  return file_sync_dir(d->versions, d->path);
}

static err_t make_live(const struct cert_dir *d, const char *name) {
  char target[PATH_ROOM];
  snprintf(target, sizeof target, VERSIONS "/%s", name);
  TRY(check_links(d, true));
  unlinkat(d->fd, LIVE_NEXT, 0);
  if (symlinkat(target, d->fd, LIVE_NEXT) != 0)
    return fail_at(d, LIVE_NEXT, "make the link");
  if (renameat(d->fd, LIVE_NEXT, d->fd, LIVE) != 0)
    return fail_at(d, LIVE, "change the link");
  return OK;
}

/* mkdtemp(), below an open directory. */
static err_t make_version(const struct cert_dir *d, const char *version,
                          char name[static LIVE_NAME_SIZE + 1]) {
  uint8_t random[3];
  char hex[7];
  TRY(crypto_random(random, sizeof random));
  hex_encode(bytes_of(random, sizeof random), hex);
  snprintf(name, LIVE_NAME_SIZE + 1, "%s-%s", version, hex);
  if (mkdirat(d->versions, name, 0700) != 0)
    return fail_at(d, VERSIONS, "write to");
  return OK;
}

err_t cert_dir_put(struct cert_dir *d, const struct cert_set *set) {
  char name[LIVE_NAME_SIZE + 1], before[sizeof d->live];
  TRY(make_version(d, set->version, name));
  err_t e = write_version(d, name, set);
  if (e == OK)
    e = make_live(d, name);
  if (e != OK) {
    remove_version(d, name);
    return e;
  }
  memcpy(before, d->live, sizeof before);
  memcpy(d->live, name, sizeof d->live);
  remove_others(d, before);
  return file_sync_dir(d->fd, d->path);
}

static void told_path(const struct cert_dir *d, char out[static PATH_ROOM]) {
  snprintf(out, PATH_ROOM, "%s/" TOLD, d->live);
}

bool cert_dir_told(const struct cert_dir *d) {
  char path[PATH_ROOM];
  told_path(d, path);
  return faccessat(d->versions, path, F_OK, 0) == 0;
}

err_t cert_dir_mark_told(const struct cert_dir *d) {
  char path[PATH_ROOM];
  told_path(d, path);
  AUTO_FD fd = openat(d->versions, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail_at(d, TOLD, "write");
  return OK;
}
