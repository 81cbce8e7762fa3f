/* Applications as the API changes and shows them. */
#include "identity/internal.h"

#include <strings.h>

#define SECRET_SIZE 32
#define LIFETIME_MAX (100 * 366 * 86400LL)

static struct app *app_named(const struct identity *id, const char *name) {
  size_t at = 0;
  for (struct app *a; (a = guid_map_next(&id->apps, &at));)
    if (bytes_equal_nocase(bytes_str(name), a->name))
      return a;
  return NULL;
}

err_t identity_create(struct identity *id, const char *name, char app_id[static GUID_SIZE + 1]) {
  if (!app_name_valid(name))
    REFUSE(ERR_BAD_PARAMETER,
           "An identity's name has 1 to %d printable characters, no blank at either end, and is "
           "no GUID.",
           IDENTITY_NAME_MAX);
  AUTO(app) struct app *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  TRY(guid_random(a->app_id));
  TRY(guid_random(a->oid));
  memcpy(a->name, name, strlen(name) + 1);
  a->created = clock_now();
  a->enabled = true;
  AUTO_BUF record = BUF_EMPTY;
  app_pack(a, &record);

  MUTEX_LOCKED(&id->changing);
  if (app_named(id, name))
    REFUSE(ERR_CONFLICT, "There is an identity of this name already.");
  {
    WRITE_LOCKED(id);
    TRY(guid_map_reserve(&id->apps));
    TRY(guid_map_reserve(&id->apps_by_oid));
  }
  TRY(directory_commit(id, "identity", a->app_id, &record));
  WRITE_LOCKED(id);
  memcpy(app_id, a->app_id, GUID_SIZE + 1);
  guid_map_put(&id->apps, a->app_id, a);
  guid_map_put(&id->apps_by_oid, a->oid, a);
  (void)TAKE(a);
  directory_changed(id);
  return OK;
}

err_t identity_find(struct identity *id, const char *text, char app_id[static GUID_SIZE + 1],
                    char oid[static GUID_SIZE + 1]) {
  char guid[GUID_SIZE + 1];
  READ_LOCKED(id);
  struct app *a = NULL;
  if (!guid_fold(text, guid))
    a = app_named(id, text);
  else if (!(a = guid_map_get(&id->apps, guid)))
    a = guid_map_get(&id->apps_by_oid, guid);
  if (!a)
    FAIL(ERR_IDENTITY_NOT_FOUND, "no such identity");
  memcpy(app_id, a->app_id, GUID_SIZE + 1);
  memcpy(oid, a->oid, GUID_SIZE + 1);
  return OK;
}

/* Makes next, a changed copy of a, durable and visible; what it replaced is then in next. */
static err_t change(struct identity *id, struct app *a, struct app *next) {
  AUTO_BUF record = BUF_EMPTY;
  app_pack(next, &record);
  TRY(directory_commit(id, "identity", a->app_id, &record));
  WRITE_LOCKED(id);
  app_exchange(a, next);
  directory_changed(id);
  return OK;
}

void identity_name(struct identity *id, const char *oid,
                   char out[static 4 * IDENTITY_NAME_MAX + 1]) {
  READ_LOCKED(id);
  const struct app *a = guid_map_get(&id->apps_by_oid, oid);
  _Static_assert(sizeof a->name == 4 * IDENTITY_NAME_MAX + 1, "a name fits");
  if (a)
    memcpy(out, a->name, sizeof a->name);
  else
    out[0] = '\0';
}

bool identity_enabled(struct identity *id, const char *oid) {
  READ_LOCKED(id);
  const struct app *a = guid_map_get(&id->apps_by_oid, oid);
  return a && a->enabled;
}

err_t identity_set_enabled(struct identity *id, const char *app_id, bool enabled) {
  struct app *a;
  AUTO(app) struct app *next = NULL;
  MUTEX_LOCKED(&id->changing);
  TRY(app_find(id, app_id, &a));
  if (!enabled)
    TRY(owners_remain_without(a));
  TRY(app_copy(a, &next));
  next->enabled = enabled;
  return change(id, a, next);
}

/* The writes that remove the application and its assignments in all vaults. */
struct removal {
  struct store_write *writes;
  char (*places)[STORE_PLACE_MAX + 1];
  size_t count;
};
static void removal_free(struct removal *r) {
  mem_free(r->writes);
  mem_free(r->places);
}

static err_t removal_add(struct removal *r, const struct partition *part, const char *kind,
                         const char *name) {
  char place[STORE_PLACE_MAX + 1];
  directory_place(kind, name, place);
  TRY(partition_place(part, place, r->places[r->count]));
  r->writes[r->count] = (struct store_write){ .place = r->places[r->count] };
  r->count++;
  return OK;
}

static err_t removal_of(struct identity *id, const struct app *a, struct removal *r) {
  struct partition main;
  size_t room = 1;
  for (const struct holder *h = a->holders; h; h = h->next)
    for (const struct assignment *s = h->assignments; s; s = s->next)
      room++;
  r->writes = mem_alloc(room * sizeof *r->writes);
  r->places = mem_alloc(room * sizeof *r->places);
  if (!r->writes || !r->places)
    return ERR_NOMEM;
  partition_main(id->store, &main);
  TRY(removal_add(r, &main, "identity", a->app_id));
  for (const struct holder *h = a->holders; h; h = h->next)
    for (const struct assignment *s = h->assignments; s; s = s->next)
      TRY(removal_add(r, h->roles->part, "assignment", s->guid));
  return OK;
}

/* All of it, whichever vaults it is in, in one commit. */
err_t identity_delete(struct identity *id, const char *app_id) {
  struct app *a;
  __attribute__((cleanup(removal_free))) struct removal r = { 0 };
  MUTEX_LOCKED(&id->changing);
  TRY(app_find(id, app_id, &a));
  TRY(owners_remain_without(a));
  TRY(removal_of(id, a, &r));
  TRY(store_commit(id->store, r.writes, r.count));
  WRITE_LOCKED(id);
  while (a->holders) {
    struct assignment *s = a->holders->assignments;
    assignment_detach(s);
    mem_free(s);
  }
  guid_map_remove(&id->apps, a->app_id);
  guid_map_remove(&id->apps_by_oid, a->oid);
  app_free(a);
  directory_changed(id);
  return OK;
}

/* Takes the credential over and gives it an id. */
static err_t add_credential(struct identity *id, const char *app_id, struct credential *c,
                            char credential_id[static GUID_SIZE + 1]) {
  struct app *a;
  AUTO(app) struct app *next = NULL;
  char guid[GUID_SIZE + 1];
  TRY(guid_random(guid));
  memcpy(c->id, guid, sizeof c->id);
  c->created = clock_now();
  MUTEX_LOCKED(&id->changing);
  TRY(app_find(id, app_id, &a));
  if (a->credential_count == APP_CREDENTIALS_MAX)
    REFUSE(ERR_CONFLICT, "An identity holds at most %d credentials: remove one first.",
           APP_CREDENTIALS_MAX);
  for (size_t i = 0; i < a->credential_count; i++)
    if (digest_equal(a->credentials[i].digest, c->digest))
      REFUSE(ERR_CONFLICT, "The identity holds this certificate already.");
  TRY(app_copy(a, &next));
  next->credentials[next->credential_count++] = *c;
  *c = (struct credential){ 0 };
  TRY(change(id, a, next));
  memcpy(credential_id, guid, sizeof guid);
  return OK;
}

static err_t new_secret(struct credential *c, struct secret *out) {
  AUTO_SECRET random = { 0 }, text = { 0 };
  AUTO_BUF encoded = BUF_EMPTY;
  TRY(secret_random(SECRET_SIZE, &random));
  buf_put_b64url(&encoded, secret_bytes(&random));
  TRY(buf_ok(&encoded));
  TRY(secret_copy(buf_bytes(&encoded), &text));
  *c = (struct credential){ .kind = CREDENTIAL_SECRET };
  TRY(crypto_sha256(secret_bytes(&text), c->digest));
  *out = secret_take(&text);
  return OK;
}

err_t identity_add_secret(struct identity *id, const char *app_id, int64_t lifetime,
                          char secret_id[static GUID_SIZE + 1], struct secret *secret) {
  if (lifetime < 0 || lifetime > LIFETIME_MAX)
    REFUSE(ERR_BAD_PARAMETER, "A client secret's lifetime is at most 100 years.");
  AUTO_SECRET text = { 0 };
  AUTO_CREDENTIAL c = { 0 };
  TRY(new_secret(&c, &text));
  c.expires = lifetime ? clock_now() + lifetime : 0;
  TRY(add_credential(id, app_id, &c, secret_id));
  *secret = secret_take(&text);
  return OK;
}

err_t identity_reset(struct identity *id, const char *app_id, char secret_id[static GUID_SIZE + 1],
                     struct secret *secret) {
  struct app *a;
  AUTO(app) struct app *next = NULL;
  AUTO_SECRET text = { 0 };
  AUTO_CREDENTIAL c = { 0 };
  TRY(new_secret(&c, &text));
  TRY(guid_random(secret_id));
  memcpy(c.id, secret_id, sizeof c.id);
  c.created = clock_now();
  MUTEX_LOCKED(&id->changing);
  TRY(app_find(id, app_id, &a));
  TRY(app_copy(a, &next));
  while (next->credential_count)
    credential_free(&next->credentials[--next->credential_count]);
  next->credentials[next->credential_count++] = c;
  c = (struct credential){ 0 };
  next->enabled = true;
  TRY(change(id, a, next));
  *secret = secret_take(&text);
  return OK;
}

/* Assertions are RS256, PS256 or ES256: the certificate's key must fit one of them. */
static err_t read_certificate(struct bytes pem_or_der, struct credential *c) {
  AUTO_BUF der = BUF_EMPTY;
  err_t e = x509_from_pem(pem_or_der, &der);
  if (e == OK)
    e = credential_set_certificate(c, &der);
  bool fits = e == OK && (alg_fits(alg_find(bytes_str("RS256")), key_spec(c->public_key)) ||
                          alg_fits(alg_find(bytes_str("ES256")), key_spec(c->public_key)));
  if (e == ERR_BAD_PARAMETER || (e == OK && !fits))
    REFUSE(ERR_BAD_PARAMETER,
           "This is not an X.509 certificate, as PEM or DER, whose key is RSA of "
           "2048, 3072 or 4096 bits or EC P-256.");
  return e;
}

err_t identity_add_certificate(struct identity *id, const char *app_id, struct bytes pem_or_der,
                               char credential_id[static GUID_SIZE + 1]) {
  AUTO_CREDENTIAL c = { 0 };
  TRY(read_certificate(pem_or_der, &c));
  if (c.expires <= clock_now())
    REFUSE(ERR_BAD_PARAMETER, "The certificate has expired.");
  return add_credential(id, app_id, &c, credential_id);
}

err_t identity_remove_credential(struct identity *id, const char *app_id,
                                 const char *credential_id) {
  struct app *a;
  AUTO(app) struct app *next = NULL;
  char guid[GUID_SIZE + 1];
  MUTEX_LOCKED(&id->changing);
  TRY(app_find(id, app_id, &a));
  TRY(app_copy(a, &next));
  size_t i = 0, count = next->credential_count;
  if (!guid_fold(credential_id, guid))
    i = count;
  while (i < count && strcmp(next->credentials[i].id, guid) != 0)
    i++;
  if (i == count)
    REFUSE(ERR_IDENTITY_NOT_FOUND, "The identity has no such credential.");
  if (count == 1)
    TRY(owners_remain_without(a));
  credential_free(&next->credentials[i]);
  next->credentials[i] = next->credentials[count - 1];
  next->credentials[count - 1] = (struct credential){ 0 };
  next->credential_count--;
  return change(id, a, next);
}

err_t identity_write(struct identity *id, const char *app_id, struct buf *json) {
  struct app *a;
  READ_LOCKED(id);
  TRY(app_find(id, app_id, &a));
  app_write(a, json);
  return buf_ok(json);
}

static int by_name(const void *a, const void *b) {
  const struct app *x = *(struct app *const *)a, *y = *(struct app *const *)b;
  return strcasecmp(x->name, y->name);
}

err_t identity_write_all(struct identity *id, struct buf *json) {
  AUTO_FREE void **apps = NULL;
  READ_LOCKED(id);
  TRY(guid_map_sorted(&id->apps, by_name, &apps));
  write_open(json, NULL, '{');
  write_open(json, "value", '[');
  for (size_t i = 0; i < id->apps.count; i++)
    app_write(apps[i], json);
  write_close(json, ']');
  write_close(json, '}');
  return buf_ok(json);
}
