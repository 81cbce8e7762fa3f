#include "vault/acme/nonce.h"

#include "base/codec.h"

#include <pthread.h>

#define NUMBER_SIZE 8
#define RAW_SIZE 32 /* number and MAC */

struct nonces {
  struct secret key;
  pthread_mutex_t lock;
  uint64_t next;
  uint8_t used[NONCES_KEPT / 8];
};

err_t nonces_new(struct nonces **out) {
  AUTO(nonces) struct nonces *n = mem_zalloc(sizeof *n);
  if (!n)
    return ERR_NOMEM;
  pthread_mutex_init(&n->lock, NULL);
  TRY(secret_random(32, &n->key));
  *out = TAKE(n);
  return OK;
}

void nonces_free(struct nonces *n) {
  secret_free(&n->key);
  pthread_mutex_destroy(&n->lock);
  mem_free(n);
}

static err_t raw_of(const struct nonces *n, uint64_t number, uint8_t out[static RAW_SIZE]) {
  uint8_t mac[SHA256_SIZE];
  for (unsigned i = 0; i < NUMBER_SIZE; i++)
    out[i] = (uint8_t)(number >> 8 * (NUMBER_SIZE - 1 - i));
  TRY(crypto_hmac_sha256(secret_bytes(&n->key), bytes_of(out, NUMBER_SIZE), mac));
  memcpy(out + NUMBER_SIZE, mac, RAW_SIZE - NUMBER_SIZE);
  return OK;
}

err_t nonce_make(struct nonces *n, char out[static NONCE_SIZE + 1]) {
  uint8_t raw[RAW_SIZE];
  pthread_mutex_lock(&n->lock);
  uint64_t number = n->next++, bit = number % NONCES_KEPT;
  n->used[bit / 8] &= (uint8_t) ~(1u << bit % 8); /* of the one that is forgotten now */
  pthread_mutex_unlock(&n->lock);
  TRY(raw_of(n, number, raw));
  AUTO_BUF text = BUF_EMPTY;
  buf_put_b64url(&text, bytes_of(raw, sizeof raw));
  TRY(buf_ok(&text));
  return bytes_to_cstr(buf_bytes(&text), out, NONCE_SIZE + 1);
}

bool nonce_use(struct nonces *n, struct bytes nonce) {
  uint8_t raw[RAW_SIZE], ours[RAW_SIZE];
  size_t size;
  uint64_t number = 0;
  if (b64url_decode(nonce, raw, sizeof raw, &size) != OK || size != sizeof raw)
    return false;
  for (unsigned i = 0; i < NUMBER_SIZE; i++)
    number = number << 8 | raw[i];
  if (raw_of(n, number, ours) != OK || !crypto_equal(bytes_of(raw, size), bytes_of(ours, size)))
    return false;
  pthread_mutex_lock(&n->lock);
  uint64_t bit = number % NONCES_KEPT;
  uint8_t mask = (uint8_t)(1u << bit % 8);
  bool good = n->next - number <= NONCES_KEPT && !(n->used[bit / 8] & mask);
  if (good)
    n->used[bit / 8] |= mask;
  pthread_mutex_unlock(&n->lock);
  return good;
}
