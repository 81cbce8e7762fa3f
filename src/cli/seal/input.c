#include "cli/seal/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

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
  if (in.fd < 0 || fstat(in.fd, &in.stat) != 0)
    return cannot_read();
  if (S_ISDIR(in.stat.st_mode))
    FAIL(ERR_INPUT, "is a directory: tar -c DIR | strongroom seal .. takes all of it");
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
  *out = (struct names){ .args = a };
  const char *list = args_value(a, "files-from");
  if (!list)
    return OK;
  bool is_stdin = strcmp(list, "-") == 0;
  out->list = is_stdin ? stdin : fopen(list, "re");
  return out->list ? OK : cannot_read();
}

void names_close(struct names *n) {
  if (n->list && n->list != stdin)
    fclose(n->list);
  free(n->line);
}

err_t names_next(struct names *n, const char **out) {
  *out = args_word(n->args, n->word++);
  while (!*out && n->list) {
    errno = 0;
    ssize_t size = getdelim(&n->line, &n->room, '\0', n->list);
    if (size < 0 && (ferror(n->list) || errno == ENOMEM))
      return cannot_read();
    if (size < 0)
      return OK;
    if (n->line[0] && n->line[0] != '\n')
      *out = n->line;
  }
  return OK;
}
