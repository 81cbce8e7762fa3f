/* strongroom key unwrap NAME [VERSION] */
#include "cli/key/use.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, out = BUF_EMPTY;
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_WRAP, &use));
  struct use_fields f = { .value = buf_bytes(&in) };
  TRY(use_undo(a, &use, "unwrapkey", &f, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(json_get_b64url(answer.body, "value", &out, NULL));
  return data_write(a, buf_bytes(&out));
}

static const struct opt options[] = {
  USE_ALG_OPTION("RSA-OAEP-256 (default), RSA-OAEP, RSA1_5, A256KW, A192KW, A128KW"),
  DATA_IN_OPTION,
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_unwrap = {
  .noun = "key",
  .name = "unwrap",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Decrypt a data key that was wrapped",
  .details = "Without VERSION the latest one is used.",
  .options = options,
  .examples = "strongroom key unwrap disks --in dek.wrapped --out dek\n"
              "strongroom key unwrap disks 0a1b2c3d4e5f60718293a4b5c6d7e8f9 --in old.wrapped > dek",
  .run = run,
};
