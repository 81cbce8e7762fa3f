#include "cli/inout.h"

#include "base/codec.h"
#include "base/file.h"
#include "cli/out.h"

#include <stdio.h>
#include <unistd.h>

err_t data_read(const struct args *a, struct buf *out) {
  const char *path = args_value(a, "in");
  if (path)
    return file_read(path, DATA_MAX, out);
  if (isatty(STDIN_FILENO))
    out_note("Reading from the terminal; end with Ctrl-D.");
  return file_read_fd(STDIN_FILENO, "stdin", DATA_MAX, out);
}

err_t data_write(const struct args *a, struct bytes data) {
  const char *path = args_value(a, "out");
  if (path)
    return file_write_private(path, data);
  if (!isatty(STDOUT_FILENO))
    return file_write_fd(STDOUT_FILENO, "stdout", data);
  AUTO_BUF text = BUF_EMPTY;
  buf_put_b64url(&text, data);
  buf_put_char(&text, '\n');
  TRY(buf_ok(&text));
  return file_write_fd(STDOUT_FILENO, "stdout", buf_bytes(&text));
}
