/*
 * The crypto room: the only one (with the TLS part of net/) that sees OpenSSL. This header:
 * start-up, secrets, random bytes, digests, key derivation and sealing. Keys are in key.h, what
 * they can do in alg.h.
 *
 * struct secret lives on OpenSSL's secure heap (locked, never dumped, wiped on release) and nowhere
 * else. Any thread may call anything here; nothing keeps state between calls but what it returns.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "base/bytes.h"

#include <sys/uio.h>

/*
 * Once, first thing in main(): makes OpenSSL's ordinary allocations wipe on free (base/mem.h), sets
 * up a secure heap of heap_size bytes (a power of two), fetches the algorithms used. *locked is
 * false where the system refused to lock it.
 */
err_t crypto_init(size_t heap_size, bool *locked);
/*
 * The same inside a program that may have used OpenSSL before: its allocators stay as they are, and
 * its secure heap is used if it has one; else one of up to 1 MiB is made, as much as may be locked.
 * *locked (may be NULL) is true for the program's own. Any thread, any number of times, also after
 * crypto_init(); what the first call came to is what all are told.
 */
err_t crypto_attach(bool *locked);

/* Empties the thread's queue of OpenSSL's errors, which whoever called us may look into. */
void crypto_clear_errors(void);

struct secret {
  uint8_t *data;
  size_t size;
};
err_t secret_new(size_t size, struct secret *out); /* zeroed */
err_t secret_copy(struct bytes from, struct secret *out);
err_t secret_random(size_t size, struct secret *out);
void secret_free(struct secret *s); /* wipes; a zeroed struct is fine */
static inline struct bytes secret_bytes(const struct secret *s) {
  return (struct bytes){ s->data, s->size };
}
#define AUTO_SECRET __attribute__((cleanup(secret_free))) struct secret
/* Hands a secret over: returns it and leaves a zeroed struct behind. */
static inline struct secret secret_take(struct secret *s) {
  struct secret taken = *s;
  *s = (struct secret){ 0 };
  return taken;
}

bool crypto_equal(struct bytes a, struct bytes b); /* constant time for equal sizes */
err_t crypto_random(void *out, size_t n);

#define SHA256_SIZE 32
err_t crypto_sha256(struct bytes data, uint8_t out[static SHA256_SIZE]);
err_t crypto_sha256_parts(const struct bytes *parts, size_t count, uint8_t out[static SHA256_SIZE]);
#define SHA384_SIZE 48
err_t crypto_sha384(struct bytes data, uint8_t out[static SHA384_SIZE]);
/* Only to find a certificate by the name that some clients call it by (x5t, RFC 7515 4.1.7): it
 * proves nothing. */
#define SHA1_SIZE 20
err_t crypto_sha1(struct bytes data, uint8_t out[static SHA1_SIZE]);
err_t crypto_hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static SHA256_SIZE]);

/* HKDF-SHA-256 (RFC 5869) without salt; info names the purpose. */
err_t crypto_hkdf(struct bytes key, const char *info, size_t size, struct secret *out);
/* The same with a salt, which may be empty. */
err_t crypto_hkdf_salted(struct bytes key, struct bytes salt, const char *info, size_t size,
                         struct secret *out);
/* HKDF-Expand alone (RFC 5869 2.3) with SHA-512: prk is uniformly random, info of any length. */
err_t crypto_hkdf_expand_sha512(struct bytes prk, struct bytes info, size_t size,
                                struct secret *out);
/* scrypt (RFC 7914), r = 8, p = 1; log2_n from 1 to 20; what is chosen here is 17 or
 * more. */
err_t crypto_scrypt(struct bytes passphrase, struct bytes salt, unsigned log2_n, size_t size,
                    struct secret *out);

/*
 * Sealing: AES-256-GCM. The sealed form is nonce (12, random) || ciphertext || tag (16), appended
 * to out; the same aad must be given to open. A key may seal 2^32 messages: who seals more derives
 * a key for each place.
 */
#define SEAL_OVERHEAD 28
err_t crypto_seal(struct bytes key, struct bytes aad, struct bytes plain, struct buf *out);
/* ERR_CORRUPT if the text, the aad or the key is not the one sealed; nothing is appended then. */
err_t crypto_open(struct bytes key, struct bytes aad, struct bytes sealed, struct buf *out);
err_t crypto_open_secret(struct bytes key, struct bytes aad, struct bytes sealed,
                         struct secret *out);

#endif
