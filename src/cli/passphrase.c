#include "cli/passphrase.h"

#include "cli/terminal.h"

#include <errno.h>
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

static err_t ask(const struct terminal *t, const char *prompt, struct secret *out) {
  return terminal_ask(t, prompt, "passphrase", PASSPHRASE_MAX - 1, out);
}

err_t passphrase_ask(const char *prompt, bool twice, struct secret *out) {
  AUTO_TERMINAL t = TERMINAL_CLOSED;
  AUTO_SECRET first = { 0 }, second = { 0 };
  if (terminal_open(&t) != OK)
    FAIL(ERR_USAGE, "there is no terminal to ask for the passphrase: give --passphrase-fd N");
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
