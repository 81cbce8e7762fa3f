/* strongroom key decrypt NAME [VERSION] */
#include "base/file.h"
#include "cli/key/message.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, aad = BUF_EMPTY, out = BUF_EMPTY;
  struct use_fields f = { 0 };
  const char *aad_file = args_value(a, "aad");
  if (aad_file)
    TRY(file_read(aad_file, DATA_MAX, &aad));
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_ENCRYPT, &use));
  TRY(message_split(use.alg, buf_bytes(&in), &f));
  f.aad = buf_bytes(&aad);
  TRY(use_undo(a, &use, "decrypt", &f, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(json_get_b64url(answer.body, "value", &out, NULL));
  return data_write(a, buf_bytes(&out));
}

static const struct opt options[] = {
  USE_ALG_OPTION("as it was encrypted (defaults: RSA-OAEP-256, A256GCM)"),
  { "aad", OPT_VALUE, "FILE", NULL, "AES-GCM: the data that was bound to the ciphertext" },
  DATA_IN_OPTION,
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_decrypt = {
  .noun = "key",
  .name = "decrypt",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Decrypt what 'key encrypt' wrote",
  .details = "Without VERSION the latest one is used.",
  .options = options,
  .examples = "strongroom key decrypt app --in token.encrypted --out token",
  .run = run,
};
