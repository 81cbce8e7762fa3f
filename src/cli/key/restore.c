/* strongroom key restore [FILE] */
#include "base/codec.h"
#include "base/file.h"
#include "base/write.h"
#include "cli/key/key.h"
#include "cli/verbs.h"

#include <unistd.h>

#define BACKUP_MAX (32u * 1024 * 1024)

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", "restore", NULL), text = BUF_EMPTY, body = BUF_EMPTY;
  const char *file = args_word(a, 0);
  TRY(file ? file_read(file, BACKUP_MAX, &text)
           : file_read_fd(STDIN_FILENO, "stdin", BACKUP_MAX, &text));
  struct bytes blob = buf_bytes(&text);
  while (blob.size && (blob.data[blob.size - 1] == '\n' || blob.data[blob.size - 1] == '\r'))
    blob.size--;
  AUTO_BUF decoded = BUF_EMPTY;
  if (blob.size == 0 || buf_put_b64url_decoded(&decoded, blob) != OK)
    FAIL(ERR_BACKUP_BLOB, "%s is not a backup of a key", file ? file : "what came on stdin");
  write_open(&body, NULL, '{');
  write_text(&body, "value", blob);
  write_close(&body, '}');
  TRY(ask(a, HTTP_POST, &path, &body, &answer));
  return key_print(a, answer.body);
}

const struct verb verb_key_restore = {
  .noun = "key",
  .name = "restore",
  .words = "[FILE]",
  .max_words = 1,
  .client = true,
  .summary = "Restore a key from its backup, from FILE or stdin",
  .examples = "strongroom key restore app.backup",
  .run = run,
};
