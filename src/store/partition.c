#include "store/partition.h"

#include "base/pack.h"

#include <stdio.h>

#define FORMAT 1

void partition_main(struct store *s, struct partition *out) {
  *out = (struct partition){ .store = s };
}

static bool is_main(const struct partition *p) {
  return p->prefix[0] == '\0';
}

err_t partition_open(struct store *s, const char *guid, struct secret *master,
                     struct partition *out) {
  AUTO_SECRET seal = { 0 };
  if (master->size != PARTITION_MASTER_SIZE || !guid_valid(bytes_str(guid)))
    FAIL(ERR_CORRUPT, "a part of the store with a master key of %zu bytes", master->size);
  TRY(crypto_hkdf(secret_bytes(master), "strongroom partition: records", SHA256_SIZE, &seal));
  *out = (struct partition){ .store = s };
  snprintf(out->prefix, sizeof out->prefix, "v/%s/", guid);
  out->seal = secret_take(&seal);
  out->master = secret_take(master);
  return OK;
}

void partition_close(struct partition *p) {
  secret_free(&p->master);
  secret_free(&p->seal);
}

err_t partition_derive(struct partition *p, const char *purpose, size_t size, struct secret *out) {
  if (is_main(p))
    return store_derive(p->store, purpose, size, out);
  AUTO_BUF info = BUF_EMPTY;
  buf_printf(&info, "strongroom partition purpose: %s", purpose);
  buf_put_char(&info, '\0');
  TRY(buf_ok(&info));
  return crypto_hkdf(secret_bytes(&p->master), (const char *)info.data, size, out);
}

err_t partition_place(const struct partition *p, const char *place,
                      char out[static STORE_PLACE_MAX + 1]) {
  int n = snprintf(out, STORE_PLACE_MAX + 1, "%s%s", p->prefix, place);
  if (n < 0 || n > STORE_PLACE_MAX)
    FAIL(ERR_INTERNAL, "a place of %d characters", n);
  return OK;
}

bool partition_of(struct bytes full, char guid[static GUID_SIZE + 1], struct bytes *place) {
  if (!bytes_starts(full, "v/") || full.size <= PARTITION_PREFIX_SIZE ||
      full.data[PARTITION_PREFIX_SIZE - 1] != '/')
    return false;
  struct bytes name = bytes_of(full.data + 2, GUID_SIZE);
  if (!guid_valid(name) || bytes_to_cstr(name, guid, GUID_SIZE + 1) != OK)
    return false;
  *place = bytes_of(full.data + PARTITION_PREFIX_SIZE, full.size - PARTITION_PREFIX_SIZE);
  return true;
}

static err_t place_key(const struct partition *p, struct bytes full, struct secret *out) {
  AUTO_SECRET key = { 0 };
  TRY(secret_new(SHA256_SIZE, &key));
  TRY(crypto_hmac_sha256(secret_bytes(&p->seal), full, key.data));
  *out = secret_take(&key);
  return OK;
}

err_t partition_read(struct partition *p, struct bytes full, struct bytes body, struct buf *plain) {
  AUTO_SECRET key = { 0 };
  buf_clear(plain);
  if (body.size == 0 || body.data[0] != FORMAT)
    FAIL(ERR_CORRUPT, "a record of a vault has a format that this version does not know");
  TRY(place_key(p, full, &key));
  return crypto_open(secret_bytes(&key), full, bytes_of(body.data + 1, body.size - 1), plain);
}

/* Appends the sealed body to a buf that has room for it. */
static err_t seal_body(const struct partition *p, const char *full, struct bytes body,
                       struct buf *arena, struct bytes *out) {
  AUTO_SECRET key = { 0 };
  size_t from = arena->size;
  TRY(place_key(p, bytes_str(full), &key));
  pack_u8(arena, FORMAT);
  TRY(crypto_seal(secret_bytes(&key), bytes_str(full), body, arena));
  *out = bytes_of(arena->data + from, arena->size - from);
  return OK;
}

static err_t commit_sealed(struct partition *p, const struct store_write *writes, size_t count,
                           struct store_write *sealed, char (*places)[STORE_PLACE_MAX + 1]) {
  AUTO_BUF arena = BUF_EMPTY;
  size_t room = 0;
  for (size_t i = 0; i < count; i++)
    room += 1 + SEAL_OVERHEAD + writes[i].body.size;
  if (!buf_reserve(&arena, room))
    return ERR_NOMEM;
  for (size_t i = 0; i < count; i++) {
    TRY(partition_place(p, writes[i].place, places[i]));
    sealed[i] = (struct store_write){ .place = places[i] };
    if (writes[i].body.data)
      TRY(seal_body(p, places[i], writes[i].body, &arena, &sealed[i].body));
  }
  return store_commit(p->store, sealed, count);
}

err_t partition_commit(struct partition *p, const struct store_write *writes, size_t count) {
  if (is_main(p))
    return store_commit(p->store, writes, count);
  AUTO_FREE struct store_write *sealed = mem_alloc(count * sizeof *sealed);
  AUTO_FREE void *places = mem_alloc(count * (STORE_PLACE_MAX + 1));
  if (!sealed || !places)
    return ERR_NOMEM;
  return commit_sealed(p, writes, count, sealed, places);
}
