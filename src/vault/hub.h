/*
 * The hub of one data directory: opens the store, makes or loads what belongs to it (authority,
 * server certificate, owner, audit log), and serves the API over TLS. This is where the rooms are
 * put together; nothing else knows all of them.
 *
 *   DIR/vault.db     sealed records
 *   DIR/root.key     0600, root key provider "file"
 *   DIR/env          0600, what a client exports
 *   DIR/audit/       the audit log
 *   DIR/ca.pem       the hub's authority, for clients
 *   DIR/tls/         the server's certificate and key (0600)
 *
 * A hub whose root key is a passphrase starts sealed unless it is given: it answers 503 until
 * unsealed. One thread drives a hub.
 */
#ifndef VAULT_HUB_H
#define VAULT_HUB_H

#include "base/conf.h"
#include "crypto/crypto.h"

struct hub;

/* The configuration keys of a hub: see base/conf.h. */
extern const struct conf_key hub_keys[];
extern const size_t hub_key_count;

struct hub_start {
  const struct conf *conf;
  bool init;               /* make what is not there yet */
  bool audit_lost;         /* go on when the audit log, or the end of it, is gone */
  struct bytes passphrase; /* empty: none given */
};
/* Opens, unseals if it can, binds; serving begins with hub_run(). ERR_CONFIG, ERR_ROOT_KEY,
 * ERR_CORRUPT, ERR_CONFLICT with reasons. */
err_t hub_open(const struct hub_start *start, struct hub **out);
void hub_free(struct hub *h);
CLEANUP(hub, struct hub *, hub_free)

/* One JSON line for whoever started it:
 * {"url","listen","listeners","sealed","first","tenant","root","pid"}. */
err_t hub_write_ready(struct hub *h, struct buf *out);

enum hub_exit { HUB_STOPPED, HUB_SEALED /* start it again */ };
/* Serves until SIGTERM or SIGINT, or until it was told to seal itself; SIGHUP reloads the
 * certificate. Blocks. */
err_t hub_run(struct hub *h, enum hub_exit *why);

/* The root key provider of the vault in DIR; ERR_CONFIG when there is none. The hub must not be
 * running. */
err_t hub_root_provider(const char *dir, char out[static 16]);

/* Wraps the master key under another root key; of provider "file", a new one in the file that is
 * configured. The hub must not be running. */
err_t hub_rewrap(const struct conf *conf, const char *provider, struct bytes old_passphrase,
                 struct bytes new_passphrase);

/* Gives the hub's owner, who is made anew if need be, all rights and one new secret; every earlier
 * one stops working. Appends shell lines that export it. The hub must not be running. */
err_t hub_recover_owner(const struct conf *conf, struct bytes passphrase, struct buf *env);

/* The hub's authority, with the hub stopped: its root's key goes to a file, sealed under a
 * passphrase; and a fresh issuing authority. */
err_t hub_ca_take_offline(const struct conf *conf, struct bytes passphrase, const char *file,
                          struct bytes file_passphrase);
struct hub_ca_renewal {
  const char *key_file; /* NULL: the root's key is here */
  struct bytes key_passphrase;
  const char *const *permit; /* none: what the last one may issue for */
  size_t permit_count;
  bool revoke; /* the earlier ones */
};
err_t hub_ca_renew(const struct conf *conf, struct bytes passphrase, const struct hub_ca_renewal *r,
                   unsigned *number);

#endif
