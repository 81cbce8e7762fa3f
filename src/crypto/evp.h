/*
 * OpenSSL's objects, for the files of crypto/ and the TLS part of net/ only.
 *
 * Algorithms are fetched once, at the start: a fetch by name costs more than many of the
 * operations and takes locks. What is fetched is constant afterwards; any thread may use it.
 */
#ifndef CRYPTO_EVP_H
#define CRYPTO_EVP_H

#include "crypto/key.h"
#include "crypto/sha3.h"

#include <openssl/evp.h>
#include <openssl/kdf.h>

/* Borrowed; NULL for oct. */
EVP_PKEY *key_evp(const struct key *k);
struct bytes key_oct(const struct key *k); /* empty for RSA and EC */

/*
 * A context for one operation with the key. What make() prepares at the first use is kept with the
 * key under its slot, and copied for each operation: the copy costs a tenth of a microsecond, the
 * making up to three and OpenSSL's global locks.
 */
#define KEY_SLOTS 28
struct alg;
typedef err_t key_context_make(const struct alg *a, const struct key *k, EVP_PKEY_CTX **out);
err_t key_context(const struct key *k, unsigned slot, key_context_make *make, const struct alg *a,
                  EVP_PKEY_CTX **out);

/* Whether an operation with the private key has ever run out of memory (alg_rsa.c says why). */
bool key_distrusted(const struct key *k);
void key_distrust(const struct key *k);

enum evp_hash { HASH_NONE, HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_COUNT };
enum evp_mode { MODE_ECB, MODE_CBC, MODE_GCM, MODE_COUNT };

const EVP_MD *evp_md(enum evp_hash hash);
const char *evp_hash_name(enum evp_hash hash);
size_t evp_hash_size(enum evp_hash hash);
const EVP_MD *evp_sha3(enum sha3 which);
const EVP_CIPHER *evp_aes(enum evp_mode mode, size_t key_size); /* 16, 24 or 32 bytes */
const EVP_CIPHER *evp_chacha20_poly1305(void);
EVP_MAC_CTX *evp_hmac(enum evp_hash hash); /* a new context, to be keyed; NULL: no memory */
EVP_KDF_CTX *evp_hkdf(void);
EVP_KDF_CTX *evp_scrypt(void);

/* A private key of X25519 (x25519.h). */
err_t evp_x25519(struct bytes private, EVP_PKEY **out);

err_t evp_hmac_once(enum evp_hash hash, struct bytes key, struct bytes data, uint8_t *out);

/* Whether an allocation of OpenSSL's has failed in this thread since this was asked last. OpenSSL
 * itself often reports just that something did not work, or nothing at all. */
bool evp_out_of_memory(void);

/* Records an error with OpenSSL's own reason and empties its queue. True when what failed was an
 * allocation. */
bool evp_failed(err_t e, const char *file, int line, const char *what);

/* The same for ERR_DECRYPT, with one text whatever went wrong: not even the log becomes an oracle.
 */
static inline bool evp_failed_decrypt(void) {
  return evp_failed(ERR_DECRYPT, "crypto", 0, NULL);
}

/* As FAIL(), after a call into OpenSSL; ERR_NOMEM where it ran out of memory. */
#define EVP_FAIL(e, what) \
  do { \
    if (evp_failed((e), __FILE__, __LINE__, (what))) \
      return ERR_NOMEM; \
    return (e); \
  } while (0)

#define EVP_FAIL_DECRYPT() \
  do { \
    if (evp_failed_decrypt()) \
      return ERR_NOMEM; \
    return ERR_DECRYPT; \
  } while (0)

/* As EVP_FAIL(ERR_BAD_PARAMETER), with a text for the client. */
#define EVP_REFUSE(...) \
  do { \
    if (evp_failed(ERR_BAD_PARAMETER, __FILE__, __LINE__, "refused")) \
      return ERR_NOMEM; \
    REFUSE(ERR_BAD_PARAMETER, __VA_ARGS__); \
  } while (0)

CLEANUP(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
CLEANUP(evp_pkey_ctx, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
CLEANUP(evp_cipher_ctx, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
CLEANUP(evp_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
CLEANUP(evp_mac_ctx, EVP_MAC_CTX *, EVP_MAC_CTX_free)
CLEANUP(evp_kdf_ctx, EVP_KDF_CTX *, EVP_KDF_CTX_free)

#endif
