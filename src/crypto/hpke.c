#include "crypto/hpke.h"

#include "crypto/aead.h"

_Static_assert(HPKE_OVERHEAD == AEAD_TAG, "the tag");
_Static_assert(AEAD_KEY <= SHA256_SIZE, "a key is one block of HKDF-Expand");

/* The KEM, the KDF and the AEAD. */
static const uint8_t suite[] = { 'H', 'P', 'K', 'E', 0x64, 0x7a, 0x00, 0x01, 0x00, 0x03 };
#define VERSION "HPKE-v1"
#define MODE_BASE 0

/* What either side seals or opens with. */
struct schedule {
  struct secret key;
  uint8_t nonce[SHA256_SIZE]; /* its first bytes */
};

static void schedule_free(struct schedule *s) {
  secret_free(&s->key);
}
#define AUTO_SCHEDULE __attribute__((cleanup(schedule_free))) struct schedule

static void put_label(struct buf *b, const char *label) {
  buf_put_str(b, VERSION);
  buf_put(b, suite, sizeof suite);
  buf_put_str(b, label);
}

/* LabeledExtract; nothing that goes through the buf is secret. */
static err_t extract(struct bytes salt, const char *label, struct bytes ikm,
                     uint8_t out[static SHA256_SIZE]) {
  AUTO_BUF text = BUF_EMPTY;
  put_label(&text, label);
  buf_put_bytes(&text, ikm);
  TRY(buf_ok(&text));
  return crypto_hmac_sha256(salt, buf_bytes(&text), out);
}

/* LabeledExpand to at most one block, the rest of which is to be cut off. */
static err_t expand(struct bytes prk, const char *label, struct bytes info, uint8_t size,
                    uint8_t out[static SHA256_SIZE]) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_char(&text, 0);
  buf_put_char(&text, (char)size);
  put_label(&text, label);
  buf_put_bytes(&text, info);
  buf_put_char(&text, 1); /* the block's number */
  TRY(buf_ok(&text));
  return crypto_hmac_sha256(prk, buf_bytes(&text), out);
}

/* The key schedule (5.1) without a pre-shared key. */
static err_t make_schedule(const struct secret *shared, const char *info, struct schedule *s) {
  AUTO_SECRET prk = { 0 };
  const struct bytes none = { 0 };
  uint8_t context[1 + 2 * SHA256_SIZE] = { MODE_BASE };
  struct bytes all = bytes_of(context, sizeof context);
  TRY(extract(none, "psk_id_hash", none, context + 1));
  TRY(extract(none, "info_hash", bytes_str(info), context + 1 + SHA256_SIZE));
  TRY(secret_new(SHA256_SIZE, &prk));
  TRY(secret_new(AEAD_KEY, &s->key));
  TRY(extract(secret_bytes(shared), "secret", none, prk.data));
  TRY(expand(secret_bytes(&prk), "key", all, AEAD_KEY, s->key.data));
  return expand(secret_bytes(&prk), "base_nonce", all, AEAD_NONCE, s->nonce);
}

err_t hpke_seal(const uint8_t public[static XWING_PUBLIC], const char *info, struct bytes plain,
                uint8_t enc[static HPKE_ENC], uint8_t *out) {
  AUTO_SECRET shared = { 0 };
  AUTO_SCHEDULE s = { 0 };
  AUTO(aead) struct aead *a = NULL;
  TRY(xwing_encapsulate(public, enc, &shared));
  TRY(make_schedule(&shared, info, &s));
  TRY(aead_new(AEAD_CHACHA20_POLY1305, secret_bytes(&s.key), &a));
  return aead_seal(a, s.nonce, (struct bytes){ 0 }, plain, out);
}

err_t hpke_open(struct bytes seed, const char *info, const uint8_t enc[static HPKE_ENC],
                struct bytes sealed, struct secret *out) {
  AUTO_SECRET shared = { 0 }, plain = { 0 };
  AUTO_SCHEDULE s = { 0 };
  AUTO(aead) struct aead *a = NULL;
  if (sealed.size < HPKE_OVERHEAD)
    FAIL(ERR_DECRYPT, "HPKE: a message of %zu bytes", sealed.size);
  TRY(xwing_decapsulate(seed, enc, &shared));
  TRY(make_schedule(&shared, info, &s));
  TRY(secret_new(sealed.size - HPKE_OVERHEAD, &plain));
  TRY(aead_new(AEAD_CHACHA20_POLY1305, secret_bytes(&s.key), &a));
  TRY(aead_open(a, s.nonce, (struct bytes){ 0 }, sealed, plain.data));
  *out = secret_take(&plain);
  return OK;
}
