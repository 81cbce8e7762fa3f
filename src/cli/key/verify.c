/* strongroom key verify NAME [VERSION] */
#include "base/file.h"
#include "cli/key/digest.h"
#include "cli/verbs.h"

#define SIGNATURE_MAX 65536

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, digest = BUF_EMPTY, signature = BUF_EMPTY;
  const char *file = args_value(a, "signature");
  bool valid = false;
  if (!file)
    FAIL(ERR_USAGE, "--signature FILE is missing");
  TRY(file_read(file, SIGNATURE_MAX, &signature));
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_SIGN, &use));
  TRY(digest_of(a, use.alg, buf_bytes(&in), &digest));
  struct use_fields f = { .digest = buf_bytes(&digest), .value = buf_bytes(&signature) };
  TRY(use_call(&use, "verify", &f, &answer));
  TRY(json_get_bool(answer.body, "value", &valid, NULL));
  if (args_flag(a, "json"))
    out_json(answer.body);
  if (!valid)
    FAIL(ERR_BAD_PARAMETER, "the signature is not valid for this data and key");
  if (!args_flag(a, "json"))
    out_line("The signature is valid.");
  return OK;
}

static const struct opt options[] = {
  { "signature", OPT_VALUE, "FILE", NULL, "the signature, as 'key sign --out' wrote it" },
  USE_ALG_OPTION("as it was signed (default: by the key)"),
  DIGEST_OPTION,
  DATA_IN_OPTION,
  OPT_END,
};

const struct verb verb_key_verify = {
  .noun = "key",
  .name = "verify",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Check a signature; exit code 1 when it is not valid",
  .options = options,
  .examples = "strongroom key verify web --in release.tar --signature release.sig",
  .run = run,
};
