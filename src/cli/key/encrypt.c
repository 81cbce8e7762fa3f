/* strongroom key encrypt NAME [VERSION] */
#include "base/file.h"
#include "cli/key/message.h"
#include "cli/verbs.h"
#include "crypto/crypto.h"

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, aad = BUF_EMPTY, out = BUF_EMPTY;
  uint8_t iv[CBC_IV_SIZE];
  const char *aad_file = args_value(a, "aad");
  if (aad_file)
    TRY(file_read(aad_file, DATA_MAX, &aad));
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_ENCRYPT, &use));
  struct use_fields f = { .value = buf_bytes(&in), .aad = buf_bytes(&aad) };
  if (message_needs_iv(use.alg)) {
    TRY(crypto_random(iv, sizeof iv));
    f.iv = bytes_of(iv, sizeof iv);
  }
  TRY(use_call(&use, "encrypt", &f, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(message_join(answer.body, f.iv, &out));
  TRY(buf_ok(&out));
  use_note(&use, &answer);
  return data_write(a, buf_bytes(&out));
}

static const struct opt options[] = {
  USE_ALG_OPTION("RSA-OAEP-256 or A256GCM (defaults), A128GCM, A256CBCPAD, ..."),
  { "aad", OPT_VALUE, "FILE", NULL, "AES-GCM: data that is bound to the ciphertext" },
  DATA_IN_OPTION,
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_encrypt = {
  .noun = "key",
  .name = "encrypt",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Encrypt a little data with a key of the vault",
  .details =
    "What AES needs besides goes with the ciphertext: A*GCM writes iv (12 bytes), ciphertext\n"
    "and tag (16); A*CBC and A*CBCPAD write iv (16) and ciphertext. For more than a few\n"
    "kilobytes, wrap a data key instead.",
  .options = options,
  .examples = "strongroom key encrypt app --in token --out token.encrypted",
  .run = run,
};
