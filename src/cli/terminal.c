#include "cli/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define CTRL_C 3

err_t terminal_open(struct terminal *t) {
  t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0)
    FAIL(ERR_USAGE, "there is no terminal to ask");
  struct termios quiet = t->before;
  quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
  quiet.c_cc[VEOL] = CTRL_C;
  tcsetattr(t->fd, TCSAFLUSH, &quiet);
  return OK;
}

void terminal_close(struct terminal *t) {
  if (t->fd < 0)
    return;
  tcsetattr(t->fd, TCSAFLUSH, &t->before);
  close(t->fd);
}

err_t terminal_ask(const struct terminal *t, const char *prompt, const char *what, size_t max,
                   struct secret *out) {
  AUTO_SECRET line = { 0 };
  size_t room = max + 2; /* the line feed, and one that is too many */
  TRY(secret_new(room, &line));
  dprintf(t->fd, "%s", prompt);
  ssize_t n = read(t->fd, line.data, room);
  dprintf(t->fd, "\n");
  if (n == (ssize_t)room)
    FAIL(ERR_USAGE, "the %s is longer than %zu bytes", what, max);
  if (n < 2 || line.data[n - 1] != '\n')
    FAIL(ERR_USAGE, "no %s was given", what);
  return secret_copy(bytes_of(line.data, (size_t)n - 1), out);
}
