/* strongroom secret set NAME */
#include "base/write.h"
#include "cli/inout.h"
#include "cli/secret/secret.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "vault/secrets.h"

#include <unistd.h>

/* From a person: a line without echo. Anything else counts as it is, to the last line feed. */
static err_t read_value(const struct args *a, struct buf *out) {
  if (args_flag(a, "in") || !isatty(STDIN_FILENO))
    return data_read(a, out);
  AUTO_TERMINAL t = TERMINAL_CLOSED;
  AUTO_SECRET line = { 0 };
  TRY(terminal_open(&t));
  TRY(terminal_ask(&t, "Value: ", "value", TERMINAL_LINE_MAX, &line));
  buf_put_bytes(out, secret_bytes(&line));
  return buf_ok(out);
}

static err_t check_value(struct bytes value) {
  if (value.size > SECRET_VALUE_MAX)
    FAIL(ERR_USAGE, "a secret's value has at most %d bytes, this one has %zu", SECRET_VALUE_MAX,
         value.size);
  for (size_t i = 0, n; i < value.size; i += n) {
    n = bytes_utf8(bytes_of(value.data + i, value.size - i));
    if (n == 0)
      FAIL(ERR_USAGE, "a secret's value is text: byte %zu is not UTF-8 (base64 makes it text)",
           i + 1);
  }
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("secrets", args_word(a, 0), NULL);
  AUTO_BUF value = BUF_EMPTY, body = BUF_EMPTY;
  TRY(read_value(a, &value));
  TRY(check_value(buf_bytes(&value)));
  write_open(&body, NULL, '{');
  write_text(&body, "value", buf_bytes(&value));
  TRY(secret_write_properties(a, &body));
  write_close(&body, '}');
  return collection_ask(a, &secret_collection, HTTP_PUT, &path, &body);
}

static const struct opt options[] = {
  DATA_IN_OPTION,
  SECRET_PROPERTY_OPTIONS,
  OPT_END,
};

const struct verb verb_secret_set = {
  .noun = "secret",
  .name = "set",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a new secret, or a new version of a secret that is there",
  .details =
    "The value is never an argument. It comes from FILE or stdin as it is, with the line feed\n"
    "at its end if there is one; a terminal is asked for one line, without echo. It is UTF-8\n"
    "text of at most 25,600 bytes. What is printed are its properties, not the value.",
  .options = options,
  .examples = "strongroom secret set db-password\n"
              "printf %s \"$PASSWORD\" | strongroom secret set db-password --expires +90d\n"
              "strongroom secret set tls-chain --in chain.pem --content-type "
              "application/x-pem-file",
  .run = run,
};
