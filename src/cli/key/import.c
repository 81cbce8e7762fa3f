/* strongroom key import NAME */
#include "base/write.h"
#include "cli/inout.h"
#include "cli/key/jwk.h"
#include "cli/key/key.h"
#include "cli/verbs.h"

/* The JWK of what was read, be it PEM or a JWK already; with the operations of --ops. */
static err_t read_jwk(const struct args *a, json_t **out) {
  AUTO_BUF text = BUF_EMPTY, ops = BUF_EMPTY;
  AUTO_JSON *jwk = NULL, *more = NULL;
  TRY(data_read(a, &text));
  TRY(jwk_read(buf_bytes(&text), &jwk));
  write_open(&ops, NULL, '{');
  key_write_ops(a, &ops);
  write_close(&ops, '}');
  TRY(buf_ok(&ops));
  TRY(json_read(buf_bytes(&ops), &more));
  if (json_object_update(jwk, more) != 0)
    return ERR_NOMEM;
  *out = TAKE(jwk);
  return OK;
}

static err_t write_body(const struct args *a, json_t *jwk, struct buf *body) {
  char *text = json_dumps(jwk, JSON_COMPACT);
  if (!text)
    return ERR_NOMEM;
  write_open(body, NULL, '{');
  buf_put_str(body, "\"key\":");
  buf_put_str(body, text);
  mem_free(text);
  write_bool(body, "Hsm", args_flag(a, "hsm"));
  TRY(attributes_write(a, body));
  write_close(body, '}');
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_JSON *jwk = NULL;
  AUTO_BUF path = client_path("keys", args_word(a, 0), NULL), body = BUF_EMPTY;
  TRY(read_jwk(a, &jwk));
  TRY(write_body(a, jwk, &body));
  return collection_ask(a, &key_collection, HTTP_PUT, &path, &body);
}

static const struct opt options[] = {
  DATA_IN_OPTION,
  { "hsm", OPT_FLAG, NULL, NULL, "as a key of the -HSM types" },
  KEY_ATTRIBUTE_OPTIONS,
  OPT_END,
};

const struct verb verb_key_import = {
  .noun = "key",
  .name = "import",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Bring a key that exists: a private key in PEM, or a JWK",
  .details = "PEM is PKCS#8, PKCS#1 or SEC1 without a passphrase; a JWK is JSON with the private\n"
             "members, and the only form for oct keys. Read from stdin unless --in names a file.",
  .options = options,
  .examples =
    "strongroom key import web --in web.pem --ops sign,verify\n"
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | strongroom key import web",
  .run = run,
};
