/* Vaults are made, deleted, recovered and purged. */
#include "base/clock.h"
#include "vault/vaults_internal.h"

/* Active, deleted, or too many. */
static err_t check_free(const struct vaults *vs, const char *name) {
  const struct hosted *h = vaults_named(vs, name);
  if (h && h->deleted_at)
    REFUSE(ERR_DELETED,
           "Vault %s is currently in a deleted but recoverable state, and its name cannot be "
           "reused; in this state, the vault can only be recovered or purged.",
           name);
  if (h)
    REFUSE(ERR_CONFLICT, "There is a vault '%s' already.", name);
  if (vs->count == VAULTS_MAX)
    REFUSE(ERR_CONFLICT,
           "The hub has %d vaults, deleted ones included, which is the most that it "
           "may have.",
           VAULTS_MAX);
  return OK;
}

/* Not in the table, and nothing of it in the store yet. */
static err_t hosted_new(struct vaults *vs, const struct vaults_request *rq, struct hosted **out) {
  AUTO(hosted) struct hosted *h = mem_zalloc(sizeof *h);
  AUTO_SECRET master = { 0 };
  if (!h)
    return ERR_NOMEM;
  atomic_init(&h->refs, 1);
  atomic_init(&h->active, true);
  memcpy(h->name, rq->name, strlen(rq->name) + 1);
  h->created = clock_now();
  h->conf = vs->conf.vault;
  if (rq->retention_days)
    h->conf.retention_days = rq->retention_days;
  if (rq->has_purge_protection)
    h->conf.purge_protection = rq->purge_protection;
  TRY(guid_random(h->guid));
  TRY(secret_random(PARTITION_MASTER_SIZE, &master));
  TRY(hosted_open(vs, h, &master));
  TRY(vault_ready(h->vault));
  *out = TAKE(h);
  return OK;
}

static err_t give_roles(struct hosted *h, const char *oid) {
  static const char *const roles[] = { ROLE_OWNER, ROLE_ADMINISTRATOR };
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    char guid[GUID_SIZE + 1];
    TRY(guid_random(guid));
    TRY(role_assign(h->roles, NULL, guid, roles[i], oid, "/"));
  }
  return OK;
}

err_t vaults_create(struct vaults *vs, const struct vaults_request *rq, struct vault_info *out) {
  AUTO(hosted) struct hosted *h = NULL;
  if (!vault_name_valid(bytes_str(rq->name)))
    REFUSE(
      ERR_BAD_PARAMETER,
      "A vault's name has %d to %d letters, digits and dashes, begins with a letter, ends with "
      "a letter or digit and has no two dashes in a row.",
      VAULT_NAME_MIN, VAULT_NAME_MAX);
  VAULTS_CHANGING(vs);
  TRY(check_free(vs, rq->name));
  TRY(hosted_new(vs, rq, &h));
  err_t e = give_roles(h, rq->owner_oid);
  if (e == OK)
    e = hosted_commit(vs, h, 0, 0);
  if (e != OK) { /* its roles may be there already, of no vault */
    vaults_discard(vs, TAKE(h));
    return e;
  }
  *out = vault_info_of(h);
  VAULTS_WRITE(vs);
  vaults_insert(vs, TAKE(h));
  return OK;
}

/* changing is held. */
static err_t set_state(struct vaults *vs, struct hosted *h, int64_t deleted_at, int64_t purge_at,
                       struct vault_info *out) {
  TRY(hosted_commit(vs, h, deleted_at, purge_at));
  VAULTS_WRITE(vs);
  h->deleted_at = deleted_at;
  h->purge_at = purge_at;
  atomic_store(&h->active, deleted_at == 0);
  *out = vault_info_of(h);
  return OK;
}

err_t vaults_delete(struct vaults *vs, const char *name, struct vault_info *out) {
  VAULTS_CHANGING(vs);
  struct hosted *h = vaults_named(vs, name);
  if (!h || h->deleted_at)
    return vaults_not_found(name, false);
  int64_t now = clock_now();
  TRY(set_state(vs, h, now, now + h->conf.retention_days * 86400ll, out));
  vault_close_keys(h->vault);
  return OK;
}

err_t vaults_recover(struct vaults *vs, const char *name, struct vault_info *out) {
  VAULTS_CHANGING(vs);
  struct hosted *h = vaults_named(vs, name);
  if (h && !h->deleted_at)
    REFUSE(ERR_NOT_DELETED, "Vault exists already: %s", name);
  if (!h)
    return vaults_not_found(name, true);
  vault_reopen_keys(h->vault);
  return set_state(vs, h, 0, 0, out);
}

/* changing is held. The record that holds the master key goes first and alone. */
static err_t purge(struct vaults *vs, struct hosted *h) {
  TRY(hosted_commit_removal(vs, h));
  {
    VAULTS_WRITE(vs);
    vaults_remove(vs, h);
  }
  vaults_discard(vs, h);
  return OK;
}

err_t vaults_purge(struct vaults *vs, const char *name) {
  VAULTS_CHANGING(vs);
  struct hosted *h = vaults_named(vs, name);
  if (!h || !h->deleted_at)
    return vaults_not_found(name, true);
  if (h->conf.purge_protection && h->purge_at > clock_now())
    REFUSE(ERR_PURGE_PROTECTED,
           "Operation \"purge\" is not allowed on this vault: purge protection "
           "is on for it until its scheduled purge date.");
  return purge(vs, h);
}

static struct hosted *first_due(const struct vaults *vs, int64_t now) {
  for (size_t i = 0; i < vs->count; i++)
    if (vs->table[i]->deleted_at && vs->table[i]->purge_at <= now)
      return vs->table[i];
  return NULL;
}

err_t vaults_purge_due(struct vaults *vs, vaults_done *done, void *ctx) {
  for (;;) {
    char name[VAULT_NAME_MAX + 1];
    err_t e;
    {
      VAULTS_CHANGING(vs);
      struct hosted *h = first_due(vs, clock_now());
      if (!h)
        return OK;
      memcpy(name, h->name, sizeof name);
      e = purge(vs, h);
    }
    TRY(done(ctx, "VaultPurgeIfDue", name, e));
    TRY(e); /* what fails now is tried again the next time */
  }
}
