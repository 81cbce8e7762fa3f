#include "vault/audit_file.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define DIGITS 16
#define SUFFIX ".log"
#define LOAD_MAX 65536

static inline void dir_close(DIR *d) {
  closedir(d);
}
CLEANUP(dir, DIR *, dir_close)

static bool may_pass(int number) {
  return number == ENOSPC || number == EDQUOT || number == EFBIG || number == EMFILE ||
         number == ENFILE;
}

static err_t write_failed(const char *name, const char *what) {
  int number = errno;
  err_t e = may_pass(number) ? ERR_BUSY : ERR_IO;
  return err_fail(e, __FILE__, __LINE__, "audit log, %s: %s: %s", name, what, strerror(number));
}

struct audit_name audit_file_name(uint64_t first) {
  struct audit_name n;
  snprintf(n.text, sizeof n.text, "%0*llu" SUFFIX, DIGITS, (unsigned long long)first);
  return n;
}

err_t audit_dir_open(const char *dir, int *fd) {
  *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (*fd < 0)
    FAIL(ERR_IO, "audit log: %s: %s", dir, strerror(errno));
  return OK;
}

static bool is_log_file(const char *name, uint64_t *first) {
  struct bytes n = bytes_str(name);
  return n.size == DIGITS + sizeof SUFFIX - 1 && strcmp(name + DIGITS, SUFFIX) == 0 &&
         bytes_to_u64(bytes_of(name, DIGITS), UINT64_MAX, first) == OK && *first > 0;
}

static err_t add_file(struct audit_files *f, size_t *room, uint64_t first) {
  if (f->count == *room) {
    size_t more = *room ? 2 * *room : 64;
    uint64_t *p = mem_realloc(f->first, more * sizeof *p);
    if (!p)
      return ERR_NOMEM;
    f->first = p;
    *room = more;
  }
  f->first[f->count++] = first;
  return OK;
}

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

err_t audit_files_list(int dir, struct audit_files *out) {
  AUTO_FD fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *d AUTO(dir) = fd < 0 ? NULL : fdopendir(fd);
  if (!d)
    FAIL(ERR_IO, "audit log: the directory cannot be read: %s", strerror(errno));
  fd = -1; /* it is d's now */
  AUTO_FILES files = { 0 };
  size_t room = 0;
  uint64_t first;
  for (struct dirent *entry; errno = 0, (entry = readdir(d));)
    if (is_log_file(entry->d_name, &first))
      TRY(add_file(&files, &room, first));
  if (errno)
    FAIL(ERR_IO, "audit log: the directory cannot be read: %s", strerror(errno));
  if (files.count)
    qsort(files.first, files.count, sizeof *files.first, by_number);
  *out = files;
  files = (struct audit_files){ 0 };
  return OK;
}

void audit_files_free(struct audit_files *f) {
  mem_free(f->first);
}

err_t audit_load(int dir, const char *name, struct buf *out) {
  AUTO_FD fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT)
    FAIL(ERR_NOT_FOUND, "audit log, %s: it is not there", name);
  if (fd < 0)
    FAIL(ERR_IO, "audit log, %s: %s", name, strerror(errno));
  uint8_t part[4096];
  for (;;) {
    ssize_t n = read(fd, part, sizeof part);
    if (n == 0)
      return buf_ok(out);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_IO, "audit log, %s: %s", name, strerror(errno));
    if (out->size + (size_t)n > LOAD_MAX)
      FAIL(ERR_CORRUPT, "audit log, %s: it is longer than it can be", name);
    buf_put(out, part, (size_t)n);
  }
}

err_t audit_head_read(struct bytes b, const struct key *public_key, struct audit_head *out) {
  struct audit_entry e;
  struct audit_head h;
  bool good = false, whole = false;
  if (b.size == AUDIT_HEAD_SIZE && audit_entry_get(b, &e, &whole) == OK && whole &&
      e.kind == AUDIT_HEAD) {
    audit_head_get(&e, &h);
    TRY(audit_head_check(&h, public_key, &good));
  }
  if (!good)
    FAIL(ERR_CORRUPT, "the head file was not signed with the log's key");
  *out = h;
  return OK;
}

err_t audit_head_load(int dir, const struct key *public_key, struct audit_head *out) {
  AUTO_BUF b = BUF_EMPTY;
  TRY(audit_load(dir, AUDIT_HEAD_FILE, &b));
  return audit_head_read(buf_bytes(&b), public_key, out);
}

static err_t write_all(int fd, struct bytes b, uint64_t offset, const char *name) {
  while (b.size) {
    ssize_t n = pwrite(fd, b.data, b.size, (off_t)offset);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return write_failed(name, "write");
    b = bytes_of(b.data + n, b.size - (size_t)n);
    offset += (uint64_t)n;
  }
  return OK;
}

err_t audit_store(int dir, const char *name, struct bytes content, bool sync) {
  char temporary[40];
  snprintf(temporary, sizeof temporary, "%s.new", name);
  AUTO_FD fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return write_failed(name, "create");
  TRY(write_all(fd, content, 0, name));
  if (sync && fsync(fd) != 0)
    return write_failed(name, "fsync");
  if (renameat(dir, temporary, dir, name) != 0)
    return write_failed(name, "rename");
  if (sync && fsync(dir) != 0)
    return write_failed(name, "fsync of its directory");
  return OK;
}

err_t audit_file_create(int dir, struct audit_tip *tip, bool sync, struct audit_file *out) {
  struct audit_header h = { .first = tip->last + 1, .created_us = clock_now_us() };
  memcpy(h.before, tip->chain, AUDIT_CHAIN);
  AUTO_BUF b = BUF_EMPTY;
  TRY(audit_header_put(&h, &b));
  struct audit_name name = audit_file_name(h.first);
  TRY(audit_store(dir, name.text, buf_bytes(&b), sync));
  int fd = openat(dir, name.text, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return write_failed(name.text, "open");
  *out = (struct audit_file){
    .fd = fd, .first = h.first, .size = AUDIT_HEADER_SIZE, .created_us = h.created_us
  };
  memcpy(tip->chain, h.chain, AUDIT_CHAIN);
  return OK;
}

err_t audit_file_append(struct audit_file *f, struct bytes b, bool sync) {
  TRY(write_all(f->fd, b, f->size, audit_file_name(f->first).text));
  if (sync && fdatasync(f->fd) != 0)
    return write_failed(audit_file_name(f->first).text, "fdatasync");
  f->size += b.size;
  return OK;
}

err_t audit_file_undo(struct audit_file *f) {
  if (ftruncate(f->fd, (off_t)f->size) != 0)
    FAIL(ERR_IO, "audit log, %s: cut: %s", audit_file_name(f->first).text, strerror(errno));
  return OK;
}
