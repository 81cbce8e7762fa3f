/*
 * AES key wrap (RFC 3394) and key wrap with padding (RFC 5649) over the block cipher: OpenSSL's own
 * cipher for it goes round the processor's AES instructions, which costs eight times as much and
 * leaves the timing to tables.
 */
#include "crypto/alg_table.h"

#define HALF 8
#define BLOCK 16
#define ROUNDS 6

static const uint8_t KW_START[HALF] = { 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6 };
static const uint8_t KWP_START[4] = { 0xa6, 0x59, 0x59, 0xa6 };

static bool start_cipher(EVP_CIPHER_CTX *ctx, const struct key *k, bool encrypt) {
  struct bytes key = key_oct(k);
  return ctx &&
         EVP_CipherInit_ex2(ctx, evp_aes(MODE_ECB, key.size), key.data, NULL, encrypt, NULL) &&
         EVP_CIPHER_CTX_set_padding(ctx, 0);
}

/* Adds t to A, the first half of block, as RFC 3394's index form does. */
static void mix(uint8_t block[static BLOCK], uint32_t t) {
  for (int i = 0; i < 4; i++)
    block[HALF - 1 - i] ^= (uint8_t)(t >> 8 * i);
}

/* block is A on entry and at the end; r[0..count) are the 64-bit registers. */
static bool wrap(EVP_CIPHER_CTX *ctx, uint8_t block[static BLOCK], uint8_t *r, size_t count) {
  int n;
  uint32_t t = 0;
  for (int round = 0; round < ROUNDS; round++)
    for (size_t i = 0; i < count; i++) {
      memcpy(block + HALF, r + HALF * i, HALF);
      if (!EVP_CipherUpdate(ctx, block, &n, block, BLOCK))
        return false;
      mix(block, ++t);
      memcpy(r + HALF * i, block + HALF, HALF);
    }
  return true;
}

static bool unwrap(EVP_CIPHER_CTX *ctx, uint8_t block[static BLOCK], uint8_t *r, size_t count) {
  int n;
  uint32_t t = ROUNDS * (uint32_t)count;
  for (int round = 0; round < ROUNDS; round++)
    for (size_t i = count; i-- > 0;) {
      mix(block, t--);
      memcpy(block + HALF, r + HALF * i, HALF);
      if (!EVP_CipherUpdate(ctx, block, &n, block, BLOCK))
        return false;
      memcpy(r + HALF * i, block + HALF, HALF);
    }
  return true;
}

static err_t kw_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->in.size < 2 * HALF || io->in.size % HALF)
    REFUSE_LENGTH(a, io->in.size, "takes a multiple of 8 bytes, at least 16");
  if (!buf_reserve(io->out, HALF + io->in.size))
    return ERR_NOMEM;
  uint8_t *out = io->out->data + io->out->size, block[BLOCK];
  memcpy(block, KW_START, HALF);
  memcpy(out + HALF, io->in.data, io->in.size);
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  bool ok = start_cipher(ctx, k, true) && wrap(ctx, block, out + HALF, io->in.size / HALF);
  memcpy(out, block, HALF);
  explicit_bzero(block, sizeof block);
  if (!ok)
    EVP_FAIL(ERR_CRYPTO, a->name);
  io->out->size += HALF + io->in.size;
  return OK;
}

/* Undoes either wrapping: plain gets in.size - HALF bytes, start the initial value. */
static bool undo(const struct key *k, struct bytes in, uint8_t start[static HALF], uint8_t *plain) {
  uint8_t block[BLOCK];
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  bool ok = start_cipher(ctx, k, false);
  if (ok && in.size == BLOCK) { /* RFC 5649, 4.1: one block is encrypted as it is */
    int n;
    ok = EVP_CipherUpdate(ctx, block, &n, in.data, BLOCK);
    memcpy(plain, block + HALF, HALF);
  } else if (ok) {
    memcpy(block, in.data, HALF);
    memcpy(plain, in.data + HALF, in.size - HALF);
    ok = unwrap(ctx, block, plain, in.size / HALF - 1);
  }
  memcpy(start, block, HALF);
  explicit_bzero(block, sizeof block);
  return ok;
}

static err_t kw_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->in.size < 3 * HALF || io->in.size % HALF)
    EVP_FAIL_DECRYPT();
  if (!buf_reserve(io->out, io->in.size))
    return ERR_NOMEM;
  uint8_t *plain = io->out->data + io->out->size, start[HALF];
  if (!undo(k, io->in, start, plain) ||
      !crypto_equal(bytes_of(start, HALF), bytes_of(KW_START, HALF))) {
    explicit_bzero(plain, io->in.size);
    EVP_FAIL_DECRYPT();
  }
  io->out->size += io->in.size - HALF;
  return OK;
}

const struct alg_family alg_aes_kw = { kw_encrypt, kw_decrypt, NULL, NULL };

static err_t kwp_encrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  size_t size = io->in.size, padded = (size + HALF - 1) / HALF * HALF;
  if (size == 0)
    REFUSE_LENGTH(a, size, "takes at least 1 byte");
  if (!buf_reserve(io->out, HALF + padded))
    return ERR_NOMEM;
  uint8_t *out = io->out->data + io->out->size, block[BLOCK] = { 0 };
  memcpy(block, KWP_START, sizeof KWP_START);
  mix(block, (uint32_t)size); /* the length indicator, into the four zero bytes */
  memset(out + HALF, 0, padded);
  memcpy(out + HALF, io->in.data, size);
  EVP_CIPHER_CTX *ctx AUTO(evp_cipher_ctx) = EVP_CIPHER_CTX_new();
  bool ok = start_cipher(ctx, k, true);
  if (ok && padded == HALF) {
    int n;
    memcpy(block + HALF, out + HALF, HALF);
    ok = EVP_CipherUpdate(ctx, block, &n, block, BLOCK);
    memcpy(out + HALF, block + HALF, HALF);
  } else if (ok) {
    ok = wrap(ctx, block, out + HALF, padded / HALF);
  }
  memcpy(out, block, HALF);
  explicit_bzero(block, sizeof block);
  if (!ok)
    EVP_FAIL(ERR_CRYPTO, a->name);
  io->out->size += HALF + padded;
  return OK;
}

/* Whether start and the padding are as wrapping makes them, without saying which is not. */
static bool padding_fits(const uint8_t start[static HALF], const uint8_t *plain, size_t padded,
                         size_t *size) {
  size_t length =
    (size_t)start[4] << 24 | (size_t)start[5] << 16 | (size_t)start[6] << 8 | start[7];
  size_t pad = padded - length; /* of a wrong length: any number */
  unsigned bad = !crypto_equal(bytes_of(start, sizeof KWP_START), bytes_of(KWP_START, 4));
  bad |= pad >= HALF;
  for (size_t i = 0; i < HALF; i++)
    bad |= i < pad ? plain[padded - 1 - i] : 0;
  *size = length;
  return !bad;
}

static err_t kwp_decrypt(const struct alg *a, const struct key *k, struct alg_io *io) {
  if (io->in.size < 2 * HALF || io->in.size % HALF)
    EVP_FAIL_DECRYPT();
  if (!buf_reserve(io->out, io->in.size))
    return ERR_NOMEM;
  uint8_t *plain = io->out->data + io->out->size, start[HALF];
  size_t size = 0;
  if (!undo(k, io->in, start, plain) || !padding_fits(start, plain, io->in.size - HALF, &size)) {
    explicit_bzero(plain, io->in.size);
    EVP_FAIL_DECRYPT();
  }
  io->out->size += size;
  return OK;
}

const struct alg_family alg_aes_kwp = { kwp_encrypt, kwp_decrypt, NULL, NULL };
