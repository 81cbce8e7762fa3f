/* strongroom age recipient KEY [VERSION] */
#include "cli/collection.h"
#include "cli/verbs.h"

#include "seal/age.h"

/* Only keys that wrap: what age would find out at its first file is told now. */
static err_t check(json_t *key) {
  struct bytes kty = field_text(key, "kty"), plain;
  bytes_split(kty, '-', &plain);
  if (!bytes_equal_str(plain, "RSA") && !bytes_equal_str(plain, "oct"))
    FAIL(ERR_USAGE, "a key of type " BYTES_FMT " can't wrap: RSA and oct can", BYTES_ARG(kty));
  return OK;
}

/* The id at the address that requests go to; without a version it is the newest one's, always. */
static err_t write_id(const struct client *c, const struct args *a, struct bytes kid,
                      struct buf *out) {
  struct bytes name, version, url = bytes_str(client_url(c));
  while (url.size && url.data[url.size - 1] == '/')
    url.size--;
  id_split(kid, &name, &version);
  buf_printf(out, BYTES_FMT "/keys/" BYTES_FMT, BYTES_ARG(url), BYTES_ARG(name));
  if (args_word(a, 1))
    buf_printf(out, "/" BYTES_FMT, BYTES_ARG(version));
  return buf_ok(out);
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", args_word(a, 0), args_word(a, 1), NULL), id = BUF_EMPTY,
           text = BUF_EMPTY;
  TRY(ask_open(a, &c));
  TRY(client_call(c, HTTP_GET, &path, NULL, &answer));
  json_t *key = field_object(answer.body, "key");
  TRY(check(key));
  TRY(write_id(c, a, field_text(key, "kid"), &id));
  if (!buf_cstr(&id))
    return ERR_NOMEM;
  TRY(age_write_recipient((const char *)id.data, &text));
  if (!args_flag(a, "json")) {
    out_text(buf_bytes(&text));
    return OK;
  }
  AUTO_JSON *document =
    json_pack("{s:s#, s:s#}", "recipient", text.data, (int)text.size, "key", id.data, (int)id.size);
  if (!document)
    return ERR_NOMEM;
  out_json(document);
  return OK;
}

const struct verb verb_age_recipient = {
  .noun = "age",
  .name = "recipient",
  .words = "KEY [VERSION]",
  .min_words = 1,
  .max_words = 2,
  .client = true,
  .summary = "Print the recipient by which age seals files to a key of the vault",
  .details =
    "An RSA or oct key. Without VERSION each file is sealed to the version that is the newest\n"
    "then. age finds age-plugin-strongroom on the PATH; that takes its credentials from the\n"
    "environment, as every verb does, or from the directory that STRONGROOM_DATA names. They\n"
    "need the right to wrap with the key, and to read it.",
  .examples = "strongroom age recipient backups\n"
              "age -r \"$(strongroom age recipient backups)\" -o note.age note",
  .run = run,
};
