/* Bearer tokens: what is refused and how, the cache, the keys' rollover. */
#include "hub.h"

#include <stdio.h>

static struct client c;

static int start(void **state) {
  hub_start(state);
  hub_client(*state, "app", &c);
  return 0;
}

#define INVALID "[TokenInvalid] Error validating token: 'S2S12005'."
#define EXPIRED "[TokenExpired] Error validating token: 'S2S12086'."
#define MISSING "AKV10000: Request is missing a Bearer or PoP token."

static json_t *good_claims(struct hub *h) {
  json_int_t now = clock_now();
  json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "aud", AUDIENCE, "iss", h->id->issuer,
                        "tid", h->id->tenant, "oid", c.oid, "appid", c.app_id, "iat", now, "nbf",
                        now, "exp", now + 3600);
  assert_non_null(o);
  return o;
}

/* header is a format for the kid. */
static void put_bearer(struct hub *h, struct buf *out, const char *header, const char *claims,
                       const char *alg) {
  char kid[TOKEN_KID_SIZE + 1];
  AUTO(key) struct key *k = token_key_signing(h->id, kid);
  struct bytes before, after = bytes_split(bytes_str(header), '%', &before);
  AUTO_BUF text = BUF_EMPTY;
  buf_put_bytes(&text, before);
  if (after.data) {
    buf_put_str(&text, kid);
    buf_put_bytes(&text, after);
  }
  buf_put_char(&text, '\0');
  buf_put_str(out, "Bearer ");
  put_jwt(out, (char *)text.data, claims, alg ? k : NULL, alg);
}

#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%\"}"

static const char *answer(struct hub *h, const struct buf *authorization) {
  struct caller who = { 0 };
  err_t e = hub_check(h, authorization, &who);
  if (e != OK) {
    assert_err(e, ERR_UNAUTHORIZED);
    assert_string_equal(who.oid, "");
    return err_text(e);
  }
  assert_string_equal(who.app_id, c.app_id);
  assert_string_equal(who.oid, c.oid);
  return "OK";
}

static const char *answer_to_claims(struct hub *h, const char *claims) {
  AUTO_BUF b = BUF_EMPTY;
  put_bearer(h, &b, HEADER, claims, "RS256");
  const char *first = answer(h, &b);
  assert_string_equal(answer(h, &b), first); /* remembered or not */
  return first;
}

static void the_hubs_own_tokens_are_good(void **state) {
  struct hub *h = *state;
  struct buf b = hub_bearer(h, &c);
  assert_string_equal(answer(h, &b), "OK");
  assert_string_equal(answer(h, &b), "OK");
  memcpy(b.data, "bEARER", 6);
  assert_string_equal(answer(h, &b), "OK");
  AUTO_JSON *claims = good_claims(h);
  AUTO_FREE char *text = text_of(claims);
  assert_string_equal(answer_to_claims(h, text), "OK");
  buf_free(&b);
}

static void schemes(void **state) {
  struct hub *h = *state;
  struct buf good = hub_bearer(h, &c);
  struct bytes token = bytes_of(good.data + 7, good.size - 7);
  static const struct {
    const char *before, *after, *text;
  } rows[] = {
    { "", "", MISSING },
    { "Basic ", "", MISSING },
    { "PoP ", "", MISSING },
    { "Bearer", "", MISSING },
    { " Bearer ", "", MISSING },
    { "Bearer\t", "", MISSING },
    { "Bearer  ", "", INVALID },
    { "Bearer ", " ", INVALID },
    { "Bearer ", ",", INVALID },
    { "Bearer ", "=", INVALID },
    { "Bearer \t", "", INVALID },
    { "Bearer ", "\n", INVALID },
    { "Bearer ", "AAAA", INVALID },
    { "Bearer A", "", INVALID },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_BUF b = BUF_EMPTY;
    buf_put_str(&b, rows[i].before);
    buf_put_bytes(&b, token);
    buf_put_str(&b, rows[i].after);
    if (strcmp(answer(h, &b), rows[i].text) != 0)
      fail_msg("'%s' token '%s'", rows[i].before, rows[i].after);
  }
  static const char *const missing[] = { "", "Bearer", "Bearer ", "B" };
  for (size_t i = 0; i < 4; i++) {
    AUTO_BUF b = BUF_EMPTY;
    buf_put_str(&b, missing[i]);
    assert_string_equal(answer(h, &b), MISSING);
  }
  assert_string_equal(answer(h, &BUF_EMPTY), MISSING);
  buf_free(&good);
}

static void headers(void **state) {
  struct hub *h = *state;
  AUTO_JSON *claims = good_claims(h);
  AUTO_FREE char *text = text_of(claims);
  static const struct {
    const char *header, *alg, *text;
  } rows[] = {
    { HEADER, "RS256", "OK" },
    { "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"%\"}", NULL, INVALID },
    { "{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"%\"}", NULL, INVALID },
    { "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { HEADER, NULL, INVALID }, /* stripped */
    { "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"%\"}", "PS256", INVALID },
    { "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":\"rs256\",\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":[\"RS256\"],\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":1}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%x\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"" ROLE_OWNER "\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWE\",\"kid\":\"%\"}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%\",\"crit\":[\"exp\"]}", "RS256", INVALID },
    { "{\"alg\":\"RS256\",\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%\"}", "RS256", INVALID },
    { "[]", "RS256", INVALID },
    { "", "RS256", INVALID },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_BUF b = BUF_EMPTY;
    put_bearer(h, &b, rows[i].header, text, rows[i].alg);
    if (strcmp(answer(h, &b), rows[i].text) != 0)
      fail_msg("%s signed with %s: %s", rows[i].header, rows[i].alg, answer(h, &b));
  }
}

/* The classic: the public key, which everybody has, as an HMAC secret. */
static void hs256_with_the_public_key(void **state) {
  struct hub *h = *state;
  char kid[TOKEN_KID_SIZE + 1];
  AUTO(key) struct key *k = token_key_signing(h->id, kid);
  AUTO_BUF jwk = BUF_EMPTY, input = BUF_EMPTY, header = BUF_EMPTY, b = BUF_EMPTY;
  AUTO_JSON *claims = good_claims(h);
  AUTO_FREE char *text = text_of(claims);
  uint8_t mac[SHA256_SIZE];
  assert_ok(key_public_members(k, &jwk));
  buf_printf(&header, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid);
  buf_put_b64url(&input, buf_bytes(&header));
  buf_put_char(&input, '.');
  buf_put_b64url(&input, bytes_str(text));
  assert_ok(crypto_hmac_sha256(buf_bytes(&jwk), buf_bytes(&input), mac));
  buf_put_str(&b, "Bearer ");
  buf_put_bytes(&b, buf_bytes(&input));
  buf_put_char(&b, '.');
  buf_put_b64url(&b, bytes_of(mac, sizeof mac));
  assert_string_equal(answer(h, &b), INVALID);
}

static void a_token_that_was_altered(void **state) {
  struct hub *h = *state;
  struct buf b = hub_bearer(h, &c);
  for (size_t i = 7; i < b.size; i += 13) {
    uint8_t kept = b.data[i];
    b.data[i] = kept == 'A' ? 'B' : 'A';
    const char *text = answer(h, &b);
    assert_true(strcmp(text, "OK") != 0);
    b.data[i] = kept;
  }
  for (size_t n = 8; n < b.size; n += 41) {
    struct buf part = { .data = b.data, .size = n };
    assert_string_equal(answer(h, &part), INVALID);
  }
  assert_string_equal(answer(h, &b), "OK");
  struct key *foreign; /* a key of nobody under the kid of ours */
  AUTO_BUF header = BUF_EMPTY, forged = BUF_EMPTY;
  AUTO_JSON *claims = good_claims(h);
  AUTO_FREE char *text = text_of(claims);
  assert_ok(key_generate(&(struct key_spec){ .type = KEY_RSA, .bits = 2048 }, &foreign));
  buf_printf(&header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}%c",
             h->id->token_keys[0].kid, 0);
  buf_put_str(&forged, "Bearer ");
  put_jwt(&forged, (char *)header.data, text, foreign, "RS256");
  assert_string_equal(answer(h, &forged), INVALID);
  key_free(foreign);
  buf_free(&b);
}

static void too_long(void **state) {
  struct hub *h = *state;
  AUTO_JSON *claims = good_claims(h);
  AUTO_BUF pad = BUF_EMPTY;
  for (int i = 0; i < JWS_MAX; i++)
    buf_put_char(&pad, 'x');
  json_object_set_new(claims, "pad", json_stringn((char *)pad.data, 8000));
  AUTO_FREE char *fits = text_of(claims);
  assert_string_equal(answer_to_claims(h, fits), "OK");
  json_object_set_new(claims, "pad", json_stringn((char *)pad.data, JWS_MAX));
  AUTO_FREE char *text = text_of(claims);
  assert_string_equal(answer_to_claims(h, text), INVALID);
}

static void claims(void **state) {
  struct hub *h = *state;
  struct client other;
  int64_t now = clock_now();
  char long_audience[TOKEN_AUDIENCE_MAX + 2];
  memset(long_audience, 'a', sizeof long_audience - 1);
  long_audience[sizeof long_audience - 1] = '\0';
  hub_client(h, "other", &other);
#define AUD(found) "AKV10022: Invalid audience. Expected " AUDIENCE ", found: " found "."
#define ISS(found) \
  "AKV10032: Invalid issuer. Expected one of https://login.example:8443/t/v2.0, found " found "."
  const struct {
    const char *claim;
    json_t *value; /* NULL: without it */
    const char *text;
  } rows[] = {
    { "aud", NULL, INVALID },
    { "aud", json_string("https://second.example"), "OK" },
    { "aud", json_string(AUDIENCE "/"), AUD(AUDIENCE "/") },
    { "aud", json_string("https://VAULT.example"), AUD("https://VAULT.example") },
    { "aud", json_string("https://x"), AUD("https://x") },
    { "aud", json_string(""), INVALID },
    { "aud", json_pack("[s]", AUDIENCE), INVALID },
    { "aud", json_string(long_audience), INVALID },
    { "iss", NULL, INVALID },
    { "iss", json_string("https://login.example:8443/t/v2.0/"),
      ISS("https://login.example:8443/t/v2.0/") },
    { "iss", json_string("https://sts.windows.net/x/"), ISS("https://sts.windows.net/x/") },
    { "iss", json_integer(1), INVALID },
    { "tid", NULL, INVALID },
    { "tid", json_string("8e3af657-a8ff-443c-a75c-2fe8c4bcb635"), INVALID },
    { "oid", NULL, INVALID },
    { "oid", json_string(c.app_id), INVALID },
    { "oid", json_string(other.oid), INVALID }, /* not this application's */
    { "oid", json_null(), INVALID },
    { "appid", NULL, INVALID },
    { "appid", json_string(other.app_id), INVALID },
    { "appid", json_string("x"), INVALID },
    { "iat", NULL, INVALID },
    { "iat", json_integer(now + 400), INVALID },
    { "nbf", NULL, INVALID },
    { "nbf", json_integer(now + 200), "OK" },
    { "nbf", json_integer(now + 400), INVALID },
    { "nbf", json_string("1"), INVALID },
    { "exp", NULL, INVALID },
    { "exp", json_integer(now - 1), EXPIRED },
    { "exp", json_integer(now), EXPIRED },
    { "exp", json_integer(now + 5), "OK" },
    { "exp", json_integer(-5), INVALID },
    { "exp", json_integer(INT64_MAX), INVALID },
    { "exp", json_true(), INVALID },
    { "more", json_pack("{s:[i]}", "a", 1), "OK" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_JSON *o = good_claims(h);
    if (rows[i].value)
      json_object_set_new(o, rows[i].claim, rows[i].value);
    else
      json_object_del(o, rows[i].claim);
    AUTO_FREE char *text = text_of(o);
    if (strcmp(answer_to_claims(h, text), rows[i].text) != 0)
      fail_msg("row %zu, %s: %s", i, rows[i].claim, answer_to_claims(h, text));
  }
}

static void claims_that_are_no_claims(void **state) {
  struct hub *h = *state;
  AUTO_JSON *o = good_claims(h);
  AUTO_FREE char *text = text_of(o);
  AUTO_BUF twice = BUF_EMPTY;
  buf_put(&twice, text, strlen(text) - 1);
  buf_put_str(&twice, ",\"exp\":99999999999}");
  buf_put_char(&twice, '\0');
  const char *const rows[] = { (char *)twice.data, "", "{", "[]", "1", "{}", "null", "{} {}" };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(answer_to_claims(h, rows[i]), INVALID) != 0)
      fail_msg("%s", rows[i]);
}

static void expiry_is_looked_at_every_time(void **state) {
  struct hub *h = *state;
  struct buf b = hub_bearer(h, &c);
  assert_string_equal(answer(h, &b), "OK");
  clock_shift(3590);
  assert_string_equal(answer(h, &b), "OK");
  clock_shift(3601);
  assert_string_equal(answer(h, &b), EXPIRED);
  clock_shift(0);
  assert_string_equal(answer(h, &b), "OK");
  buf_free(&b);
}

static void audience_is_looked_at_every_time(void **state) {
  struct hub *h = *state;
  struct buf b = hub_bearer(h, &c);
  struct caller who;
  static const char *const other[] = { "https://other.example" };
  assert_string_equal(answer(h, &b), "OK");
  assert_refused(token_check(h->id, buf_bytes(&b), other, 1, &who), ERR_UNAUTHORIZED,
                 "AKV10022: Invalid audience. Expected https://other.example, found: " AUDIENCE
                 ".");
  assert_err(token_check(h->id, buf_bytes(&b), other, 0, &who), ERR_UNAUTHORIZED);
  buf_free(&b);
}

static void a_change_is_seen_by_the_next_check(void **state) {
  struct hub *h = *state;
  struct buf b = hub_bearer(h, &c);
  assert_string_equal(answer(h, &b), "OK");
  assert_ok(identity_set_enabled(h->id, c.app_id, false));
  assert_string_equal(answer(h, &b), INVALID);
  assert_ok(identity_set_enabled(h->id, c.app_id, true));
  assert_string_equal(answer(h, &b), "OK");
  assert_ok(identity_delete(h->id, c.app_id));
  assert_string_equal(answer(h, &b), INVALID);
  buf_free(&b);
}

static void jwks_has(struct hub *h, size_t count, const char *first) {
  AUTO_BUF json = BUF_EMPTY;
  AUTO_JSON *o = NULL;
  assert_ok(token_write_jwks(h->id, &json));
  assert_ok(json_read(buf_bytes(&json), &o));
  json_t *keys = json_object_get(o, "keys");
  assert_int_equal(json_array_size(keys), count);
  assert_string_equal(json_string_value(json_object_get(json_array_get(keys, 0), "kid")), first);
  for (size_t i = 0; i < count; i++) {
    json_t *k = json_array_get(keys, i);
    struct key *public_key;
    char kid[TOKEN_KID_SIZE + 1];
    assert_ok(key_from_jwk(k, &public_key));
    assert_ok(key_thumbprint(public_key, kid));
    assert_string_equal(json_string_value(json_object_get(k, "kid")), kid);
    assert_null(json_object_get(k, "d"));
    assert_false(key_is_private(public_key));
    key_free(public_key);
  }
}

static void rollover_keeps_the_old_key_as_long_as_its_tokens(void **state) {
  struct hub *h = *state;
  char first[TOKEN_KID_SIZE + 1], second[TOKEN_KID_SIZE + 1];
  memcpy(first, h->id->token_keys[0].kid, sizeof first);
  jwks_has(h, 1, first);
  struct buf old = hub_bearer(h, &c);
  assert_string_equal(answer(h, &old), "OK");
  assert_ok(token_rollover(h->id));
  memcpy(second, h->id->token_keys[0].kid, sizeof second);
  assert_string_not_equal(first, second);
  for (int i = 0; i < 2; i++) {
    jwks_has(h, 2, second);
    assert_string_equal(answer(h, &old), "OK");
    assert_true(key_is_private(h->id->token_keys[0].key));
    assert_false(key_is_private(h->id->token_keys[1].key)); /* it signs no more */
    struct buf fresh = hub_bearer(h, &c);
    assert_string_equal(answer(h, &fresh), "OK");
    buf_free(&fresh);
    hub_reopen(h);
  }
  clock_shift(3600 + CLOCK_SKEW + 1);
  jwks_has(h, 1, second);
  assert_null(token_key_find(h->id, bytes_str(first), clock_now()));
  assert_int_equal(h->id->token_key_count, 2);
  hub_reopen(h);
  assert_int_equal(h->id->token_key_count, 1);
  clock_shift(0);
  hub_reopen(h);
  assert_int_equal(h->id->token_key_count, 1); /* its record is gone */
  assert_string_equal(answer(h, &old), INVALID);
  buf_free(&old);
}

static void rollovers_are_bounded(void **state) {
  struct hub *h = *state;
  for (int i = 1; i < TOKEN_KEYS_MAX; i++)
    assert_ok(token_rollover(h->id));
  char kid[TOKEN_KID_SIZE + 1];
  memcpy(kid, h->id->token_keys[0].kid, sizeof kid);
  assert_err(token_rollover(h->id), ERR_CONFLICT);
  jwks_has(h, TOKEN_KEYS_MAX, kid);
  hub_reopen(h);
  jwks_has(h, TOKEN_KEYS_MAX, kid);
  clock_shift(3600 + CLOCK_SKEW + 1);
  assert_ok(token_rollover(h->id));
  assert_int_equal(h->id->token_key_count, 2);
}

static void the_cache_keeps_to_its_size(void **state) {
  struct token_cache *cache;
  struct token_facts in = { 0 }, out;
  assert_ok(token_cache_new(&cache));
  uint8_t digest[SHA256_SIZE] = { 7, 1 };
  for (uint8_t i = 0; i < 6; i++) { /* all of one set */
    digest[31] = i;
    in.expires = i;
    token_cache_put(cache, digest, 1, &in);
  }
  unsigned found = 0;
  for (uint8_t i = 0; i < 6; i++) {
    digest[31] = i;
    if (token_cache_find(cache, digest, 1, &out)) {
      assert_int_equal(out.expires, i);
      found++;
    }
    assert_false(token_cache_find(cache, digest, 2, &out));
  }
  assert_int_equal(found, 4);
  digest[31] = 9;
  token_cache_put(cache, digest, 2, &in); /* takes a stale one's place */
  assert_true(token_cache_find(cache, digest, 2, &out));
  token_cache_free(cache);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(the_hubs_own_tokens_are_good),
    T(schemes),
    T(headers),
    T(hs256_with_the_public_key),
    T(a_token_that_was_altered),
    T(too_long),
    T(claims),
    T(claims_that_are_no_claims),
    T(expiry_is_looked_at_every_time),
    T(audience_is_looked_at_every_time),
    T(a_change_is_seen_by_the_next_check),
    T(rollover_keeps_the_old_key_as_long_as_its_tokens),
    T(rollovers_are_bounded),
    T(the_cache_keeps_to_its_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
