#include "crypto/alg_table.h"
#include "crypto/gcm.h"

#define BLOCK 16

#define WRONG(member, what) \
  REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: %s expected\r\n", member, what)

static err_t gcm_family_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  TRY(crypto_random(io->iv_out, GCM_IV));
  if (!buf_reserve(io->out, io->in.size + BLOCK))
    return ERR_NOMEM;
  struct gcm g = { key_oct(k), bytes_of(io->iv_out, GCM_IV), io->aad };
  TRY(gcm_encrypt(&g, io->in, io->out->data + io->out->size, io->tag_out));
  io->out->size += io->in.size;
  io->iv_out_size = GCM_IV;
  io->tag_out_size = GCM_TAG;
  return OK;
}

static err_t gcm_family_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->iv.size != GCM_IV && io->iv.size != BLOCK)
    WRONG("iv", "12 bytes");
  if (io->tag.size != GCM_TAG)
    WRONG("tag", "16 bytes");
  if (!buf_reserve(io->out, io->in.size + BLOCK))
    return ERR_NOMEM;
  struct gcm g = { key_oct(k), io->iv, io->aad };
  TRY(gcm_decrypt(&g, io->in, io->tag.data, io->out->data + io->out->size));
  io->out->size += io->in.size;
  return OK;
}

const struct alg_family alg_aes_gcm = { gcm_family_encrypt, gcm_family_decrypt, NULL, NULL };

/* Writes at most in.size + BLOCK bytes to out. False on any failure. */
static bool cbc(const struct alg *a, const struct key *k, const struct alg_io *io, bool encrypt,
                uint8_t *out, size_t *size) {
  struct bytes key = key_oct(k);
  int n = 0, last = 0;
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  if (!ctx ||
      !EVP_CipherInit_ex2(ctx, evp_aes(MODE_CBC, key.size), key.data, io->iv.data, encrypt, NULL))
    return false;
  EVP_CIPHER_CTX_set_padding(ctx, a->padding);
  if (io->in.size && !EVP_CipherUpdate(ctx, out, &n, io->in.data, (int)io->in.size))
    return false;
  if (EVP_CipherFinal_ex(ctx, out + n, &last) <= 0)
    return false;
  *size = (size_t)n + (size_t)last;
  return true;
}

static err_t cbc_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->iv.size != BLOCK)
    WRONG("iv", "16 bytes");
  if (!a->padding && (io->in.size == 0 || io->in.size % BLOCK))
    REFUSE_LENGTH(a, io->in.size, "takes a multiple of %d bytes", BLOCK);
  if (!buf_reserve(io->out, io->in.size + BLOCK))
    return ERR_NOMEM;
  size_t n;
  if (!cbc(a, k, io, true, io->out->data + io->out->size, &n))
    EVP_FAIL(ERR_CRYPTO, a->name);
  io->out->size += n;
  memcpy(io->iv_out, io->iv.data, BLOCK);
  io->iv_out_size = BLOCK;
  return OK;
}

static err_t cbc_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->iv.size != BLOCK)
    WRONG("iv", "16 bytes");
  size_t n, room = io->in.size + BLOCK;
  if (!buf_reserve(io->out, room))
    return ERR_NOMEM;
  uint8_t *plain = io->out->data + io->out->size;
  if (io->in.size == 0 || io->in.size % BLOCK || !cbc(a, k, io, false, plain, &n)) {
    explicit_bzero(plain, room);
    EVP_FAIL_DECRYPT();
  }
  io->out->size += n;
  return OK;
}

const struct alg_family alg_aes_cbc = { cbc_encrypt, cbc_decrypt, NULL, NULL };
