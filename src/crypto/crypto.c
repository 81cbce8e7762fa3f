#include "crypto/crypto.h"

#include "crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <sys/resource.h>

/* The smallest block of the secure heap: a P-256 private number. */
#define HEAP_BLOCK 32
/* Inside another program. */
#define ATTACHED_HEAP (1u << 20)
#define ATTACHED_HEAP_LEAST (1u << 18)

static const char *const hash_names[HASH_COUNT] = {
  [HASH_SHA1] = "SHA1",
  [HASH_SHA256] = "SHA256",
  [HASH_SHA384] = "SHA384",
  [HASH_SHA512] = "SHA512",
};
static const uint8_t hash_sizes[HASH_COUNT] = {
  [HASH_SHA1] = 20, [HASH_SHA256] = 32, [HASH_SHA384] = 48, [HASH_SHA512] = 64
};
static const char *const sha3_names[SHA3_COUNT] = {
  [SHA3_256] = "SHA3-256",
  [SHA3_512] = "SHA3-512",
  [SHAKE128] = "SHAKE-128",
  [SHAKE256] = "SHAKE-256",
};
static const char *const aes_names[MODE_COUNT][3] = {
  [MODE_ECB] = { "AES-128-ECB", "AES-192-ECB", "AES-256-ECB" },
  [MODE_CBC] = { "AES-128-CBC", "AES-192-CBC", "AES-256-CBC" },
  [MODE_GCM] = { "AES-128-GCM", "AES-192-GCM", "AES-256-GCM" },
};

/* Set by crypto_init() or crypto_attach(), constant afterwards. */
static struct {
  EVP_MD *md[HASH_COUNT], *sha3[SHA3_COUNT];
  EVP_MAC_CTX *hmac[HASH_COUNT]; /* without a key; copied for each use */
  EVP_CIPHER *aes[MODE_COUNT][3], *chacha;
  EVP_KDF *hkdf, *scrypt;
} fetched;

/* By crypto_init(); then constant. */
static bool started, heap_locked;

static _Thread_local bool out_of_memory; /* evp_out_of_memory() */

static void *openssl_alloc(size_t n, const char *file, int line) {
  void *p = mem_alloc(n);
  out_of_memory |= !p;
  return p;
}

static void *openssl_realloc(void *p, size_t n, const char *file, int line) {
  if (n == 0) {
    mem_free(p);
    return NULL;
  }
  void *q = mem_realloc(p, n);
  out_of_memory |= !q;
  return q;
}

static void openssl_free(void *p, const char *file, int line) {
  mem_free(p);
}

static err_t fetch_hash(EVP_MAC *hmac, enum evp_hash hash) {
  OSSL_PARAM params[] = {
    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash_names[hash], 0),
    OSSL_PARAM_END,
  };
  fetched.md[hash] = EVP_MD_fetch(NULL, hash_names[hash], NULL);
  fetched.hmac[hash] = EVP_MAC_CTX_new(hmac);
  if (!fetched.md[hash] || !fetched.hmac[hash] ||
      !EVP_MAC_CTX_set_params(fetched.hmac[hash], params))
    EVP_FAIL(ERR_CRYPTO, hash_names[hash]);
  return OK;
}

static err_t fetch_all(void) {
  EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  if (!hmac)
    EVP_FAIL(ERR_CRYPTO, "HMAC");
  err_t e = OK;
  for (unsigned h = HASH_SHA1; h < HASH_COUNT && e == OK; h++)
    e = fetch_hash(hmac, (enum evp_hash)h);
  EVP_MAC_free(hmac); /* the contexts hold their own shares */
  TRY(e);
  for (unsigned i = 0; i < SHA3_COUNT; i++)
    if (!(fetched.sha3[i] = EVP_MD_fetch(NULL, sha3_names[i], NULL)))
      EVP_FAIL(ERR_CRYPTO, sha3_names[i]);
  for (unsigned m = 0; m < MODE_COUNT; m++)
    for (unsigned i = 0; i < 3; i++)
      if (!(fetched.aes[m][i] = EVP_CIPHER_fetch(NULL, aes_names[m][i], NULL)))
        EVP_FAIL(ERR_CRYPTO, aes_names[m][i]);
  if (!(fetched.chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL)))
    EVP_FAIL(ERR_CRYPTO, "ChaCha20-Poly1305");
  fetched.hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  fetched.scrypt = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
  if (!fetched.hkdf || !fetched.scrypt)
    EVP_FAIL(ERR_CRYPTO, "key derivation");
  return OK;
}

err_t crypto_init(size_t heap_size, bool *locked) {
  if (!CRYPTO_set_mem_functions(openssl_alloc, openssl_realloc, openssl_free))
    FAIL(ERR_CRYPTO, "OpenSSL allocated memory before crypto_init()");
  int heap = CRYPTO_secure_malloc_init(heap_size, HEAP_BLOCK);
  if (heap == 0)
    EVP_FAIL(ERR_CRYPTO, "secure heap");
  TRY(fetch_all());
  *locked = heap == 1;
  started = true;
  heap_locked = heap == 1;
  return OK;
}

/* How much of ATTACHED_HEAP may be locked; the least one where that is nothing. */
static size_t lockable(void) {
  size_t size = ATTACHED_HEAP;
  struct rlimit l;
  if (getrlimit(RLIMIT_MEMLOCK, &l) == 0 && l.rlim_cur != RLIM_INFINITY)
    while (size > ATTACHED_HEAP_LEAST && size > l.rlim_cur)
      size /= 2;
  return size;
}

static pthread_once_t attach_once = PTHREAD_ONCE_INIT;
static err_t attached;
static struct err_last attach_failure;

static err_t attach(void) {
  if (started)
    return OK;
  int heap =
    CRYPTO_secure_malloc_initialized() ? 1 : CRYPTO_secure_malloc_init(lockable(), HEAP_BLOCK);
  /* Another thread of the program's may have been first. */
  if (heap == 0 && !CRYPTO_secure_malloc_initialized())
    EVP_FAIL(ERR_CRYPTO, "secure heap");
  TRY(fetch_all());
  heap_locked = heap != 2;
  return OK;
}

static void attach_and_keep(void) {
  attached = attach();
  attach_failure = *err_last();
}

err_t crypto_attach(bool *locked) {
  pthread_once(&attach_once, attach_and_keep);
  if (attached != OK) {
    err_restore(&attach_failure);
    return attached;
  }
  if (locked)
    *locked = heap_locked;
  return OK;
}

void crypto_clear_errors(void) {
  if (ERR_peek_error())
    ERR_clear_error();
}

const EVP_MD *evp_md(enum evp_hash hash) {
  return fetched.md[hash];
}

const char *evp_hash_name(enum evp_hash hash) {
  return hash_names[hash];
}

size_t evp_hash_size(enum evp_hash hash) {
  return hash_sizes[hash];
}

const EVP_MD *evp_sha3(enum sha3 which) {
  return fetched.sha3[which];
}

const EVP_CIPHER *evp_aes(enum evp_mode mode, size_t key_size) {
  return fetched.aes[mode][key_size / 8 - 2];
}

const EVP_CIPHER *evp_chacha20_poly1305(void) {
  return fetched.chacha;
}

EVP_MAC_CTX *evp_hmac(enum evp_hash hash) {
  return EVP_MAC_CTX_dup(fetched.hmac[hash]);
}

EVP_KDF_CTX *evp_hkdf(void) {
  return EVP_KDF_CTX_new(fetched.hkdf);
}

EVP_KDF_CTX *evp_scrypt(void) {
  return EVP_KDF_CTX_new(fetched.scrypt);
}

bool evp_out_of_memory(void) {
  bool was = out_of_memory;
  out_of_memory = false;
  return was;
}

bool evp_failed(err_t e, const char *file, int line, const char *what) {
  bool no_memory = evp_out_of_memory();
  char reason[160] = "no reason given";
  unsigned long last = ERR_peek_last_error();
  if (what && last)
    ERR_error_string_n(last, reason, sizeof reason);
  for (unsigned long code; (code = ERR_get_error());)
    no_memory |= ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE; /* the secure heap */
  if (no_memory)
    e = ERR_NOMEM;
  if (what)
    (void)err_fail(e, file, line, "%s: %s", what, reason);
  else
    (void)err_fail(e, file, line, "decryption failed");
  return no_memory;
}

err_t secret_new(size_t size, struct secret *out) {
  void *p = OPENSSL_secure_zalloc(size ? size : 1);
  if (!p) {
    ERR_clear_error();
    FAIL(ERR_NOMEM, "the secure heap has no %zu bytes left (%zu used)", size, CRYPTO_secure_used());
  }
  *out = (struct secret){ p, size };
  return OK;
}

err_t secret_copy(struct bytes from, struct secret *out) {
  TRY(secret_new(from.size, out));
  if (from.size)
    memcpy(out->data, from.data, from.size);
  return OK;
}

err_t secret_random(size_t size, struct secret *out) {
  AUTO_SECRET s = { 0 };
  TRY(secret_new(size, &s));
  if (RAND_priv_bytes_ex(NULL, s.data, size, 0) <= 0)
    EVP_FAIL(ERR_CRYPTO, "random bytes");
  *out = secret_take(&s);
  return OK;
}

void secret_free(struct secret *s) {
  OPENSSL_secure_clear_free(s->data, s->size);
  *s = (struct secret){ 0 };
}

bool crypto_equal(struct bytes a, struct bytes b) {
  return a.size == b.size && (a.size == 0 || CRYPTO_memcmp(a.data, b.data, a.size) == 0);
}

err_t crypto_random(void *out, size_t n) {
  if (RAND_bytes_ex(NULL, out, n, 0) <= 0)
    EVP_FAIL(ERR_CRYPTO, "random bytes");
  return OK;
}

err_t crypto_sha256_parts(const struct bytes *parts, size_t count,
                          uint8_t out[static SHA256_SIZE]) {
  EVP_MD_CTX *ctx AUTO(evp_md_ctx) = EVP_MD_CTX_new();
  if (!ctx || !EVP_DigestInit_ex2(ctx, evp_md(HASH_SHA256), NULL))
    EVP_FAIL(ERR_CRYPTO, "SHA-256");
  for (size_t i = 0; i < count; i++)
    if (!EVP_DigestUpdate(ctx, parts[i].data, parts[i].size))
      EVP_FAIL(ERR_CRYPTO, "SHA-256");
  if (!EVP_DigestFinal_ex(ctx, out, NULL))
    EVP_FAIL(ERR_CRYPTO, "SHA-256");
  return OK;
}

err_t crypto_sha256(struct bytes data, uint8_t out[static SHA256_SIZE]) {
  return crypto_sha256_parts(&data, 1, out);
}

err_t crypto_sha384(struct bytes data, uint8_t out[static SHA384_SIZE]) {
  if (!EVP_Digest(data.data, data.size, out, NULL, evp_md(HASH_SHA384), NULL))
    EVP_FAIL(ERR_CRYPTO, "SHA-384");
  return OK;
}

err_t crypto_sha1(struct bytes data, uint8_t out[static SHA1_SIZE]) {
  if (!EVP_Digest(data.data, data.size, out, NULL, evp_md(HASH_SHA1), NULL))
    EVP_FAIL(ERR_CRYPTO, "SHA-1");
  return OK;
}

err_t evp_hmac_once(enum evp_hash hash, struct bytes key, struct bytes data, uint8_t *out) {
  EVP_MAC_CTX *ctx AUTO(evp_mac_ctx) = evp_hmac(hash);
  size_t n = 0, size = hash_sizes[hash];
  const uint8_t *k = key.data ? key.data : (const uint8_t *)""; /* NULL would mean: keep the key */
  if (!ctx || !EVP_MAC_init(ctx, k, key.size, NULL) || !EVP_MAC_update(ctx, data.data, data.size) ||
      !EVP_MAC_final(ctx, out, &n, size) || n != size)
    EVP_FAIL(ERR_CRYPTO, "HMAC");
  return OK;
}

err_t crypto_hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static SHA256_SIZE]) {
  return evp_hmac_once(HASH_SHA256, key, data, out);
}
