/* strongroom cert contact-add EMAIL */
#include "base/write.h"
#include "cli/cert/issuer.h"
#include "cli/verbs.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  const char *name = args_value(a, "name"), *phone = args_value(a, "phone");
  bool found;
  TRY(ask_open(a, &c));
  TRY(contact_list_others(c, args_word(a, 0), &body, &found));
  write_open(&body, NULL, '{');
  write_str(&body, "email", args_word(a, 0));
  if (name)
    write_str(&body, "name", name);
  if (phone)
    write_str(&body, "phone", phone);
  write_close(&body, '}');
  TRY(contact_list_put(c, &body, &answer));
  return contact_list_print(a, answer.body);
}

static const struct opt options[] = {
  { "name", OPT_VALUE, "NAME", NULL, "who that is" },
  { "phone", OPT_VALUE, "NUMBER", NULL, "a telephone number" },
  OPT_END,
};

const struct verb verb_cert_contact_add = {
  .noun = "cert",
  .name = "contact-add",
  .words = "EMAIL",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Add somebody to the contacts, or replace the entry with that address",
  .options = options,
  .examples = "strongroom cert contact-add pki@corp.example --name 'PKI team'",
  .run = run,
};
