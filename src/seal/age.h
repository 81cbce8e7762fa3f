/*
 * age files (age-encryption.org/v1, c2sp.org/age): read and written here, and by every other
 * implementation. The file key (16 bytes) is wrapped for recipients:
 *
 * - "strongroom": a key of the vault. The stanza's arguments are the key id and the algorithm, its
 *   body the wrapped file key: what age-plugin-strongroom writes and reads for an unmodified age.
 * - "X25519": age1.. and AGE-SECRET-KEY-1.., for break-glass.
 * - "mlkem768x25519": age1pq1.. and AGE-SECRET-KEY-PQ-1.., the same against quantum computers.
 * Written beside their like and symmetric keys of the vault only: the others would undo it.
 * - "scrypt": a passphrase, alone in its header; read and written.
 *
 * Armored files are read; what is written is binary. Any thread.
 */
#ifndef SEAL_AGE_H
#define SEAL_AGE_H

#include "client/data_key.h"
#include "client/use.h"
#include "seal/stream.h"

bool age_looks_like(struct bytes start); /* binary or armored; at least 32 bytes or all there is */

/* Who may open. */
struct age_recipients;
err_t age_recipients_new(struct age_recipients **out);
void age_recipients_free(struct age_recipients *r);
CLEANUP(age_recipients, struct age_recipients *, age_recipients_free)
/* key as in client/use.h. */
err_t age_recipients_add_key(struct age_recipients *r, const struct key_service *vault,
                             const char *key);
/* "age1..", "age1pq1..", "age1strongroom1.." (then vault must not be NULL). ERR_BAD_PARAMETER says
 * what it is when it is another plugin's, or nothing. */
err_t age_recipients_add(struct age_recipients *r, const struct key_service *vault,
                         const char *recipient);
err_t age_recipients_add_passphrase(struct age_recipients *r, struct bytes passphrase);

/* Who opens: tried in turn, the vault last (only if no other opens). */
struct age_identities;
err_t age_identities_new(struct age_identities **out);
void age_identities_free(struct age_identities *i);
CLEANUP(age_identities, struct age_identities *, age_identities_free)
err_t age_identities_add_vault(struct age_identities *i, const struct key_service *vault);
/* An identity file's text: "AGE-SECRET-KEY-1..", "AGE-SECRET-KEY-PQ-1..",
 * "AGE-PLUGIN-STRONGROOM-1..", comments. */
err_t age_identities_add_file(struct age_identities *i, const struct key_service *vault,
                              struct bytes text, const char *origin);
/* Asked for when a file is under a passphrase. */
typedef err_t age_ask_passphrase(void *ctx, struct secret *out);
void age_identities_on_passphrase(struct age_identities *i, age_ask_passphrase *ask, void *ctx);

err_t age_seal(const struct age_recipients *r, const struct stream_options *o, int in, int out);
/* start: what was read of the file already. ERR_WRONG_KEY: none of the identities opens it. */
err_t age_open(const struct age_identities *i, const struct stream_options *o, struct bytes start,
               int in, int out);
err_t age_open_range(const struct age_identities *i, int file, uint64_t offset, uint64_t length,
                     int out);

/* The texts that name a key of the vault to age: recipient and identity, appended. */
err_t age_write_recipient(const char *key_id, struct buf *out);   /* "age1strongroom1.." */
err_t age_write_identity(const char *vault_url, struct buf *out); /* "AGE-PLUGIN-STRONGROOM-1.." */

/* One run of the plugin protocol (c2sp.org/age-plugin) over two descriptors; state_machine is what
 * age named: "recipient-v1" or "identity-v1". */
err_t age_plugin(const struct key_service *vault, const char *state_machine, int in, int out);

#endif
