/* Vaults as the store keeps them, and their loading. */
#include "base/pack.h"
#include "vault/vaults_internal.h"

#include <stdio.h>

#define PLACE "vaults/"
#define FORMAT 1
#define DAYS_MIN 7
#define DAYS_MAX 90

static void place_of(const struct hosted *h, char place[static STORE_PLACE_MAX + 1]) {
  snprintf(place, STORE_PLACE_MAX + 1, PLACE "%s", h->guid);
}

err_t hosted_open(struct vaults *vs, struct hosted *h, struct secret *master) {
  vault_name_fold(bytes_str(h->name), h->folded);
  TRY(partition_open(vs->conf.store, h->guid, master, &h->part));
  TRY(vault_new(&h->part, &h->conf, &h->vault));
  vault_set_authority(h->vault, &vs->conf.authority);
  return roles_new(vs->conf.identity, &h->part, h->name, &h->roles);
}

err_t hosted_commit(struct vaults *vs, const struct hosted *h, int64_t deleted_at,
                    int64_t purge_at) {
  char place[STORE_PLACE_MAX + 1];
  AUTO_BUF body = BUF_EMPTY;
  place_of(h, place);
  pack_u8(&body, FORMAT);
  pack_str(&body, h->name);
  pack_i64(&body, h->created);
  pack_i64(&body, deleted_at);
  pack_i64(&body, purge_at);
  pack_u32(&body, h->conf.retention_days);
  pack_u8(&body, h->conf.purge_protection);
  pack_bytes(&body, secret_bytes(&h->part.master));
  TRY(buf_ok(&body));
  return store_commit(vs->conf.store, &(struct store_write){ place, buf_bytes(&body) }, 1);
}

err_t hosted_commit_removal(struct vaults *vs, const struct hosted *h) {
  char place[STORE_PLACE_MAX + 1];
  place_of(h, place);
  return store_commit(vs->conf.store, &(struct store_write){ .place = place }, 1);
}

bool vaults_owns(struct bytes place) {
  return bytes_starts(place, PLACE);
}

/* All but the master key, which stays in the record. */
static err_t unpack_all(struct bytes body, struct hosted *h, struct bytes *master) {
  struct unpack u = unpack_of(body);
  if (unpack_u8(&u) != FORMAT)
    FAIL(ERR_CORRUPT, "a vault's record has a format that this version does not know");
  unpack_str(&u, h->name, sizeof h->name);
  h->created = unpack_i64(&u);
  h->deleted_at = unpack_i64(&u);
  h->purge_at = unpack_i64(&u);
  h->conf.retention_days = unpack_u32(&u);
  h->conf.purge_protection = unpack_u8(&u) != 0;
  *master = unpack_bytes(&u);
  TRY(unpack_end(&u));
  if (!vault_name_valid(bytes_str(h->name)) || h->conf.retention_days < DAYS_MIN ||
      h->conf.retention_days > DAYS_MAX)
    FAIL(ERR_CORRUPT, "a vault's record makes no sense");
  atomic_init(&h->active, h->deleted_at == 0);
  return OK;
}

err_t vaults_load(struct vaults *vs, struct bytes place, struct bytes body) {
  AUTO(hosted) struct hosted *h = mem_zalloc(sizeof *h);
  AUTO_SECRET master = { 0 };
  struct bytes key;
  size_t pos, start = strlen(PLACE);
  if (!h)
    return ERR_NOMEM;
  atomic_init(&h->refs, 1);
  struct bytes guid = bytes_of(place.data + start, place.size - start);
  if (!guid_valid(guid) || bytes_to_cstr(guid, h->guid, sizeof h->guid) != OK)
    FAIL(ERR_CORRUPT, "a vault's record is at a place that cannot be");
  h->conf = vs->conf.vault;
  TRY(unpack_all(body, h, &key));
  TRY(secret_copy(key, &master));
  TRY(hosted_open(vs, h, &master));
  if (vs->count == VAULTS_MAX || vaults_position(vs, h->folded, &pos))
    FAIL(ERR_CORRUPT, "two vaults have one name, or there are too many");
  if (guid_map_get(&vs->by_guid, h->guid))
    FAIL(ERR_CORRUPT, "a vault is stored twice");
  TRY(guid_map_reserve(&vs->by_guid));
  guid_map_put(&vs->by_guid, h->guid, h);
  vaults_insert(vs, TAKE(h));
  return OK;
}

err_t vaults_load_part(struct vaults *vs, struct bytes full, struct bytes body) {
  char guid[GUID_SIZE + 1];
  struct bytes place;
  AUTO_BUF plain = BUF_EMPTY;
  if (!partition_of(full, guid, &place))
    FAIL(ERR_CORRUPT, "a record at a place that cannot be");
  struct hosted *h = guid_map_get(&vs->by_guid, guid);
  if (!h) {
    buf_put_bytes(&vs->leftovers, full);
    buf_put_char(&vs->leftovers, '\0');
    return buf_ok(&vs->leftovers);
  }
  TRY(partition_read(&h->part, full, body, &plain));
  if (vault_owns(place))
    return vault_load(h->vault, place, buf_bytes(&plain));
  if (roles_owns(place))
    return roles_load(h->roles, place, buf_bytes(&plain));
  FAIL(ERR_CORRUPT, "a record that this version does not know: it was written by a newer one");
}

err_t vaults_ready(struct vaults *vs) {
  for (size_t i = 0; i < vs->count; i++) {
    TRY(vault_ready(vs->table[i]->vault));
    TRY(roles_ready(vs->table[i]->roles));
  }
  guid_map_free(&vs->by_guid);
  return OK;
}
