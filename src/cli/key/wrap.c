/* strongroom key wrap NAME [VERSION] */
#include "cli/key/use.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, out = BUF_EMPTY;
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_WRAP, &use));
  TRY(use_call(&use, "wrapkey", &(struct use_fields){ .value = buf_bytes(&in) }, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(json_get_b64url(answer.body, "value", &out, NULL));
  use_note(&use, &answer);
  return data_write(a, buf_bytes(&out));
}

static const struct opt options[] = {
  USE_ALG_OPTION("RSA-OAEP-256 (default), RSA-OAEP, RSA1_5, A256KW, A192KW, A128KW"),
  DATA_IN_OPTION,
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_wrap = {
  .noun = "key",
  .name = "wrap",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Encrypt a data key with a key of the vault",
  .details =
    "oct keys take A256KW unless --alg says otherwise. The version that was used goes to stderr:\n"
    "after a rotation, unwrap needs it.",
  .options = options,
  .examples = "strongroom key wrap disks --in dek --out dek.wrapped",
  .run = run,
};
