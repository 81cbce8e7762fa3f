/* strongroom key backup NAME */
#include "base/file.h"
#include "cli/ask.h"
#include "cli/verbs.h"

#include <unistd.h>

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", args_word(a, 0), "backup", NULL), text = BUF_EMPTY;
  const char *file = args_value(a, "out");
  TRY(ask(a, HTTP_POST, &path, NULL, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  buf_put_bytes(&text, field_text(answer.body, "value"));
  buf_put_char(&text, '\n');
  TRY(buf_ok(&text));
  return file ? file_write_private(file, buf_bytes(&text))
              : file_write_fd(STDOUT_FILENO, "stdout", buf_bytes(&text));
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL, "write to FILE (mode 0600) instead of stdout" },
  OPT_END,
};

const struct verb verb_key_backup = {
  .noun = "key",
  .name = "backup",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Write a key with all its versions as one sealed text",
  .details = "Only a vault with the same master key can restore it.",
  .options = options,
  .examples = "strongroom key backup app --out app.backup",
  .run = run,
};
