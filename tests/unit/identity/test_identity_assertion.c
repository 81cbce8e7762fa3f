/* The token endpoint with client assertions. */
#include "hub.h"
#include "x509_make.h"

#include <stdio.h>

#define TYPE "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

static struct key *rsa, *ec, *foreign; /* made once */
static struct client c;
static char rsa_id[GUID_SIZE + 1], ec_id[GUID_SIZE + 1];
static char rsa_thumbprint[44], ec_thumbprint[44];

static struct key *new_key(enum key_type type, unsigned bits, enum key_curve curve) {
  struct key_spec spec = { .type = type, .bits = bits, .curve = curve };
  struct key *k = NULL;
  assert_ok(key_generate(&spec, &k));
  return k;
}

static void register_certificate(struct hub *h, const struct key *k, int64_t from, int64_t to,
                                 char id[GUID_SIZE + 1], char thumbprint[44]) {
  int64_t now = clock_now();
  struct x509_subject s = { "app", NULL, 0, now + from, now + to };
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF der = BUF_EMPTY, text = BUF_EMPTY;
  assert_ok(x509_make_ca(k, &s, &der));
  assert_ok(identity_add_certificate(h->id, c.app_id, buf_bytes(&der), id));
  assert_ok(crypto_sha256(buf_bytes(&der), digest));
  buf_put_b64url(&text, bytes_of(digest, sizeof digest));
  assert_ok(bytes_to_cstr(buf_bytes(&text), thumbprint, 44));
}

static int start(void **state) {
  hub_start(state);
  if (!rsa) {
    rsa = new_key(KEY_RSA, 2048, CURVE_NONE);
    foreign = new_key(KEY_RSA, 2048, CURVE_NONE);
    ec = new_key(KEY_EC, 256, CURVE_P256);
  }
  hub_client(*state, "app", &c);
  register_certificate(*state, rsa, -60, 7200, rsa_id, rsa_thumbprint);
  register_certificate(*state, ec, -60, 7200, ec_id, ec_thumbprint);
  return 0;
}

static int free_keys(void **state) {
  key_free(rsa);
  key_free(ec);
  key_free(foreign);
  return 0;
}

static unsigned jti;
static json_t *good_claims(void) {
  char id[32];
  int64_t now = clock_now();
  snprintf(id, sizeof id, "jti-%u", jti++);
  json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I}", "aud", ENDPOINT, "iss", c.app_id, "sub",
                        c.app_id, "jti", id, "exp", (json_int_t)now + 600, "nbf", (json_int_t)now,
                        "iat", (json_int_t)now);
  assert_non_null(o);
  return o;
}

struct attempt {
  const char *header; /* a format for the thumbprint or id */
  const char *name;   /* what goes there */
  const struct key *key;
  const char *alg;
};

static err_t post(struct hub *h, const char *client_id, const char *jwt, struct token_grant *g) {
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form,
             "grant_type=client_credentials&client_id=%s&client_assertion_type=%s"
             "&client_assertion=%s&scope=" AUDIENCE "/.default%c",
             client_id, TYPE, jwt, 0);
  return hub_issue(h, (char *)form.data, g);
}

static err_t attempt_as(struct hub *h, const char *client_id, const struct attempt *a,
                        json_t *claims, struct token_grant *g) {
  AUTO_BUF header = BUF_EMPTY, jwt = BUF_EMPTY;
  struct bytes before, after = bytes_split(bytes_str(a->header), '%', &before);
  buf_put_bytes(&header, before);
  if (after.data) {
    buf_put_str(&header, a->name);
    buf_put_bytes(&header, after);
  }
  buf_put_char(&header, '\0');
  char *text = text_of(claims);
  put_jwt(&jwt, (char *)header.data, text, a->key, a->alg);
  buf_put_char(&jwt, '\0');
  mem_free(text);
  err_t e = post(h, client_id, (char *)jwt.data, g);
  token_grant_free(g);
  return e;
}

static err_t attempt(struct hub *h, const struct attempt *a, json_t *claims) {
  struct token_grant g;
  err_t e = attempt_as(h, c.app_id, a, claims, &g);
  if (e == ERR_OAUTH) {
    assert_int_equal(g.status, 401);
    assert_string_equal(g.error, "invalid_client");
    assert_int_equal(g.aadsts, 700027);
  }
  return e;
}

#define X5T "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"%\"}"

static void each_algorithm_and_each_way_to_name_the_certificate(void **state) {
  struct hub *h = *state;
  const struct attempt rows[] = {
    { X5T, rsa_thumbprint, rsa, "PS256" },
    { "{\"alg\":\"RS256\",\"x5t#S256\":\"%\",\"x5c\":[\"bm90IGxvb2tlZCBhdA\"]}", rsa_thumbprint,
      rsa, "RS256" },
    { "{\"alg\":\"ES256\",\"x5t#S256\":\"%\"}", ec_thumbprint, ec, "ES256" },
    { "{\"alg\":\"RS256\",\"kid\":\"%\"}", rsa_thumbprint, rsa, "RS256" },
    { "{\"alg\":\"RS256\",\"kid\":\"%\"}", rsa_id, rsa, "RS256" },
    { "{\"alg\":\"ES256\",\"kid\":\"%\"}", ec_id, ec, "ES256" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_JSON *claims = good_claims();
    if (attempt(h, &rows[i], claims) != OK)
      fail_msg("row %zu: %s", i, err_text(ERR_OAUTH));
  }
  AUTO_JSON *claims = good_claims(), *list = json_pack("[ss]", "other", h->id->issuer);
  json_object_set(claims, "aud", list);
  json_object_set_new(claims, "exp", json_real((double)clock_now() + 60.5));
  assert_ok(attempt(h, &rows[0], claims));
}

static void wrong_signatures(void **state) {
  struct hub *h = *state;
  const struct attempt rows[] = {
    { X5T, rsa_thumbprint, foreign, "PS256" },             /* another's key */
    { X5T, ec_thumbprint, rsa, "PS256" },                  /* another certificate of ours */
    { X5T, "AAAA", rsa, "PS256" },                         /* no thumbprint */
    { X5T, rsa_id, rsa, "PS256" },                         /* an id is a kid */
    { "{\"alg\":\"PS256\"}", "", rsa, "PS256" },           /* names none */
    { "{\"alg\":\"PS256\",\"kid\":1}", "", rsa, "PS256" }, /* nor does this */
    { "{\"alg\":\"RS256\",\"x5t#S256\":\"%\"}", rsa_thumbprint, rsa, "PS256" },
    { "{\"alg\":\"ES256\",\"x5t#S256\":\"%\"}", rsa_thumbprint, rsa, "PS256" },
    { "{\"alg\":\"none\",\"x5t#S256\":\"%\"}", rsa_thumbprint, NULL, "" },
    { "{\"alg\":\"HS256\",\"x5t#S256\":\"%\"}", rsa_thumbprint, rsa, "PS256" },
    { X5T, rsa_thumbprint, NULL, "" }, /* stripped */
    { "{\"alg\":\"PS256\",\"crit\":[\"x\"],\"x5t#S256\":\"%\"}", rsa_thumbprint, rsa, "PS256" },
    { "{\"alg\":\"PS256\",\"x5t\":\"%\"}", rsa_thumbprint, rsa, "PS256" },
    { "{\"alg\":\"RS256\",\"x5t#S256\":\"AAAA\",\"kid\":\"%\"}", rsa_id, rsa, "RS256" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_JSON *claims = good_claims();
    if (attempt(h, &rows[i], claims) != ERR_OAUTH)
      fail_msg("row %zu", i);
  }
}

static void wrong_claims(void **state) {
  struct hub *h = *state;
  const struct attempt good = { X5T, rsa_thumbprint, rsa, "PS256" };
  int64_t now = clock_now();
  const struct {
    const char *claim;
    json_t *value; /* NULL: without it */
  } rows[] = {
    { "aud", NULL },
    { "aud", json_string("https://login.example:8443/t/oauth2/v2.0/token/") },
    { "aud", json_string(AUDIENCE) },
    { "aud", json_array() },
    { "aud", json_pack("[i]", 1) },
    { "iss", NULL },
    { "iss", json_string(c.oid) },
    { "sub", NULL },
    { "sub", json_string("8e3af657-a8ff-443c-a75c-2fe8c4bcb635") },
    { "sub", json_true() },
    { "exp", NULL },
    { "exp", json_integer(now - 1) },
    { "exp", json_integer(now + 2 * 3600) },
    { "exp", json_string("1") },
    { "exp", json_integer(INT64_MAX) },
    { "exp", json_integer(-1) },
    { "exp", json_real(1e300) },
    { "nbf", json_integer(now + 400) },
    { "nbf", json_string("0") },
    { "iat", json_integer(now + 400) },
    { "jti", NULL },
    { "jti", json_integer(5) },
    { "jti", json_string("") },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    AUTO_JSON *claims = good_claims();
    if (rows[i].value)
      json_object_set_new(claims, rows[i].claim, rows[i].value);
    else
      json_object_del(claims, rows[i].claim);
    if (attempt(h, &good, claims) != ERR_OAUTH)
      fail_msg("row %zu: %s", i, rows[i].claim);
  }
}

static void an_assertion_is_good_once(void **state) {
  struct hub *h = *state;
  const struct attempt good = { X5T, rsa_thumbprint, rsa, "PS256" };
  AUTO_JSON *claims = good_claims();
  assert_ok(attempt(h, &good, claims));
  assert_err(attempt(h, &good, claims), ERR_OAUTH);
  json_object_set_new(claims, "jti", json_string("another"));
  assert_ok(attempt(h, &good, claims));
  /* A wrong one uses nothing up. */
  json_object_set_new(claims, "jti", json_string("third"));
  const struct attempt bad = { X5T, rsa_thumbprint, foreign, "PS256" };
  assert_err(attempt(h, &bad, claims), ERR_OAUTH);
  assert_ok(attempt(h, &good, claims));
}

static void certificates_are_good_for_their_time_only(void **state) {
  struct hub *h = *state;
  char id[GUID_SIZE + 1], thumbprint[44];
  register_certificate(h, foreign, 1000, 2000, id, thumbprint);
  const struct attempt a = { X5T, thumbprint, foreign, "PS256" };
  static const struct {
    int64_t shift;
    bool good;
  } rows[] = { { 0, false }, { 990, false }, { 1010, true }, { 1990, true }, { 2010, false } };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    clock_shift(rows[i].shift);
    AUTO_JSON *claims = good_claims();
    assert_int_equal(attempt(h, &a, claims), rows[i].good ? OK : ERR_OAUTH);
  }
}

static void removed_and_disabled(void **state) {
  struct hub *h = *state;
  const struct attempt a = { X5T, rsa_thumbprint, rsa, "PS256" };
  AUTO_JSON *one = good_claims(), *two = good_claims(), *three = good_claims();
  assert_ok(identity_set_enabled(h->id, c.app_id, false));
  assert_err(attempt(h, &a, one), ERR_OAUTH);
  assert_ok(identity_set_enabled(h->id, c.app_id, true));
  assert_ok(attempt(h, &a, one));
  hub_reopen(h);
  assert_ok(attempt(h, &a, two));
  assert_ok(identity_remove_credential(h->id, c.app_id, rsa_id));
  assert_err(attempt(h, &a, three), ERR_OAUTH);
}

/* Unknown application, unknown certificate, wrong key: one answer. */
static void unknown_clients_are_not_told_apart(void **state) {
  struct hub *h = *state;
  struct token_grant known, unknown;
  AUTO_JSON *claims = good_claims();
  const struct attempt a = { X5T, rsa_thumbprint, foreign, "PS256" };
  assert_err(attempt_as(h, c.app_id, &a, claims, &known), ERR_OAUTH);
  assert_err(attempt_as(h, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", &a, claims, &unknown),
             ERR_OAUTH);
  assert_string_equal(known.description, unknown.description);
  assert_string_equal(known.error, unknown.error);
  assert_int_equal(known.aadsts, unknown.aadsts);
  assert_int_equal(known.status, unknown.status);
}

static void malformed(void **state) {
  struct hub *h = *state;
  static const char *const rows[] = { "x", ".", "..", "a.b", "a.b.c.d", "e30.e30.", "e30.e30.AA" };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct token_grant g;
    assert_err(post(h, c.app_id, rows[i], &g), ERR_OAUTH);
    assert_int_equal(g.aadsts, 700027);
  }
}

static void the_replay_list_is_bounded_and_forgets_what_expired(void **state) {
  struct replay r = { 0 };
  bool fresh;
  char id[16];
  unsigned taken = 0;
  for (unsigned i = 0; i < 5000; i++) {
    snprintf(id, sizeof id, "%u", i);
    assert_ok(replay_use(&r, id, i < 100 ? 50 : 100, 0, &fresh));
    taken += fresh;
  }
  assert_int_equal(taken, 4096);
  assert_ok(replay_use(&r, "new", 100, 49, &fresh));
  assert_false(fresh);
  assert_ok(replay_use(&r, "new", 100, 50, &fresh));
  assert_true(fresh);
  assert_ok(replay_use(&r, "200", 100, 50, &fresh));
  assert_false(fresh);
  assert_int_equal(r.count, 4096 - 100 + 1);
  replay_free(&r);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(each_algorithm_and_each_way_to_name_the_certificate),
    T(wrong_signatures),
    T(wrong_claims),
    T(an_assertion_is_good_once),
    T(certificates_are_good_for_their_time_only),
    T(removed_and_disabled),
    T(unknown_clients_are_not_told_apart),
    T(malformed),
    T(the_replay_list_is_bounded_and_forgets_what_expired),
  };
  return cmocka_run_group_tests(tests, NULL, free_keys);
}
