/* strongroom cert import NAME FILE */
#include "base/codec.h"
#include "base/file.h"
#include "base/write.h"
#include "cli/cert/cert.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static bool is_pem(struct bytes text) {
  return memmem(text.data, text.size, "-----BEGIN", 10) != NULL;
}

/* What the file says without its line feed. */
static err_t read_password(const char *file, struct secret *out) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(file, CERT_PASSWORD_MAX, &text));
  struct bytes line = buf_bytes(&text);
  while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
    line.size--;
  return secret_copy(line, out);
}

static bool opens_with(struct bytes pkcs12, struct bytes password, err_t *e) {
  AUTO(key) struct key *key = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  *e = cert_import_pkcs12(pkcs12, password, &key, &chain);
  return *e == OK;
}

/* Of a PKCS#12 file; nobody is asked for one that is not needed. */
static err_t find_password(const struct args *a, struct bytes pkcs12, struct secret *out) {
  const char *file = args_value(a, "password-file");
  err_t e;
  if (!file && opens_with(pkcs12, bytes_str(""), &e))
    return secret_copy(bytes_str(""), out);
  if (file) {
    TRY(read_password(file, out));
  } else {
    AUTO_TERMINAL t = TERMINAL_CLOSED;
    if (terminal_open(&t) != OK)
      FAIL(ERR_USAGE, "there is no terminal to ask for the file's password: give --password-file");
    TRY(terminal_ask(&t, "Password of the file: ", "password", CERT_PASSWORD_MAX, out));
  }
  (void)opens_with(pkcs12, secret_bytes(out), &e);
  return e;
}

static err_t write_value(const struct args *a, struct bytes content, struct buf *b) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_SECRET password = { 0 };
  if (is_pem(content)) {
    if (args_flag(a, "password-file"))
      FAIL(ERR_USAGE, "--password-file is for PKCS#12: in PEM, the private key is not encrypted");
    write_text(b, "value", content);
    return OK;
  }
  TRY(find_password(a, content, &password));
  buf_put_b64(&text, content);
  TRY(buf_ok(&text));
  write_text(b, "value", buf_bytes(&text));
  if (password.size)
    write_text(b, "pwd", secret_bytes(&password));
  return OK;
}

static err_t write_body(const struct args *a, struct bytes content, struct buf *b) {
  write_open(b, NULL, '{');
  TRY(write_value(a, content, b));
  write_open(b, "policy", '{');
  write_open(b, "key_props", '{');
  write_bool(b, "exportable", !args_flag(a, "not-exportable"));
  write_close(b, '}');
  write_open(b, "secret_props", '{');
  write_str(b, "contentType", is_pem(content) ? "application/x-pem-file" : "application/x-pkcs12");
  write_close(b, '}');
  write_close(b, '}');
  TRY(attributes_write_timeless(a, b));
  write_close(b, '}');
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("certificates", args_word(a, 0), "import", NULL);
  AUTO_BUF content = BUF_EMPTY, body = BUF_EMPTY;
  TRY(file_read(args_word(a, 1), CERT_PEM_MAX, &content));
  TRY(write_body(a, buf_bytes(&content), &body));
  return collection_ask(a, &cert_collection, HTTP_POST, &path, &body);
}

static const struct opt options[] = {
  { "password-file", OPT_VALUE, "FILE", NULL, "the password of PKCS#12 is what FILE holds" },
  { "not-exportable", OPT_FLAG, NULL, NULL, "the private key never leaves the vault again" },
  TIMELESS_ATTRIBUTE_OPTIONS("used"),
  OPT_END,
};

const struct verb verb_cert_import = {
  .noun = "cert",
  .name = "import",
  .words = "NAME FILE",
  .min_words = 2,
  .max_words = 2,
  .client = true,
  .summary = "Bring a certificate that exists, with its private key and chain",
  .details = "FILE is PEM (a private key that is not encrypted, and certificates in any order) or\n"
             "PKCS#12; its password, if it has one, is asked for at the terminal.",
  .options = options,
  .examples = "strongroom cert import shop shop.pem\n"
              "strongroom cert import shop shop.pfx --password-file shop.password",
  .run = run,
};
