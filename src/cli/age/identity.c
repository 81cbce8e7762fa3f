/* strongroom age identity */
#include "cli/ask.h"
#include "cli/verbs.h"

#include "seal/age.h"

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_BUF text = BUF_EMPTY;
  TRY(ask_open(a, &c));
  TRY(age_write_identity(client_url(c), &text));
  if (args_flag(a, "json")) {
    AUTO_JSON *document =
      json_pack("{s:s#, s:s}", "identity", text.data, (int)text.size, "vault", client_url(c));
    if (!document)
      return ERR_NOMEM;
    out_json(document);
    return OK;
  }
  out_line("# keys of the vault %s; no secret", client_url(c));
  out_text(buf_bytes(&text));
  return OK;
}

const struct verb verb_age_identity = {
  .noun = "age",
  .name = "identity",
  .words = "",
  .client = true,
  .summary = "Print the identity by which age opens files with the vault's keys",
  .details =
    "It names the vault and is no secret: who may open what, the vault decides by the roles of\n"
    "the credentials that age-plugin-strongroom finds (see 'age recipient'). Where those may be\n"
    "of any vault, 'age -d -j strongroom' needs no identity.",
  .examples = "strongroom age identity > vault.txt\n"
              "age -d -i vault.txt note.age",
  .run = run,
};
