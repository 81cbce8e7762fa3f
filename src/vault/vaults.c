/* The table of vaults: made, searched, listed. */
#include "base/sorted.h"
#include "vault/vaults_internal.h"

bool vault_name_valid(struct bytes name) {
  if (name.size < VAULT_NAME_MIN || name.size > VAULT_NAME_MAX)
    return false;
  for (size_t i = 0; i < name.size; i++) {
    uint8_t c = name.data[i], lower = c | 32;
    bool letter = lower >= 'a' && lower <= 'z', digit = c >= '0' && c <= '9';
    bool dash = c == '-' && i > 0 && i + 1 < name.size && name.data[i - 1] != '-';
    if (!letter && !dash && !(digit && i > 0))
      return false;
  }
  return true;
}

void vault_name_fold(struct bytes name, char folded[static VAULT_NAME_MAX + 1]) {
  size_t n = name.size < VAULT_NAME_MAX ? name.size : VAULT_NAME_MAX;
  for (size_t i = 0; i < n; i++) {
    uint8_t c = name.data[i];
    folded[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  folded[n] = '\0';
}

err_t vaults_new(const struct vaults_conf *conf, struct vaults **out) {
  pthread_rwlockattr_t attr;
  if (pthread_rwlockattr_init(&attr) != 0)
    FAIL(ERR_NOMEM, "lock attributes");
  /* A change must not wait for as long as there are requests. */
  pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  struct vaults *vs = mem_zalloc(sizeof *vs);
  if (vs) {
    vs->conf = *conf;
    pthread_mutex_init(&vs->changing, NULL);
    pthread_rwlock_init(&vs->lock, &attr);
  }
  pthread_rwlockattr_destroy(&attr);
  if (!vs)
    return ERR_NOMEM;
  *out = vs;
  return OK;
}

void hosted_free(struct hosted *h) {
  if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (h->vault)
    vault_free(h->vault);
  if (h->roles)
    roles_free(h->roles);
  partition_close(&h->part);
  mem_free(h);
}

void vaults_free(struct vaults *vs) {
  for (size_t i = 0; i < vs->count; i++)
    hosted_free(vs->table[i]);
  for (struct hosted *h = vs->purged, *next; h; h = next) {
    next = h->next;
    hosted_free(h);
  }
  guid_map_free(&vs->by_guid);
  buf_free(&vs->leftovers);
  pthread_rwlock_destroy(&vs->lock);
  pthread_mutex_destroy(&vs->changing);
  mem_free(vs);
}

bool vaults_position(const struct vaults *vs, const char *folded, size_t *pos) {
  return sorted_find(vs->table, vs->count, offsetof(struct hosted, folded), folded, pos);
}

struct hosted *vaults_named(const struct vaults *vs, const char *name) {
  char folded[VAULT_NAME_MAX + 1];
  size_t pos;
  if (!vault_name_valid(bytes_str(name)))
    return NULL;
  vault_name_fold(bytes_str(name), folded);
  return vaults_position(vs, folded, &pos) ? vs->table[pos] : NULL;
}

void vaults_insert(struct vaults *vs, struct hosted *h) {
  size_t pos;
  vaults_position(vs, h->folded, &pos);
  memmove(vs->table + pos + 1, vs->table + pos, (vs->count - pos) * sizeof(struct hosted *));
  vs->table[pos] = h;
  vs->count++;
}

void vaults_remove(struct vaults *vs, struct hosted *h) {
  size_t pos;
  if (!vaults_position(vs, h->folded, &pos))
    return;
  vs->count--;
  memmove(vs->table + pos, vs->table + pos + 1, (vs->count - pos) * sizeof(struct hosted *));
}

static struct hosted *share_of(struct hosted *h) {
  atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
  return h;
}

static bool is_active(const struct hosted *h) {
  return atomic_load_explicit(&h->active, memory_order_relaxed);
}

struct hosted *vaults_find(struct vaults *vs, struct bytes name) {
  char folded[VAULT_NAME_MAX + 1];
  size_t pos;
  if (name.size > VAULT_NAME_MAX)
    return NULL;
  vault_name_fold(name, folded);
  VAULTS_READ(vs);
  if (!vaults_position(vs, folded, &pos) || !is_active(vs->table[pos]))
    return NULL;
  return share_of(vs->table[pos]);
}

/* Where the names that follow this one begin. */
static size_t after(const struct vaults *vs, const char *folded) {
  size_t pos;
  return vaults_position(vs, folded, &pos) ? pos + 1 : pos;
}

struct hosted *vaults_next(struct vaults *vs, const char *folded) {
  VAULTS_READ(vs);
  for (size_t i = after(vs, folded); i < vs->count; i++)
    if (is_active(vs->table[i]))
      return share_of(vs->table[i]);
  return NULL;
}

struct vault_info vault_info_of(const struct hosted *h) {
  struct vault_info info = { .created = h->created,
                             .deleted_at = h->deleted_at,
                             .purge_at = h->purge_at,
                             .retention_days = h->conf.retention_days,
                             .purge_protection = h->conf.purge_protection };
  memcpy(info.name, h->name, sizeof info.name);
  return info;
}

err_t vaults_not_found(const char *name, bool deleted) {
  if (deleted)
    REFUSE(ERR_NOT_FOUND, "There is no deleted vault '%.64s'.", name);
  REFUSE(ERR_NOT_FOUND,
         "There is no vault '%.64s'. If it was deleted, it may be possible to recover it.", name);
}

err_t vaults_show(struct vaults *vs, const char *name, bool deleted, struct vault_info *out) {
  VAULTS_READ(vs);
  const struct hosted *h = vaults_named(vs, name);
  if (!h || is_active(h) == deleted)
    return vaults_not_found(name, deleted);
  *out = vault_info_of(h);
  return OK;
}

void vaults_list(struct vaults *vs, bool deleted, const char *marker, struct vault_info *page,
                 size_t room, size_t *count, bool *more) {
  char folded[VAULT_NAME_MAX + 1];
  size_t n = 0;
  vault_name_fold(bytes_str(marker), folded);
  *more = false;
  VAULTS_READ(vs);
  for (size_t i = after(vs, folded); i < vs->count && !*more; i++)
    if (is_active(vs->table[i]) != deleted) {
      *more = n == room;
      if (!*more)
        page[n++] = vault_info_of(vs->table[i]);
    }
  *count = n;
}
