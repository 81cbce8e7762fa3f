/*
 * The vaults of a hub beyond its own: each has a name, by which it is reached, a part of the store
 * with a master key of its own, objects and roles. What a vault is made of is committed before the
 * record "vaults/<guid>", which makes it exist and holds its master key.
 *
 * A deleted vault answers nothing and can be recovered until it is purged. A purge removes the
 * record with the master key first: from then on nothing opens what is left in the vault's part.
 * That is swept after the last request is through; what a stop leaves behind, by the next start.
 *
 * Names compare without case. Any thread, after vaults_ready(); what changes something blocks on
 * the disk.
 */
#ifndef VAULT_VAULTS_H
#define VAULT_VAULTS_H

#include "identity/role.h"
#include "vault/certificates.h"

#define VAULT_NAME_MIN 3
#define VAULT_NAME_MAX ROLES_VAULT_MAX
#define VAULTS_MAX 1000 /* deleted ones count */

struct vaults;

struct vaults_conf {
  struct store *store;
  struct identity *identity;
  struct vault_conf vault;         /* what a vault has if it is not told otherwise */
  struct cert_authority authority; /* the issuer "Hub" of all vaults */
  void (*wake)(void *ctx);         /* there is something to sweep; NULL: nobody waits for it */
  void *ctx;
};
/* None yet; then every record of vaults_owns() places; then, if there are records of parts (see
 * partition_of()), each of them; then ready, after identity_ready(). To be freed before the hub's
 * own vault, whose room for opened keys they share, and the directory. */
err_t vaults_new(const struct vaults_conf *conf, struct vaults **out);
void vaults_free(struct vaults *vs);
CLEANUP(vaults, struct vaults *, vaults_free)
bool vaults_owns(struct bytes place); /* "vaults/.." */
err_t vaults_load(struct vaults *vs, struct bytes place, struct bytes body);
err_t vaults_load_part(struct vaults *vs, struct bytes full, struct bytes body);
err_t vaults_ready(struct vaults *vs);

/* ^[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9]$ of 3 to 24 characters, no two dashes in a row. */
bool vault_name_valid(struct bytes name);

/* A vault under its name: counted. Its vault and roles live as long as there is a share. */
struct hosted {
  _Atomic unsigned refs;
  _Atomic bool active; /* it answers */
  char name[VAULT_NAME_MAX + 1], folded[VAULT_NAME_MAX + 1];
  char guid[GUID_SIZE + 1];
  int64_t created, deleted_at, purge_at; /* the latter two under the lock; 0: not deleted */
  struct vault_conf conf;
  struct partition part;
  struct vault *vault;
  struct roles *roles;
  struct hosted *next; /* of those that are purged and not yet swept */
};
void hosted_free(struct hosted *h); /* gives a share back */
CLEANUP(hosted, struct hosted *, hosted_free)

/* A share of the active vault of that name; NULL when there is none. */
struct hosted *vaults_find(struct vaults *vs, struct bytes name);
/* A share of the active vault that follows in the order of names; "" is before the first. */
struct hosted *vaults_next(struct vaults *vs, const char *folded);

/* A vault's properties as they were at one moment. */
struct vault_info {
  char name[VAULT_NAME_MAX + 1];
  int64_t created, deleted_at, purge_at;
  unsigned retention_days;
  bool purge_protection;
};
err_t vaults_show(struct vaults *vs, const char *name, bool deleted, struct vault_info *out);
/* In the order of names; marker: the last one of the page before, "" for the first page. */
void vaults_list(struct vaults *vs, bool deleted, const char *marker, struct vault_info *page,
                 size_t room, size_t *count, bool *more);

struct vaults_request {
  const char *name, *owner_oid; /* the owner gets Owner and Key Vault Administrator */
  unsigned retention_days;      /* 0: the hub's */
  bool has_purge_protection, purge_protection;
};
err_t vaults_create(struct vaults *vs, const struct vaults_request *rq, struct vault_info *out);
err_t vaults_delete(struct vaults *vs, const char *name, struct vault_info *out);
err_t vaults_recover(struct vaults *vs, const char *name, struct vault_info *out);
err_t vaults_purge(struct vaults *vs, const char *name);

/* One thread, the scheduler's. Purges what has been deleted for its time: calls done for each,
 * whose error ends it. */
typedef err_t vaults_done(void *ctx, const char *operation, const char *name, err_t e);
err_t vaults_purge_due(struct vaults *vs, vaults_done *done, void *ctx);
/* Removes records of vaults that are no more, in commits of a bounded size. */
err_t vaults_sweep(struct vaults *vs);

#endif
