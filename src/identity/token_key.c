/*
 * The keys that sign tokens, at "tokenkey/<kid>". One signs; earlier ones are kept without their
 * private part until no token of theirs can be good any more.
 */
#include "identity/internal.h"

#define TOKEN_KEY_RECORD_VERSION 1
#define TOKEN_KEY_BITS 2048

void token_key_free(struct token_key *k) {
  if (k->key)
    key_free(k->key);
  *k = (struct token_key){ 0 };
}
#define AUTO_TOKEN_KEY __attribute__((cleanup(token_key_free))) struct token_key

static err_t generate(struct token_key *out) {
  AUTO_TOKEN_KEY k = { .created = clock_now() };
  TRY(key_generate(&(struct key_spec){ .type = KEY_RSA, .bits = TOKEN_KEY_BITS }, &k.key));
  TRY(key_thumbprint(k.key, k.kid));
  *out = k;
  k.key = NULL;
  return OK;
}

static err_t put_public_jwk(const struct key *k, struct buf *out) {
  write_open(out, NULL, '{');
  write_str(out, "kty", "RSA");
  TRY(key_public_members(k, out));
  write_close(out, '}');
  return buf_ok(out);
}

/* retires 0: with the private key. */
static err_t pack(const struct token_key *k, int64_t retires, struct buf *record) {
  pack_u8(record, TOKEN_KEY_RECORD_VERSION);
  pack_i64(record, k->created);
  pack_i64(record, retires);
  if (retires) {
    AUTO_BUF jwk = BUF_EMPTY;
    TRY(put_public_jwk(k->key, &jwk));
    pack_bytes(record, buf_bytes(&jwk));
  } else {
    AUTO_SECRET pkcs8 = { 0 };
    TRY(key_export(k->key, &pkcs8));
    pack_bytes(record, secret_bytes(&pkcs8));
  }
  return buf_ok(record);
}

static err_t read_public_jwk(struct bytes text, struct key **out) {
  AUTO_JSON *jwk = NULL;
  TRY(json_read(text, &jwk));
  return key_from_jwk(jwk, out);
}

err_t token_key_unpack(const char *kid, struct bytes record, struct token_key *out) {
  AUTO_TOKEN_KEY k = { 0 };
  struct unpack u = unpack_of(record);
  if (unpack_u8(&u) != TOKEN_KEY_RECORD_VERSION)
    FAIL(ERR_CORRUPT, "a token key record of an unknown version");
  k.created = unpack_i64(&u);
  k.retires = unpack_i64(&u);
  struct bytes form = unpack_bytes(&u);
  TRY(unpack_end(&u));
  err_t e = k.retires ? read_public_jwk(form, &k.key) : key_import(KEY_RSA, form, &k.key);
  if (e == ERR_BAD_PARAMETER)
    FAIL(ERR_CORRUPT, "a stored token key is not a key");
  TRY(e);
  TRY(key_thumbprint(k.key, k.kid));
  if (strcmp(k.kid, kid) != 0)
    FAIL(ERR_CORRUPT, "a token key record is at another's place");
  *out = k;
  k.key = NULL;
  return OK;
}

err_t token_keys_add(struct identity *id, struct token_key *k) {
  AUTO_TOKEN_KEY taken = *k;
  *k = (struct token_key){ 0 };
  size_t n = id->token_key_count;
  if (n == TOKEN_KEYS_MAX || (taken.retires == 0 && n && id->token_keys[0].retires == 0))
    FAIL(ERR_CORRUPT, "more token keys than there can be");
  id->token_keys[n] = taken;
  if (taken.retires == 0) {
    id->token_keys[n] = id->token_keys[0];
    id->token_keys[0] = taken;
  }
  id->token_key_count++;
  taken.key = NULL;
  return OK;
}

/* The keys after a rollover and the writes that make them so. */
struct turn {
  struct token_key keys[TOKEN_KEYS_MAX];
  size_t count;
  struct store_write writes[TOKEN_KEYS_MAX + 1];
  char places[TOKEN_KEYS_MAX + 1][STORE_PLACE_MAX + 1];
  size_t write_count;
  struct buf made, retired; /* records */
};
static void turn_free(struct turn *t) {
  for (size_t i = 0; i < t->count; i++)
    token_key_free(&t->keys[i]);
  buf_free(&t->made);
  buf_free(&t->retired);
}
#define AUTO_TURN __attribute__((cleanup(turn_free))) struct turn

static void turn_write(struct turn *t, const char *kid, struct bytes body) {
  char *place = t->places[t->write_count];
  directory_place("tokenkey", kid, place);
  t->writes[t->write_count++] = (struct store_write){ place, body };
}

static bool is_over(const struct token_key *k, int64_t now) {
  return k->retires && k->retires <= now;
}

/* Keeps what has not retired, removes what has. */
static err_t turn_keep(struct identity *id, struct turn *t, int64_t now) {
  for (size_t i = 0; i < id->token_key_count; i++) {
    const struct token_key *k = &id->token_keys[i];
    if (is_over(k, now)) {
      turn_write(t, k->kid, (struct bytes){ 0 });
      continue;
    }
    if (t->count == TOKEN_KEYS_MAX)
      REFUSE(ERR_CONFLICT, "Too many token keys still have tokens that have not expired.");
    t->keys[t->count] = *k;
    t->keys[t->count++].key = key_ref(k->key);
  }
  return OK;
}

/* The former key keeps its public part only, until its last token has expired; a token may be made
 * with it while this goes on, hence the skew. */
static err_t turn_retire(struct identity *id, struct turn *t, struct token_key *k, int64_t now) {
  AUTO_BUF jwk = BUF_EMPTY;
  AUTO(key) struct key *public_key = NULL;
  k->retires = now + id->lifetime + CLOCK_SKEW;
  TRY(put_public_jwk(k->key, &jwk));
  TRY(read_public_jwk(buf_bytes(&jwk), &public_key));
  TRY(pack(k, k->retires, &t->retired));
  key_free(k->key);
  k->key = TAKE(public_key);
  turn_write(t, k->kid, buf_bytes(&t->retired));
  return OK;
}

static void turn_show(struct identity *id, struct turn *t) {
  WRITE_LOCKED(id);
  struct token_key old[TOKEN_KEYS_MAX];
  size_t old_count = id->token_key_count;
  memcpy(old, id->token_keys, sizeof old);
  memcpy(id->token_keys, t->keys, sizeof old);
  memcpy(t->keys, old, sizeof old);
  id->token_key_count = t->count;
  t->count = old_count;
  directory_changed(id);
}

/* changing is held, or nobody else is there yet. */
static err_t turn_over(struct identity *id) {
  int64_t now = clock_now();
  AUTO_TURN t = { 0 };
  TRY(generate(&t.keys[t.count++]));
  TRY(pack(&t.keys[0], 0, &t.made));
  turn_write(&t, t.keys[0].kid, buf_bytes(&t.made));
  TRY(turn_keep(id, &t, now));
  if (t.count > 1 && t.keys[1].retires == 0)
    TRY(turn_retire(id, &t, &t.keys[1], now));
  TRY(store_commit(id->store, t.writes, t.write_count));
  turn_show(id, &t);
  return OK;
}

err_t token_rollover(struct identity *id) {
  MUTEX_LOCKED(&id->changing);
  return turn_over(id);
}

err_t token_keys_ready(struct identity *id) {
  if (id->token_key_count == 0 || id->token_keys[0].retires)
    return turn_over(id);
  AUTO_TURN t = { 0 };
  TRY(turn_keep(id, &t, clock_now()));
  if (t.write_count == 0)
    return OK;
  TRY(store_commit(id->store, t.writes, t.write_count));
  turn_show(id, &t);
  return OK;
}

struct key *token_key_find(struct identity *id, struct bytes kid, int64_t now) {
  READ_LOCKED(id);
  for (size_t i = 0; i < id->token_key_count; i++) {
    const struct token_key *k = &id->token_keys[i];
    if (bytes_equal_str(kid, k->kid) && !is_over(k, now))
      return key_ref(k->key);
  }
  return NULL;
}

struct key *token_key_signing(struct identity *id, char kid[static TOKEN_KID_SIZE + 1]) {
  READ_LOCKED(id);
  memcpy(kid, id->token_keys[0].kid, TOKEN_KID_SIZE + 1);
  return key_ref(id->token_keys[0].key);
}

err_t token_write_jwks(struct identity *id, struct buf *json) {
  int64_t now = clock_now();
  READ_LOCKED(id);
  write_open(json, NULL, '{');
  write_open(json, "keys", '[');
  for (size_t i = 0; i < id->token_key_count; i++) {
    const struct token_key *k = &id->token_keys[i];
    if (is_over(k, now))
      continue;
    write_open(json, NULL, '{');
    write_str(json, "kty", "RSA");
    write_str(json, "use", "sig");
    write_str(json, "alg", "RS256");
    write_str(json, "kid", k->kid);
    TRY(key_public_members(k->key, json));
    write_close(json, '}');
  }
  write_close(json, ']');
  write_close(json, '}');
  return buf_ok(json);
}
