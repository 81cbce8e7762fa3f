/* strongroom secret show NAME [VERSION] */
#include "base/file.h"
#include "cli/inout.h"
#include "cli/secret/secret.h"
#include "cli/verbs.h"

#include <unistd.h>

/* As it is, but on a terminal as lines that can't steer it. */
static err_t write_value(const struct args *a, struct bytes value) {
  const char *file = args_value(a, "out");
  struct bytes line;
  if (file)
    return file_write_private(file, value);
  if (!isatty(STDOUT_FILENO))
    return file_write_fd(STDOUT_FILENO, "stdout", value);
  do {
    value = bytes_split(value, '\n', &line);
    out_text(line);
  } while (value.size);
  return OK;
}

static err_t check_options(const struct args *a) {
  bool value = args_flag(a, "value");
  if (value && args_flag(a, "deleted"))
    FAIL(ERR_USAGE, "the value of a deleted secret can't be read: recover it first");
  if (args_flag(a, "out") && (!value || args_flag(a, "json")))
    FAIL(ERR_USAGE, "--out takes what --value writes, without --json");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  struct bytes value;
  bool found;
  TRY(check_options(a));
  TRY(collection_get(a, &secret_collection, &answer));
  if (!args_flag(a, "value"))
    return collection_print(a, &secret_collection, answer.body);
  TRY(json_get_str(answer.body, "value", &value, &found));
  if (!found)
    FAIL(ERR_INTERNAL, "the server's answer has no value");
  if (!args_flag(a, "json"))
    return write_value(a, value);
  out_json(answer.body);
  return OK;
}

static const struct opt options[] = {
  { "value", OPT_FLAG, NULL, NULL, "write the value, and with --json the rest too" },
  DATA_OUT_OPTION,
  { "deleted", OPT_FLAG, NULL, NULL, "a secret that is deleted" },
  OPT_END,
};

const struct verb verb_secret_show = {
  .noun = "secret",
  .name = "show",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Show a secret's properties, or with --value the value alone",
  .details =
    "The value is written as it is, without a line feed of its own; a terminal gets one, and\n"
    "control characters as '?'. This verb takes the right to read values, and a version that\n"
    "is enabled; 'strongroom secret list' shows properties without either.",
  .options = options,
  .examples = "strongroom secret show db-password\n"
              "export PGPASSWORD=\"$(strongroom secret show db-password --value)\"\n"
              "strongroom secret show tls-chain --value --out chain.pem",
  .run = run,
};
