/* strongroom cert download NAME [VERSION] */
#include "cli/cert/fetch.h"
#include "cli/cert/files.h"
#include "cli/verbs.h"

static err_t fetch(const struct args *a, struct cert_set *out) {
  const char *name = args_word(a, 0), *version = args_word(a, 1);
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", name, version ? version : "", NULL);
  TRY(ask_open(a, &c));
  TRY(client_call(c, HTTP_GET, &path, NULL, &answer));
  if (field_text(answer.body, "cer").size == 0)
    FAIL(ERR_CONFLICT, "it is not issued yet: see 'strongroom cert pending %s'", name);
  if (args_flag(a, "public"))
    return cert_set_of(answer.body, out);
  err_t e = cert_fetch(c, name, answer.body, out);
  if (e == ERR_FORBIDDEN || e == ERR_CONFLICT)
    out_note("The certificate alone is written with --public.");
  return e;
}

static err_t run(const struct args *a) {
  AUTO_CERT_SET set = { 0 };
  const char *dir = args_value(a, "out");
  if (!dir)
    FAIL(ERR_USAGE, "--out DIR is missing: where the files go");
  TRY(fetch(a, &set));
  return files_write_plain(dir, &set);
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "DIR", NULL, "where the files go; made if it is not there" },
  { "public", OPT_FLAG, NULL, NULL, "cert.pem alone, without the key" },
  OPT_END,
};

const struct verb verb_cert_download = {
  .noun = "cert",
  .name = "download",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Write a certificate, its chain and its private key to files",
  .details =
    "DIR/cert.pem, chain.pem (the authorities between it and the root), fullchain.pem (both),\n"
    "ca.pem (the root, or what is nearest to it) and key.pem (mode 0600). Key and chain take the\n"
    "right to read its secret. 'strongroom cert issue' keeps such files fresh.",
  .options = options,
  .examples = "strongroom cert download shop --out shop-tls",
  .run = run,
};
