/*
 * Payloads: a stream cut into chunks, each sealed under one key with its number as the nonce. Two
 * formats, one view of them, so that streams, ranges and threads are written once (stream.h):
 *
 * - Cobblestone-256 (c2sp.org/chunked-encryption v1, SHA-512 and AES-256-GCM): salt (24) ||
 *   commitment (32) || chunks of 16,384 bytes, of which the last is always shorter.
 * - age's STREAM (c2sp.org/age, ChaCha20-Poly1305): nonce (16) || chunks of 65,536 bytes, of which
 *   the last is marked and empty only when all is.
 *
 * A payload is immutable once made: any thread may use it. Sealing one chunk's number twice with
 * different bytes gives the key away: who seals makes a new payload for each new content.
 */
#ifndef SEAL_PAYLOAD_H
#define SEAL_PAYLOAD_H

#include "crypto/crypto.h"

#define PAYLOAD_PREFIX_MAX 56
#define COBBLESTONE_SALT 24
#define COBBLESTONE_PREFIX 56

struct payload;
struct payload_shape {
  size_t prefix;   /* bytes before the first chunk */
  size_t chunk;    /* bytes of plaintext in each chunk but the last */
  size_t overhead; /* what sealing adds to each chunk */
  bool short_last; /* the last chunk is always shorter than chunk; else it is never empty, unless
                      all is */
};

/* A fresh payload to seal into: random salt. prefix[] is what the file starts with. */
err_t payload_new(struct bytes data_key, struct bytes context, struct payload **out);
/* The one whose prefix this is. ERR_WRONG_KEY when key or context are not those it was sealed
 * with (the commitment). */
err_t payload_open(struct bytes data_key, struct bytes context, struct bytes prefix,
                   struct payload **out);
err_t payload_new_age(struct bytes file_key, struct payload **out);
err_t payload_open_age(struct bytes file_key, struct bytes prefix, struct payload **out);
void payload_free(struct payload *p);
CLEANUP(payload, struct payload *, payload_free)

const struct payload_shape *payload_shape(const struct payload *p);
struct bytes payload_prefix(const struct payload *p);

/* One thread's key schedule: made once, used for many chunks. */
struct payload_cipher;
err_t payload_cipher_new(const struct payload *p, struct payload_cipher **out);
void payload_cipher_free(struct payload_cipher *c);
CLEANUP(payload_cipher, struct payload_cipher *, payload_cipher_free)
/* out has room for plain.size + overhead. */
err_t payload_seal_chunk(struct payload_cipher *c, uint64_t number, bool last, struct bytes plain,
                         uint8_t *out);
/* out has room for sealed.size - overhead. ERR_DAMAGED; out is zeroed then. */
err_t payload_open_chunk(struct payload_cipher *c, uint64_t number, bool last, struct bytes sealed,
                         uint8_t *out);

/* Plaintext bytes in a payload of so many bytes, prefix included. ERR_TRUNCATED, ERR_DAMAGED where
 * no payload has that size. */
err_t payload_plain_size(const struct payload_shape *s, uint64_t sealed, uint64_t *plain);
uint64_t payload_sealed_size(const struct payload_shape *s, uint64_t plain);

#endif
