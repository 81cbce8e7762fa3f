/*
 * Sealing without the vault: the public part of one of its RSA keys wraps data keys on this
 * machine (RSA-OAEP-256), which only the vault can unwrap. Who seals needs no credentials, no right
 * and no network; who opens needs the vault. Immutable: any thread.
 */
#ifndef CLIENT_PUBLIC_KEY_H
#define CLIENT_PUBLIC_KEY_H

#include "client/data_key.h"

struct public_key;
/* From a JWK, or the vault's answer around one (what 'strongroom key show NAME --json' prints). It
 * must be RSA, without private members, and its "kid" a key id with a version: ERR_CONFIG (FAILed)
 * else. origin is for reasons. */
err_t public_key_read(struct bytes text, const char *origin, struct public_key **out);
void public_key_free(struct public_key *k);
CLEANUP(public_key, struct public_key *, public_key_free)

const char *public_key_id(const struct public_key *k);
/* Wraps for key if that is this one: its id, its name, or name and version; ERR_BAD_PARAMETER else.
 * Unwraps nothing: ERR_FORBIDDEN. k must outlive its users. */
struct key_service public_key_service(const struct public_key *k);

#endif
