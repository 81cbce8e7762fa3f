/*
 * Root keys: what protects the vault master key from outside the database. Providers are a table;
 * "file" (a 0600 file of 32 random bytes) and "passphrase" (scrypt).
 *
 * A root is opened from what the operator configured and then wraps or unwraps the master key. The
 * wrapped form names its provider and carries its parameters (salt, cost), so that it can be opened
 * by what it says. Any thread, one call at a time on one root.
 */
#ifndef STORE_ROOT_H
#define STORE_ROOT_H

#include "crypto/crypto.h"

struct root;

/* The provider's secret: for "file" the content of the key file, for "passphrase" the passphrase.
 * Copied to the secure heap. */
err_t root_open(const char *provider, struct bytes secret, struct root **out);
void root_free(struct root *r);
CLEANUP(root, struct root *, root_free)

/* Makes a new root key file (0600, fsynced with its directory; ERR_CONFLICT if it exists) or reads
 * one (ERR_CONFIG when others may read it, when it is not a regular file or not 32 bytes). */
err_t root_file_create(const char *path);
err_t root_file_read(const char *path, struct secret *out);

err_t root_wrap(struct root *r, struct bytes master, struct buf *out);
/* ERR_ROOT_KEY when this is not the root key that wrapped it. */
err_t root_unwrap(struct root *r, struct bytes wrapped, struct secret *master);
/* The provider that wrapped it: "file", "passphrase". */
err_t root_provider_of(struct bytes wrapped, char out[static 16]);
/* Usage text: NULL-terminated names. */
const char *const *root_providers(void);

#endif
