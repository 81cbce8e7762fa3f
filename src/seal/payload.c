#include "seal/payload.h"

#include "crypto/aead.h"

#define LABEL "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" /* and its NUL */
#define COMMITMENT 32
#define CHUNKS_MAX (UINT64_C(1) << 38) /* of Cobblestone */
#define AGE_NONCE 16
#define AGE_FILE_KEY 16

struct payload {
  struct payload_shape shape;
  enum aead_alg alg;
  struct secret key;
  uint8_t base_nonce[AEAD_NONCE]; /* Cobblestone's */
  uint8_t prefix[PAYLOAD_PREFIX_MAX];
};

struct payload_cipher {
  struct payload_shape shape;
  struct aead *aead;
  uint8_t base_nonce[AEAD_NONCE];
};

static const struct payload_shape cobblestone = {
  .prefix = COBBLESTONE_PREFIX, .chunk = 16384, .overhead = AEAD_TAG, .short_last = true
};
static const struct payload_shape age = {
  .prefix = AGE_NONCE, .chunk = 65536, .overhead = AEAD_TAG, .short_last = false
};

static err_t allocate(const struct payload_shape *shape, enum aead_alg alg, struct payload **out) {
  struct payload *p = mem_zalloc(sizeof *p);
  if (!p)
    return ERR_NOMEM;
  p->shape = *shape;
  p->alg = alg;
  *out = p;
  return OK;
}

/* Key and base nonce of the salt in prefix[], and what the commitment must be. */
static err_t derive(struct payload *p, struct bytes data_key, struct bytes context,
                    uint8_t commitment[static COMMITMENT]) {
  AUTO_BUF info = BUF_EMPTY;
  AUTO_SECRET all = { 0 };
  if (data_key.size != AEAD_KEY)
    FAIL(ERR_BAD_PARAMETER, "a data key of %zu bytes", data_key.size);
  buf_put(&info, LABEL, sizeof LABEL);
  buf_put(&info, p->prefix, COBBLESTONE_SALT);
  buf_put_bytes(&info, context);
  TRY(buf_ok(&info));
  TRY(crypto_hkdf_expand_sha512(data_key, buf_bytes(&info), AEAD_KEY + AEAD_NONCE + COMMITMENT,
                                &all));
  TRY(secret_copy(bytes_of(all.data, AEAD_KEY), &p->key));
  memcpy(p->base_nonce, all.data + AEAD_KEY, AEAD_NONCE);
  memcpy(commitment, all.data + AEAD_KEY + AEAD_NONCE, COMMITMENT);
  return OK;
}

err_t payload_new(struct bytes data_key, struct bytes context, struct payload **out) {
  AUTO(payload) struct payload *p = NULL;
  TRY(allocate(&cobblestone, AEAD_AES_256_GCM, &p));
  TRY(crypto_random(p->prefix, COBBLESTONE_SALT));
  TRY(derive(p, data_key, context, p->prefix + COBBLESTONE_SALT));
  *out = TAKE(p);
  return OK;
}

err_t payload_open(struct bytes data_key, struct bytes context, struct bytes prefix,
                   struct payload **out) {
  AUTO(payload) struct payload *p = NULL;
  uint8_t expected[COMMITMENT];
  if (prefix.size < COBBLESTONE_PREFIX)
    FAIL(ERR_TRUNCATED, "a payload of %zu bytes", prefix.size);
  TRY(allocate(&cobblestone, AEAD_AES_256_GCM, &p));
  memcpy(p->prefix, prefix.data, COBBLESTONE_PREFIX);
  TRY(derive(p, data_key, context, expected));
  if (!crypto_equal(bytes_of(p->prefix + COBBLESTONE_SALT, COMMITMENT),
                    bytes_of(expected, COMMITMENT)))
    FAIL(ERR_WRONG_KEY, "the commitment is another key's, or another context's");
  *out = TAKE(p);
  return OK;
}

static err_t derive_age(struct payload *p, struct bytes file_key) {
  if (file_key.size != AGE_FILE_KEY)
    FAIL(ERR_BAD_PARAMETER, "a file key of %zu bytes", file_key.size);
  return crypto_hkdf_salted(file_key, bytes_of(p->prefix, AGE_NONCE), "payload", AEAD_KEY, &p->key);
}

err_t payload_new_age(struct bytes file_key, struct payload **out) {
  AUTO(payload) struct payload *p = NULL;
  TRY(allocate(&age, AEAD_CHACHA20_POLY1305, &p));
  TRY(crypto_random(p->prefix, AGE_NONCE));
  TRY(derive_age(p, file_key));
  *out = TAKE(p);
  return OK;
}

err_t payload_open_age(struct bytes file_key, struct bytes prefix, struct payload **out) {
  AUTO(payload) struct payload *p = NULL;
  if (prefix.size < AGE_NONCE)
    FAIL(ERR_TRUNCATED, "a payload of %zu bytes", prefix.size);
  TRY(allocate(&age, AEAD_CHACHA20_POLY1305, &p));
  memcpy(p->prefix, prefix.data, AGE_NONCE);
  TRY(derive_age(p, file_key));
  *out = TAKE(p);
  return OK;
}

void payload_free(struct payload *p) {
  secret_free(&p->key);
  mem_free(p);
}

const struct payload_shape *payload_shape(const struct payload *p) {
  return &p->shape;
}

struct bytes payload_prefix(const struct payload *p) {
  return bytes_of(p->prefix, p->shape.prefix);
}

err_t payload_cipher_new(const struct payload *p, struct payload_cipher **out) {
  AUTO(payload_cipher) struct payload_cipher *c = mem_zalloc(sizeof *c);
  if (!c)
    return ERR_NOMEM;
  c->shape = p->shape;
  memcpy(c->base_nonce, p->base_nonce, AEAD_NONCE);
  TRY(aead_new(p->alg, secret_bytes(&p->key), &c->aead));
  *out = TAKE(c);
  return OK;
}

void payload_cipher_free(struct payload_cipher *c) {
  if (c->aead)
    aead_free(c->aead);
  mem_free(c);
}

/* Cobblestone: the chunk's number over the base nonce's end. age: the number, then what is last. */
static err_t make_nonce(const struct payload_cipher *c, uint64_t number, bool last,
                        uint8_t nonce[static AEAD_NONCE]) {
  size_t end = c->shape.short_last ? AEAD_NONCE : AEAD_NONCE - 1;
  if (c->shape.short_last && number >= CHUNKS_MAX)
    FAIL(ERR_TOO_LARGE, "a payload has at most 2^38 chunks");
  memcpy(nonce, c->base_nonce, AEAD_NONCE);
  for (size_t i = 1; i <= sizeof number; i++, number >>= 8)
    nonce[end - i] ^= (uint8_t)number;
  if (!c->shape.short_last)
    nonce[AEAD_NONCE - 1] = last;
  return OK;
}

/* Whether a chunk may be of this size in its place. */
static bool fits(const struct payload_shape *s, uint64_t number, bool last, size_t plain) {
  if (!last)
    return plain == s->chunk;
  return s->short_last ? plain < s->chunk : plain <= s->chunk && (plain || number == 0);
}

err_t payload_seal_chunk(struct payload_cipher *c, uint64_t number, bool last, struct bytes plain,
                         uint8_t *out) {
  uint8_t nonce[AEAD_NONCE];
  if (!fits(&c->shape, number, last, plain.size))
    FAIL(ERR_INTERNAL, "a chunk of %zu bytes", plain.size);
  TRY(make_nonce(c, number, last, nonce));
  return aead_seal(c->aead, nonce, (struct bytes){ 0 }, plain, out);
}

/* Where the chunk may not be of this size, no text is tried. */
static err_t try_open(struct payload_cipher *c, uint64_t number, bool last, struct bytes sealed,
                      uint8_t *out) {
  uint8_t nonce[AEAD_NONCE];
  if (!fits(&c->shape, number, last, sealed.size - c->shape.overhead))
    return ERR_DECRYPT;
  TRY(make_nonce(c, number, last, nonce));
  return aead_open(c->aead, nonce, (struct bytes){ 0 }, sealed, out);
}

err_t payload_open_chunk(struct payload_cipher *c, uint64_t number, bool last, struct bytes sealed,
                         uint8_t *out) {
  if (sealed.size < c->shape.overhead)
    FAIL(ERR_DAMAGED, "a chunk of %zu bytes", sealed.size);
  err_t e = try_open(c, number, last, sealed, out);
  if (e == OK)
    return OK;
  if (sealed.size > c->shape.overhead)
    memset(out, 0, sealed.size - c->shape.overhead);
  if (e == ERR_DECRYPT)
    FAIL(ERR_DAMAGED, "chunk %llu is not authentic", (unsigned long long)number);
  return e;
}

err_t payload_plain_size(const struct payload_shape *s, uint64_t sealed, uint64_t *plain) {
  uint64_t stride = s->chunk + s->overhead;
  if (sealed < s->prefix + s->overhead)
    FAIL(ERR_TRUNCATED, "a payload of %llu bytes", (unsigned long long)sealed);
  uint64_t full = (sealed - s->prefix) / stride, rest = (sealed - s->prefix) % stride;
  if (rest == 0 && s->short_last)
    FAIL(ERR_TRUNCATED, "the last chunk is missing");
  if (rest && rest < s->overhead)
    FAIL(ERR_TRUNCATED, "%llu bytes are left of the last chunk", (unsigned long long)rest);
  if (rest == s->overhead && !s->short_last && full)
    FAIL(ERR_DAMAGED, "the last chunk is empty");
  if (s->short_last && full >= CHUNKS_MAX)
    FAIL(ERR_DAMAGED, "a payload has at most 2^38 chunks");
  *plain = full * s->chunk + (rest ? rest - s->overhead : 0);
  return OK;
}

uint64_t payload_sealed_size(const struct payload_shape *s, uint64_t plain) {
  uint64_t full = plain / s->chunk, rest = plain % s->chunk;
  bool one_more = rest || s->short_last || full == 0;
  return s->prefix + full * (s->chunk + s->overhead) + (one_more ? rest + s->overhead : 0);
}
