/* strongroom cert show NAME [VERSION] */
#include "cli/cert/cert.h"
#include "cli/inout.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  bool pem = args_flag(a, "pem");
  if (args_flag(a, "out") && !pem)
    FAIL(ERR_USAGE, "--out takes what --pem writes");
  TRY(collection_get(a, &cert_collection, &answer));
  if (!pem)
    return collection_print(a, &cert_collection, answer.body);
  struct bytes cer = field_text(answer.body, "cer");
  if (cer.size == 0)
    FAIL(ERR_CONFLICT, "it is not issued yet: see 'strongroom cert pending %s'", args_word(a, 0));
  return cert_write_pem(a, "CERTIFICATE", cer);
}

static const struct opt options[] = {
  { "pem", OPT_FLAG, NULL, NULL, "write the certificate itself, as PEM" },
  DATA_OUT_OPTION,
  { "deleted", OPT_FLAG, NULL, NULL, "a certificate that is deleted" },
  OPT_END,
};

const struct verb verb_cert_show = {
  .noun = "cert",
  .name = "show",
  .words = "NAME [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Show a certificate: its names, issuer, key and attributes",
  .details = "The private key is not part of it: 'strongroom cert download' writes that.",
  .options = options,
  .examples = "strongroom cert show web\n"
              "strongroom cert show web --pem | openssl x509 -noout -text",
  .run = run,
};
