/* The token endpoint with client secrets. */
#include "hub.h"

#include <stdio.h>

#define TYPE "grant_type=client_credentials"
#define SCOPE "scope=https%3A%2F%2Fvault.example%2F.default"

static struct client c;

static int start(void **state) {
  hub_start(state);
  hub_client(*state, "app", &c);
  return 0;
}

/* The form with %I for the client's id and %S for its secret. */
static void fill(struct buf *out, const char *form) {
  for (const char *p = form; *p; p++) {
    bool id = strncmp(p, "%I", 2) == 0, secret = strncmp(p, "%S", 2) == 0;
    if (id || secret)
      buf_put_str(out, id ? c.app_id : c.secret);
    else
      buf_put_char(out, *p);
    p += id || secret;
  }
  buf_put_char(out, '\0');
}

static void a_secret_gets_a_token(void **state) {
  struct hub *h = *state;
  struct token_grant g;
  AUTO_BUF form = BUF_EMPTY;
  fill(&form, "client_id=%I&" SCOPE "&" TYPE "&x-client-SKU=msal.js.node&client_secret=%S"
              "&claims=%7B%22access_token%22%3A%7B%7D%7D");
  int64_t before = clock_now();
  assert_ok(hub_issue(h, (char *)form.data, &g));
  assert_int_equal(g.expires_in, 3600);
  assert_string_equal(g.app_id, c.app_id);
  assert_string_equal(g.oid, c.oid);
  assert_in_range(g.token.size, 600, 1200);

  AUTO_JWS j = { 0 };
  char kid[TOKEN_KID_SIZE + 1];
  struct key *k = token_key_signing(h->id, kid);
  assert_ok(jws_parse(buf_bytes(&g.token), &j));
  assert_ok(jws_verify(&j, k));
  key_free(k);
  assert_string_equal(json_string_value(json_object_get(j.header, "kid")), kid);
  assert_string_equal(json_string_value(json_object_get(j.header, "alg")), "RS256");
  const struct {
    const char *claim, *value;
  } texts[] = {
    { "aud", AUDIENCE },      { "iss", h->id->issuer }, { "appid", c.app_id },
    { "azp", c.app_id },      { "oid", c.oid },         { "sub", c.oid },
    { "tid", h->id->tenant }, { "idtyp", "app" },       { "ver", "2.0" },
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    assert_string_equal(json_string_value(json_object_get(j.claims, texts[i].claim)),
                        texts[i].value);
  int64_t iat = json_integer_value(json_object_get(j.claims, "iat"));
  assert_in_range(iat, before, clock_now());
  assert_int_equal(json_integer_value(json_object_get(j.claims, "nbf")), iat);
  assert_int_equal(json_integer_value(json_object_get(j.claims, "exp")), iat + 3600);
  assert_int_equal(json_string_length(json_object_get(j.claims, "jti")), GUID_SIZE);
  token_grant_free(&g);
}

static void refusals(void **state) {
  struct hub *h = *state;
  static const char secret_text[] = "Invalid client secret provided.";
  static const struct {
    const char *form;
    int status;
    const char *error;
    int aadsts;
    const char *text; /* NULL: not looked at */
  } rows[] = {
    { "", 400, "invalid_request", 900144,
      "The request body must contain the following parameter: 'grant_type'." },
    { TYPE, 400, "invalid_request", 900144,
      "The request body must contain the following parameter: 'client_id'." },
    { "grant_type=&client_id=%I", 400, "invalid_request", 900144, NULL },
    { "grant_type=password&client_id=%I&client_secret=%S&" SCOPE, 400, "unsupported_grant_type",
      70003, NULL },
    { "grant_type=Client_Credentials&client_id=%I&client_secret=%S&" SCOPE, 400,
      "unsupported_grant_type", 70003, NULL },
    { TYPE "&client_id=%I&" SCOPE, 400, "invalid_request", 900144,
      "The request body must contain the following parameter: 'client_assertion' or "
      "'client_secret'." },
    { TYPE "&client_id=%I&client_secret=%S&client_assertion=x&" SCOPE, 400, "invalid_request",
      900144, NULL },
    { TYPE "&client_id=%I&client_assertion=x&" SCOPE, 400, "invalid_request", 900144,
      "The request body must contain the following parameter: 'client_assertion_type'." },
    { TYPE "&client_id=%I&client_assertion=x&client_assertion_type=saml&" SCOPE, 400,
      "invalid_request", 90100, NULL },
    { TYPE "&client_id=%I&client_secret=%S", 400, "invalid_request", 900144,
      "The request body must contain the following parameter: 'scope'." },
    { TYPE "&client_id=%I&client_secret=%S&scope=" AUDIENCE, 400, "invalid_scope", 70011, NULL },
    { TYPE "&client_id=%I&client_secret=%S&scope=/.default", 400, "invalid_scope", 70011, NULL },
    { TYPE "&client_id=%I&client_secret=%S&scope=openid+" AUDIENCE "/.default", 400,
      "invalid_scope", 70011, NULL },
    { TYPE "&client_id=%I&client_secret=%S&scope=https://other.example/.default", 400,
      "invalid_resource", 500011,
      "The resource principal named https://other.example was not found in the tenant." },
    { TYPE "&client_id=%I&client_secret=%S&scope=" AUDIENCE "//.default", 400, "invalid_resource",
      500011, NULL },
    { TYPE "&client_id=%I&client_secret=wrong&" SCOPE, 401, "invalid_client", 7000215,
      secret_text },
    { TYPE "&client_id=%I&client_secret=&" SCOPE, 401, "invalid_client", 7000215, secret_text },
    { TYPE "&client_id=%I&client_secret=%SA&" SCOPE, 401, "invalid_client", 7000215, secret_text },
    { TYPE "&client_id=nobody&client_secret=%S&" SCOPE, 401, "invalid_client", 7000215,
      secret_text },
    { TYPE "&client_id=8e3af657-a8ff-443c-a75c-2fe8c4bcb635&client_secret=%S&" SCOPE, 401,
      "invalid_client", 7000215, secret_text },
    { TYPE "&client_id=nobody&client_secret=%S&scope=https://other.example/.default", 401,
      "invalid_client", 7000215, secret_text }, /* tells nothing before it knows who asks */
    { TYPE "&client_id=%I&client_id=%I&client_secret=%S&" SCOPE, 400, "invalid_request", 90100,
      NULL },
    { TYPE "&client_id=%I&client_secret=%S&client_secret=%S&" SCOPE, 400, "invalid_request", 90100,
      NULL },
    { TYPE "&client_id=%zz&client_secret=%S&" SCOPE, 400, "invalid_request", 90100, NULL },
    { TYPE "&client_id=%00&client_secret=%S&" SCOPE, 400, "invalid_request", 90100, NULL },
    { TYPE "&client_id=%I&client_secret=%S&scope=%C3%28/.default", 400, "invalid_scope", 70011,
      NULL },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct token_grant g;
    AUTO_BUF form = BUF_EMPTY;
    fill(&form, rows[i].form);
    err_t e = hub_issue(h, (char *)form.data, &g);
    if (e != ERR_OAUTH || g.status != rows[i].status || strcmp(g.error, rows[i].error) != 0 ||
        g.aadsts != rows[i].aadsts || (rows[i].text && strcmp(g.description, rows[i].text) != 0))
      fail_msg("%s: %s %d %s %d %s", rows[i].form, err_info(e)->name, g.status, g.error, g.aadsts,
               g.description);
    assert_null(g.token.data);
    token_grant_free(&g);
  }
}

static void overlong_parameters(void **state) {
  struct hub *h = *state;
  static const char *const names[] = { "grant_type", "client_id", "client_secret",
                                       "client_assertion", "scope" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct token_grant g;
    AUTO_BUF form = BUF_EMPTY;
    const char *all[] = { TYPE "&", "client_id=a&", "client_secret=b&", "", SCOPE "&" };
    for (size_t k = 0; k < 5; k++)
      if (k != i && !(i == 3 && k == 2))
        buf_put_str(&form, all[k]);
    buf_printf(&form, "%s=", names[i]);
    for (int k = 0; k < JWS_MAX + 10; k++)
      buf_put_char(&form, 'a');
    buf_put_char(&form, '\0');
    assert_err(hub_issue(h, (char *)form.data, &g), ERR_OAUTH);
    assert_int_equal(g.aadsts, 90100);
  }
}

static err_t issue_with(struct hub *h, const char *secret) {
  struct token_grant g;
  AUTO_BUF form = BUF_EMPTY;
  buf_printf(&form, TYPE "&client_id=%s&client_secret=%s&%s%c", c.app_id, secret, SCOPE, 0);
  err_t e = hub_issue(h, (char *)form.data, &g);
  token_grant_free(&g);
  return e;
}

static void each_secret_works_until_it_expires_or_is_removed(void **state) {
  struct hub *h = *state;
  char id[GUID_SIZE + 1], second[64];
  AUTO_SECRET s = { 0 };
  assert_ok(identity_add_secret(h->id, c.app_id, 3600, id, &s));
  assert_ok(bytes_to_cstr(secret_bytes(&s), second, sizeof second));
  assert_ok(issue_with(h, c.secret));
  assert_ok(issue_with(h, second));
  clock_shift(3500);
  assert_ok(issue_with(h, second));
  clock_shift(3601);
  assert_err(issue_with(h, second), ERR_OAUTH);
  assert_ok(issue_with(h, c.secret));
  clock_shift(0);
  assert_ok(identity_remove_credential(h->id, c.app_id, c.secret_id));
  assert_err(issue_with(h, c.secret), ERR_OAUTH);
  assert_ok(issue_with(h, second));
  hub_reopen(h);
  assert_err(issue_with(h, c.secret), ERR_OAUTH);
  assert_ok(issue_with(h, second));
}

static void another_applications_secret_is_none(void **state) {
  struct hub *h = *state;
  struct client other;
  hub_client(h, "other", &other);
  assert_err(issue_with(h, other.secret), ERR_OAUTH);
}

static void disabled_and_deleted_applications_look_unknown(void **state) {
  struct hub *h = *state;
  assert_ok(identity_set_enabled(h->id, c.app_id, false));
  assert_err(issue_with(h, c.secret), ERR_OAUTH);
  assert_string_equal(err_text(ERR_OAUTH), "AADSTS7000215: Invalid client secret provided.");
  assert_ok(identity_set_enabled(h->id, c.app_id, true));
  assert_ok(issue_with(h, c.secret));
  assert_ok(identity_delete(h->id, c.app_id));
  assert_err(issue_with(h, c.secret), ERR_OAUTH);
  assert_string_equal(err_text(ERR_OAUTH), "AADSTS7000215: Invalid client secret provided.");
}

static void a_refused_client_is_named_for_the_audit_log(void **state) {
  struct hub *h = *state;
  struct token_grant g;
  AUTO_BUF form = BUF_EMPTY;
  fill(&form, TYPE "&client_id=%I&client_secret=wrong&" SCOPE);
  assert_err(hub_issue(h, (char *)form.data, &g), ERR_OAUTH);
  assert_string_equal(g.app_id, c.app_id);
  assert_string_equal(g.oid, c.oid);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, start, hub_stop)
  const struct CMUnitTest tests[] = {
    T(a_secret_gets_a_token),
    T(refusals),
    T(overlong_parameters),
    T(each_secret_works_until_it_expires_or_is_removed),
    T(another_applications_secret_is_none),
    T(disabled_and_deleted_applications_look_unknown),
    T(a_refused_client_is_named_for_the_audit_log),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
