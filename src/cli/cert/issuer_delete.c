/* strongroom cert issuer-delete NAME */
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", "issuers", args_word(a, 0), NULL);
  TRY(ask(a, HTTP_DELETE, &path, NULL, &answer));
  return issuer_print(a, answer.body);
}

const struct verb verb_cert_issuer_delete = {
  .noun = "cert",
  .name = "issuer-delete",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Delete a named issuer",
  .examples = "strongroom cert issuer-delete corp-pki",
  .run = run,
};
