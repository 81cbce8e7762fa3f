/* Applications as the store keeps them, at "identity/<app id>". */
#include "identity/internal.h"

#define APP_RECORD_VERSION 1

static void credential_pack(const struct credential *c, struct buf *record) {
  pack_u8(record, (uint8_t)c->kind);
  pack_str(record, c->id);
  pack_i64(record, c->created);
  if (c->kind == CREDENTIAL_SECRET) {
    pack_i64(record, c->expires);
    pack_bytes(record, bytes_of(c->digest, SHA256_SIZE));
  } else {
    pack_bytes(record, buf_bytes(&c->der));
  }
}

void app_pack(const struct app *a, struct buf *record) {
  pack_u8(record, APP_RECORD_VERSION);
  pack_str(record, a->app_id);
  pack_str(record, a->oid);
  pack_str(record, a->name);
  pack_i64(record, a->created);
  pack_u8(record, a->enabled);
  pack_u8(record, (uint8_t)a->credential_count);
  for (size_t i = 0; i < a->credential_count; i++)
    credential_pack(&a->credentials[i], record);
}

static err_t credential_unpack(struct unpack *u, struct credential *c) {
  c->kind = (enum credential_kind)unpack_u8(u);
  unpack_str(u, c->id, sizeof c->id);
  c->created = unpack_i64(u);
  if (c->kind == CREDENTIAL_SECRET) {
    c->expires = unpack_i64(u);
    struct bytes digest = unpack_bytes(u);
    if (digest.size != SHA256_SIZE)
      FAIL(ERR_CORRUPT, "a client secret's digest has %zu bytes", digest.size);
    memcpy(c->digest, digest.data, SHA256_SIZE);
    return OK;
  }
  if (c->kind != CREDENTIAL_CERTIFICATE)
    FAIL(ERR_CORRUPT, "a credential of an unknown kind");
  AUTO_BUF der = BUF_EMPTY;
  buf_put_bytes(&der, unpack_bytes(u));
  TRY(buf_ok(&der));
  err_t e = credential_set_certificate(c, &der);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_CORRUPT, "a stored certificate cannot be read");
  return e;
}

err_t app_unpack(struct bytes record, struct app **out) {
  AUTO(app) struct app *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  struct unpack u = unpack_of(record);
  if (unpack_u8(&u) != APP_RECORD_VERSION)
    FAIL(ERR_CORRUPT, "an application record of an unknown version");
  unpack_str(&u, a->app_id, sizeof a->app_id);
  unpack_str(&u, a->oid, sizeof a->oid);
  unpack_str(&u, a->name, sizeof a->name);
  a->created = unpack_i64(&u);
  a->enabled = unpack_u8(&u) != 0;
  size_t count = unpack_u8(&u);
  if (count > APP_CREDENTIALS_MAX || !guid_valid(bytes_str(a->app_id)) ||
      !guid_valid(bytes_str(a->oid)))
    FAIL(ERR_CORRUPT, "an application record makes no sense");
  while (a->credential_count < count)
    TRY(credential_unpack(&u, &a->credentials[a->credential_count++]));
  TRY(unpack_end(&u));
  *out = TAKE(a);
  return OK;
}
