/* strongroom acme create-key IDENTITY */
#include "base/file.h"
#include "base/write.h"
#include "cli/ask.h"
#include "cli/verbs.h"

#include <errno.h>
#include <sys/stat.h>

static err_t write_to(const char *file, struct bytes kid, struct bytes key) {
  AUTO_BUF lines = BUF_EMPTY;
  buf_printf(&lines, "eab-kid = " BYTES_FMT "\n", BYTES_ARG(kid));
  buf_printf(&lines, "eab-hmac-key = " BYTES_FMT "\n", BYTES_ARG(key));
  TRY(buf_ok(&lines));
  return file_write_private(file, buf_bytes(&lines));
}

/* It may hold other settings, or a key that is still needed. */
static err_t check_free(const char *file) {
  struct stat there;
  if (lstat(file, &there) == 0)
    FAIL(ERR_USAGE,
         "%s is there already and is not replaced; no key was made. Name another file, or leave "
         "--out away and put what is shown into it.",
         file);
  if (errno != ENOENT)
    FAIL(ERR_USAGE, "cannot make %s: %s; no key was made", file, strerror(errno));
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("hub", "acme", "keys", NULL), body = BUF_EMPTY;
  const char *file = args_value(a, "out");
  if (file)
    TRY(check_free(file));
  write_open(&body, NULL, '{');
  write_str(&body, "identity", args_word(a, 0));
  write_close(&body, '}');
  TRY(ask(a, HTTP_POST, &path, &body, &answer));
  struct bytes kid = field_text(answer.body, "kid"), key = field_text(answer.body, "key");
  err_t e = file ? write_to(file, kid, key) : OK;
  if (file && e == OK)
    return OK;
  if (file) /* nobody can get it again */
    out_note("The key was made but could not be written to %s. Keep what follows.", file);
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return e;
  }
  out_note("This key is shown once.");
  out_field("Key id", kid);
  out_field("HMAC key", key);
  return e;
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "FILE", NULL,
    "write both to FILE (mode 0600, not there yet), as lines of certbot's cli.ini" },
  OPT_END,
};

const struct verb verb_acme_create_key = {
  .noun = "acme",
  .name = "create-key",
  .words = "IDENTITY",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a key that binds ACME accounts to an identity",
  .details = "An ACME client shows it once, when it makes its account (external account binding).\n"
             "The account then gets certificates for the names that the identity may have.",
  .options = options,
  .examples = "strongroom acme create-key web1\n"
              "strongroom acme create-key web1 --out /etc/letsencrypt/cli.ini",
  .run = run,
};
