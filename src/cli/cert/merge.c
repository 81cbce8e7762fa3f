/* strongroom cert merge NAME FILE... */
#include "base/codec.h"
#include "base/file.h"
#include "base/write.h"
#include "cli/cert/cert.h"
#include "cli/verbs.h"
#include "crypto/pem.h"

static err_t put_der(struct buf *b, struct bytes der) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_b64(&text, der);
  TRY(buf_ok(&text));
  write_text(b, NULL, buf_bytes(&text));
  return OK;
}

struct merging {
  struct buf *body;
  size_t count;
};

static err_t put_block(void *ctx, const struct pem_block *block) {
  struct merging *m = ctx;
  if (strcmp(block->label, "CERTIFICATE") != 0)
    return OK;
  m->count++;
  return put_der(m->body, block->der);
}

/* Certificates of a file: PEM blocks, or one as DER. */
static err_t put_file(struct buf *b, const char *file) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(file, CERT_PEM_MAX, &text));
  if (text.size && text.data[0] == 0x30)
    return put_der(b, buf_bytes(&text));
  struct merging m = { .body = b };
  TRY(pem_each(buf_bytes(&text), put_block, &m));
  if (m.count == 0)
    FAIL(ERR_USAGE, "there is no certificate in %s", file);
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_BUF path = client_path("certificates", args_word(a, 0), "pending", "merge", NULL);
  AUTO_BUF body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  write_open(&body, "x5c", '[');
  for (size_t i = 1; args_word(a, i); i++)
    TRY(put_file(&body, args_word(a, i)));
  write_close(&body, ']');
  write_close(&body, '}');
  return collection_ask(a, &cert_collection, HTTP_POST, &path, &body);
}

const struct verb verb_cert_merge = {
  .noun = "cert",
  .name = "merge",
  .words = "NAME FILE...",
  .min_words = 2,
  .max_words = WORDS_ANY,
  .client = true,
  .summary = "Complete a certificate with what another authority signed",
  .details =
    "The files are PEM or DER: the certificate and its chain, in any order. The request is\n"
    "what 'strongroom cert create' wrote.",
  .examples = "strongroom cert merge shop shop.pem intermediate.pem",
  .run = run,
};
