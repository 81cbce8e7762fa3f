/* strongroom cert contact-remove EMAIL */
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  bool found;
  TRY(ask_open(a, &c));
  TRY(contact_list_others(c, args_word(a, 0), &body, &found));
  if (!found)
    FAIL(ERR_NOT_FOUND, "%s is not among the contacts", args_word(a, 0));
  TRY(contact_list_put(c, &body, &answer));
  return contact_list_print(a, answer.body);
}

const struct verb verb_cert_contact_remove = {
  .noun = "cert",
  .name = "contact-remove",
  .words = "EMAIL",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Remove somebody from the contacts",
  .examples = "strongroom cert contact-remove pki@corp.example",
  .run = run,
};
