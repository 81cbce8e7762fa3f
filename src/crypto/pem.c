#include "crypto/pem.h"

#include "crypto/key_der.h"
#include "crypto/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define PEM_MAX (1024 * 1024)
#define FLAGS (PEM_FLAG_SECURE | PEM_FLAG_EAY_COMPATIBLE)

CLEANUP(bio, BIO *, (void)BIO_free)

/* One block of a PEM text. */
struct block {
  char *label, *header;
  uint8_t *data;
  long size;
};

static void block_free(struct block *b) {
  OPENSSL_secure_free(b->label);
  OPENSSL_secure_free(b->header);
  OPENSSL_secure_clear_free(b->data, (size_t)b->size);
}
#define AUTO_BLOCK __attribute__((cleanup(block_free))) struct block

static bool one_of(const char *label, const char *const *labels) {
  for (; *labels; labels++)
    if (strcmp(label, *labels) == 0)
      return true;
  return false;
}

static err_t open_text(struct bytes text, BIO **out) {
  if (text.size > PEM_MAX)
    REFUSE(ERR_BAD_PARAMETER, "The PEM text is too long.");
  *out = BIO_new_mem_buf(text.size ? (const void *)text.data : "", (int)text.size);
  if (!*out)
    EVP_FAIL(ERR_NOMEM, "PEM");
  return OK;
}

/* Whether reading failed because no further block begins. */
static bool at_end(void) {
  unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

err_t pem_each(struct bytes text, pem_visit *visit, void *ctx) {
  BIO *bio AUTO(bio) = NULL;
  TRY(open_text(text, &bio));
  (void)evp_out_of_memory();
  for (;;) {
    AUTO_BLOCK b = { 0 };
    if (!PEM_read_bio_ex(bio, &b.label, &b.header, &b.data, &b.size, FLAGS)) {
      bool end = at_end();
      if (evp_out_of_memory())
        FAIL(ERR_NOMEM, "PEM");
      if (!end)
        EVP_REFUSE("The PEM text is malformed.");
      ERR_clear_error();
      return OK;
    }
    struct pem_block block = { b.label, b.header[0] != '\0', bytes_of(b.data, (size_t)b.size) };
    TRY(visit(ctx, &block));
  }
}

err_t pem_read(struct bytes text, const char *const *labels, struct secret *out) {
  BIO *bio AUTO(bio) = NULL;
  TRY(open_text(text, &bio));
  for (;;) {
    AUTO_BLOCK b = { 0 };
    if (!PEM_read_bio_ex(bio, &b.label, &b.header, &b.data, &b.size, FLAGS))
      EVP_REFUSE("The PEM text has no %s.", labels[0]);
    if (!one_of(b.label, labels))
      continue;
    if (b.header[0] != '\0')
      REFUSE(ERR_BAD_PARAMETER, "The PEM text is encrypted; it must not be.");
    return secret_copy(bytes_of(b.data, (size_t)b.size), out);
  }
}

err_t pem_write(const char *label, struct bytes der, struct secret *out) {
  BIO *bio AUTO(bio) = BIO_new(BIO_s_secmem());
  if (!bio || !PEM_write_bio(bio, label, "", der.data, (long)der.size))
    EVP_FAIL(ERR_NOMEM, "PEM");
  char *text;
  long n = BIO_get_mem_data(bio, &text);
  return secret_copy(bytes_of(text, (size_t)n), out);
}

err_t key_to_pem(const struct key *k, struct secret *pem) {
  if (key_spec(k)->type == KEY_OCT)
    FAIL(ERR_BAD_PARAMETER, "PEM of an oct key");
  AUTO_SECRET der = { 0 };
  TRY(key_export(k, &der));
  return pem_write(PEM_STRING_PKCS8INF, secret_bytes(&der), pem);
}

err_t key_from_pem(struct bytes pem, struct key **out) {
  static const char *const labels[] = { PEM_STRING_PKCS8INF, PEM_STRING_RSA,
                                        PEM_STRING_ECPRIVATEKEY, NULL };
  AUTO_SECRET der = { 0 };
  TRY(pem_read(pem, labels, &der));
  struct key *k AUTO(key) = NULL;
  TRY(key_load_private(secret_bytes(&der), &k));
  TRY(key_check(k));
  *out = TAKE(k);
  return OK;
}
