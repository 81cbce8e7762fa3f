#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#define PASSPHRASE_MAX 1024

err_t passphrase_read(int fd, struct secret *out) {
  AUTO_SECRET line = { 0 };
  size_t n = 0;
  TRY(secret_new(PASSPHRASE_MAX, &line));
  for (;;) {
    ssize_t got = read(fd, line.data + n, 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      FAIL(ERR_USAGE, "cannot read the passphrase: %s", strerror(errno));
    if (got == 0 || line.data[n] == '\n')
      break;
    if (++n == PASSPHRASE_MAX)
      FAIL(ERR_USAGE, "the passphrase is longer than %d bytes", PASSPHRASE_MAX - 1);
  }
  if (n == 0)
    FAIL(ERR_USAGE, "the passphrase is empty");
  return secret_copy(bytes_of(line.data, n), out);
}

/* The terminal with its echo off, until it is closed. Ctrl-C ends the line instead of the program:
 * a terminal whose echo stays off is a nuisance. */
#define CTRL_C 3
struct terminal {
  int fd;
  struct termios before;
};

static err_t terminal_open(struct terminal *t) {
  t->fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (t->fd < 0 || tcgetattr(t->fd, &t->before) != 0)
    FAIL(ERR_USAGE, "there is no terminal to ask for the passphrase: give --passphrase-stdin or "
                    "--passphrase-fd N");
  struct termios quiet = t->before;
  quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
  quiet.c_cc[VEOL] = CTRL_C;
  tcsetattr(t->fd, TCSAFLUSH, &quiet);
  return OK;
}

static void terminal_close(struct terminal *t) {
  if (t->fd < 0)
    return;
  tcsetattr(t->fd, TCSAFLUSH, &t->before);
  close(t->fd);
}

static err_t ask(const struct terminal *t, const char *prompt, struct secret *out) {
  AUTO_SECRET line = { 0 };
  TRY(secret_new(PASSPHRASE_MAX, &line));
  dprintf(t->fd, "%s", prompt);
  ssize_t n = read(t->fd, line.data, PASSPHRASE_MAX);
  dprintf(t->fd, "\n");
  if (n < 2 || line.data[n - 1] != '\n')
    FAIL(ERR_USAGE, "no passphrase was given");
  return secret_copy(bytes_of(line.data, (size_t)n - 1), out);
}

err_t passphrase_ask(const char *prompt, bool twice, struct secret *out) {
  __attribute__((cleanup(terminal_close))) struct terminal t = { .fd = -1 };
  AUTO_SECRET first = { 0 }, second = { 0 };
  TRY(terminal_open(&t));
  TRY(ask(&t, prompt, &first));
  if (twice) {
    TRY(ask(&t, "Once more: ", &second));
    if (!crypto_equal(secret_bytes(&first), secret_bytes(&second)))
      FAIL(ERR_USAGE, "the two passphrases differ");
  }
  *out = secret_take(&first);
  return OK;
}

err_t passphrase_get(const struct args *a, const char *prompt, struct secret *out) {
  uint64_t fd = 0;
  if (args_flag(a, "passphrase-stdin"))
    return passphrase_read(STDIN_FILENO, out);
  if (!args_flag(a, "passphrase-fd"))
    return passphrase_ask(prompt, false, out);
  TRY(args_uint(a, "passphrase-fd", 0, 1 << 20, &fd));
  return passphrase_read((int)fd, out);
}
