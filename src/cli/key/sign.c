/* strongroom key sign NAME [VERSION] */
#include "cli/key/digest.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_USE use = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF in = BUF_EMPTY, digest = BUF_EMPTY, out = BUF_EMPTY;
  TRY(data_read(a, &in));
  TRY(use_open(a, USE_SIGN, &use));
  TRY(digest_of(a, use.alg, buf_bytes(&in), &digest));
  TRY(use_call(&use, "sign", &(struct use_fields){ .value = buf_bytes(&digest) }, &answer));
  if (args_flag(a, "json")) {
    out_json(answer.body);
    return OK;
  }
  TRY(json_get_b64url(answer.body, "value", &out, NULL));
  use_note(&use, &answer);
  return data_write(a, buf_bytes(&out));
}

static const struct opt options[] = {
  USE_ALG_OPTION("RS256, ES256, ES384, ES512, ES256K, HS256 by the key (default), PS256, ..."),
  DIGEST_OPTION,
  DATA_IN_OPTION,
  DATA_OUT_OPTION,
  OPT_END,
};

const struct verb verb_key_sign = {
  .noun = "key",
  .name = "sign",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Sign data with a key of the vault",
  .details = "The input is hashed here, as the algorithm says, and only its hash is sent.\n"
             "Signatures of EC keys are r and s, each of the curve's size (RFC 7518).",
  .options = options,
  .examples =
    "strongroom key sign web --in release.tar --out release.sig\n"
    "openssl dgst -sha384 -binary release.tar | strongroom key sign web --alg PS384 --digest",
  .run = run,
};
