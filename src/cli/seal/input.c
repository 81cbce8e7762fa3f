#include "cli/seal/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define LIST_STEP 65536u
#define LIST_NAME_MAX (1u << 20) /* far beyond what the system takes */

/* Whose name is told with it. */
static err_t cannot_read(void) {
  FAIL(ERR_INPUT, "cannot be read: %s", strerror(errno));
}

/* Of a disk fstat() does not say the size; the place in it stays what it was. */
static uint64_t disk_size(int fd) {
  off_t at = lseek(fd, 0, SEEK_CUR), end = at < 0 ? -1 : lseek(fd, 0, SEEK_END);
  if (end < 0 || lseek(fd, at, SEEK_SET) < 0)
    return 0;
  return (uint64_t)end;
}

err_t input_open(const char *path, struct input *out) {
  AUTO_INPUT in = { .fd = STDIN_FILENO, .name = path ? path : "stdin" };
  if (path)
    in.fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (in.fd < 0 && errno == ENOENT && path && strchr(path, '\n'))
    FAIL(ERR_INPUT, "there is no such file; names in a list end with a NUL: find -print0");
  if (in.fd < 0 || fstat(in.fd, &in.stat) != 0)
    return cannot_read();
  if (S_ISDIR(in.stat.st_mode))
    FAIL(ERR_INPUT, "is a directory: name files; tar -c DIR | strongroom seal .. seals all of it");
  in.is_file = S_ISREG(in.stat.st_mode) && (path || lseek(in.fd, 0, SEEK_CUR) == 0);
  if (in.is_file)
    in.size = (uint64_t)in.stat.st_size;
  else if (S_ISBLK(in.stat.st_mode))
    in.size = disk_size(in.fd);
  *out = in;
  in.fd = -1;
  return OK;
}

void input_close(struct input *in) {
  if (in->fd > STDERR_FILENO)
    close(in->fd);
  in->fd = -1;
}

err_t input_read(const struct input *in, size_t max, struct buf *out) {
  size_t end = out->size + max;
  if (!buf_reserve(out, max))
    return ERR_NOMEM;
  while (out->size < end) {
    ssize_t n = read(in->fd, out->data + out->size, end - out->size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return cannot_read();
    if (n == 0)
      return OK;
    out->size += (size_t)n;
  }
  return OK;
}

err_t names_open(const struct args *a, struct names *out) {
  *out = NAMES_CLOSED;
  out->args = a;
  const char *list = args_value(a, "files-from");
  if (!list)
    return OK;
  out->list = strcmp(list, "-") == 0 ? STDIN_FILENO : open(list, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  return out->list < 0 ? cannot_read() : OK;
}

static void close_list(struct names *n) {
  if (n->list > STDERR_FILENO)
    close(n->list);
  n->list = -1;
}

void names_close(struct names *n) {
  close_list(n);
  buf_free(&n->text);
}

static err_t read_list(struct names *n) {
  buf_drop(&n->text, n->used);
  n->used = 0;
  if (!buf_reserve(&n->text, LIST_STEP))
    return ERR_NOMEM;
  ssize_t got = read(n->list, n->text.data + n->text.size, LIST_STEP);
  if (got < 0 && errno != EINTR)
    return cannot_read();
  if (got > 0)
    n->text.size += (size_t)got;
  if (n->text.size > LIST_NAME_MAX && !memchr(n->text.data, 0, n->text.size))
    FAIL(ERR_INPUT, "has no NUL where one should end a name: find -print0 writes them");
  if (got == 0) {
    close_list(n);
    buf_put_char(&n->text, '\0'); /* the last one's may be absent */
  }
  return buf_ok(&n->text);
}

/* The next one that is here, NULL: none. */
static const char *take_name(struct names *n) {
  while (n->used < n->text.size) {
    const char *name = (const char *)n->text.data + n->used;
    const char *end = memchr(name, 0, n->text.size - n->used);
    if (!end)
      return NULL;
    n->used += (size_t)(end - name) + 1;
    if (*name)
      return name;
  }
  return NULL;
}

err_t names_next(struct names *n, const char **out) {
  *out = args_word(n->args, n->word);
  if (*out) {
    n->word++;
    return OK;
  }
  while (!(*out = take_name(n)) && n->list >= 0)
    TRY(read_list(n));
  return OK;
}

bool names_wait(const struct names *n) {
  struct pollfd p = { .fd = n->list, .events = POLLIN };
  bool here =
    args_word(n->args, n->word) ||
    (n->text.size > n->used && memchr(n->text.data + n->used, 0, n->text.size - n->used) != NULL);
  return !here && n->list >= 0 && poll(&p, 1, 0) == 0;
}
