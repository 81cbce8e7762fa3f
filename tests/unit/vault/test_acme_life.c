/* What becomes of ACME's orders and accounts: renewed, restarted, limited, kept and forgotten. */
#include "acme_two.h"

#include "base/clock.h"

static int register_with(struct acme_client *c, const char *key_id, struct bytes key,
                         const char *alg, const char *url) {
  AUTO_BUF binding = BUF_EMPTY;
  client_binding(c, key_id, key, alg, url, &binding);
  return client_post(c, "new-account", "{\"externalAccountBinding\":%s}", buf_cstr(&binding));
}

static void test_renewal(void **state) {
  AUTO_ANSWER a = { 0 };
  AUTO_BUF leaf = BUF_EMPTY;
  char url[160], path[200], start[40], cert_id[ACME_CERT_ID_MAX + 1];
  issued(&one, url);
  memcpy(cert_id, inside(url)->cert_id, sizeof cert_id);
  snprintf(path, sizeof path, "/acme/renewal-info/%s", cert_id);
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, path, (struct bytes){ 0 }, &a);
  assert_int_equal(a.status, 200);
  assert_non_null(memmem(a.headers.data, a.headers.size, "Retry-After: ", 13));
  snprintf(start, sizeof start, "%s", answer_str(&a, "suggestedWindow.start"));
  char now[28];
  clock_format(clock_now_us(), now);
  assert_true(strcmp(start, now) > 0); /* later */
  assert_true(strcmp(answer_str(&a, "suggestedWindow.end"), start) > 0);

  client_post(&two, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&two, 400, "malformed");
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&one, 400, "malformed");
  assert_int_equal(
    client_post(
      &one, "new-order",
      "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
      cert_id),
    201);
  assert_string_equal(answer_str(&one.a, "replaces"), cert_id);
  char next[160];
  snprintf(next, sizeof next, "%s", client_header(&one, "Location"));
  make_ready(next);
  assert_int_equal(finalize(&one, next, "a.example"), 200);
  client_post(&one, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}],\"replaces\":\"%s\"}",
              cert_id);
  REFUSED(&one, 409, "alreadyReplaced");

  read_leaf(url, &leaf);
  CHECK(ca_revoke(f.hub->ca, inside(url)->serial, 1, NULL)); /* by whoever */
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, path, (struct bytes){ 0 }, &a);
  assert_true(strcmp(answer_str(&a, "suggestedWindow.end"), now) < 0); /* at once */
  fixture_call(&f, (struct bytes){ 0 }, HTTP_GET, "/acme/renewal-info/a.b", (struct bytes){ 0 },
               &a);
  assert_int_equal(a.status, 404);
}

static void test_restart(void **state) {
  char ready[160], valid[160], nonce[ACME_NONCE_MAX];
  struct bytes old;
  AUTO_BUF chain = BUF_EMPTY;
  order(&one, a_example, ready);
  make_ready(ready);
  CHECK(acme_commit_order(f.hub->acme, inside(ready)));
  issued(&one, valid);
  buf_put_bytes(&chain, buf_bytes(&inside(valid)->chain.ders[0]));
  CHECK(acme_nonce(f.hub->acme, nonce));
  fixture_reopen(&f);
  assert_ptr_equal(acme_order_by_cert(f.hub->acme, inside(valid)->cert_id), inside(valid));
  one.nonce = nonce; /* of before */
  client_post(&one, ready, "%s", "");
  REFUSED(&one, 400, "badNonce");
  client_post(&one, ready, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "ready");
  old = buf_bytes(&inside(valid)->chain.ders[0]);
  assert_true(bytes_equal(old, buf_bytes(&chain)));
  assert_int_equal(finalize(&one, ready, "a.example"), 200);
  assert_int_equal(client_post(&two, two.account, "%s", ""), 200);
  AUTO_BUF path = BUF_EMPTY;
  buf_printf(&path, "%s/orders", one.account);
  assert_int_equal(client_post(&one, buf_cstr(&path), "%s", ""), 200);
  assert_true(json_array_size(json_object_get(one.a.json, "orders")) >= 2);
}

static void test_limits(void **state) {
  unsigned wait;
  struct acme *a = f.hub->acme;
  struct acme_account *account = guid_map_get(&a->accounts, strrchr(two.account, '/') + 1);
  account->orders = (struct hourly){ clock_now(), ACME_ORDERS_HOURLY };
  client_post(&two, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  REFUSED(&two, 429, "rateLimited");
  assert_true(atoi(client_header(&two, "Retry-After")) > 3000);
  account->orders.start -= 3600; /* an hour later */
  for (unsigned i = account->open; i < ACME_ORDERS_OPEN; i++)
    assert_int_equal(client_post(&two, "new-order",
                                 "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}"),
                     201);
  client_post(&two, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  REFUSED(&two, 429, "rateLimited");
  for (unsigned i = 0; i < ACME_FAILURES_HOURLY; i++)
    acme_count_failure(a, one.account + sizeof(ACME_BASE "account/") - 1, "b.example");
  client_post(&one, "new-order", "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"b.example\"}]}");
  REFUSED(&one, 429, "rateLimited");
  struct acme_key *k = guid_map_get(&a->keys, web.kid);
  struct acme_client more;
  unsigned accounts = k->accounts;
  client_begin(&more, &f, KEY_EC);
  k->accounts = ACME_KEY_ACCOUNTS;
  register_with(&more, web.kid, secret_bytes(&web.key), "HS256", ACME_BASE "new-account");
  REFUSED(&more, 429, "rateLimited");
  k->accounts = accounts;
  client_end(&more);
  for (unsigned i = 0; i < 2 * ACME_FAILURES_KEPT; i++) {
    char name[24];
    snprintf(name, sizeof name, "n%u.example", i);
    acme_count_failure(a, "x", name);
    assert_true(acme_may_try(a, "x", name, &wait));
  }
}

/* An account fills its own room only, and what is over makes room. */
static void test_orders_kept(void **state) {
  static const char wanted[] = "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}";
  struct acme *a = f.hub->acme;
  struct acme_client c;
  char first[160], second[160];
  client_begin(&c, &f, KEY_EC);
  client_register(&c, web.kid, secret_bytes(&web.key));
  struct acme_account *account = guid_map_get(&a->accounts, strrchr(c.account, '/') + 1);
  order(&c, a_example, first);
  order(&c, a_example, second);
  account->kept += ACME_ORDERS_KEPT - 2;
  client_post(&c, "new-order", "%s", wanted);
  REFUSED(&c, 429, "rateLimited");
  inside(second)->expires = clock_now() - 1;
  assert_int_equal(client_post(&c, "new-order", "%s", wanted), 201);
  assert_null(inside(second));
  assert_non_null(inside(first));
  assert_int_equal(account->kept, ACME_ORDERS_KEPT);
  assert_int_equal(account->open, 2);
  client_post(&c, "new-order", "%s", wanted);
  REFUSED(&c, 429, "rateLimited");
  account->kept -= ACME_ORDERS_KEPT - 2;

  inside(first)->expires = clock_now() - 1; /* no longer open, but still shown */
  CHECK(acme_carry_out_due(a));
  assert_int_equal(account->open, 1);
  assert_int_equal(account->kept, 2);
  client_post(&c, first, "%s", "");
  assert_string_equal(answer_str(&c.a, "status"), "invalid");
  client_end(&c);
}

/* Many more open orders of an order's account, in the store and in memory. */
static void copy_orders(const char *id, unsigned count) {
  struct acme *a = f.hub->acme;
  const struct acme_order *from = guid_map_get(&a->orders, id);
  struct acme_account *account = guid_map_get(&a->accounts, from->account);
  for (unsigned i = 0; i < count; i++) {
    struct acme_order *o = mem_zalloc(sizeof *o);
    assert_non_null(o);
    CHECK(guid_random(o->id));
    memcpy(o->account, from->account, sizeof o->account);
    o->expires = from->expires;
    o->count = 1;
    o->authzs = mem_zalloc(sizeof *o->authzs);
    assert_non_null(o->authzs);
    *o->authzs = from->authzs[0];
    CHECK(guid_map_reserve(&a->orders));
    CHECK(acme_commit_order(a, o));
    guid_map_put(&a->orders, o->id, o);
    account->kept++;
  }
}

/* Time goes by, and a binding key goes. */
static void test_forgotten(void **state) {
  struct acme *a = f.hub->acme;
  char open[160], valid[160];
  order(&one, a_example, open);
  issued(&one, valid);
  clock_shift(ACME_ORDER_SECONDS + 10);
  client_post(&one, open, "%s", "");
  assert_string_equal(answer_str(&one.a, "status"), "invalid");
  CHECK(acme_carry_out_due(a));
  assert_non_null(inside(open));
  clock_shift(ACME_ORDER_SECONDS + ACME_OVER_SECONDS + 10);
  CHECK(acme_carry_out_due(a));
  assert_null(inside(open));
  assert_non_null(inside(valid));
  clock_shift(0);
  char other[GUID_SIZE + 1], app_id[GUID_SIZE + 1], other_kid[GUID_SIZE + 1];
  AUTO_SECRET other_key = { 0 };
  CHECK(identity_create(f.hub->identity, "gone", app_id));
  CHECK(identity_find(f.hub->identity, app_id, app_id, other));
  CHECK(acme_key_create(a, other, other_kid, &other_key));
  CHECK(identity_set_enabled(f.hub->identity, app_id, false));
  CHECK(acme_carry_out_due(a));
  assert_non_null(guid_map_get(&a->keys, other_kid));
  CHECK(identity_delete(f.hub->identity, app_id));
  CHECK(acme_carry_out_due(a));
  assert_null(guid_map_get(&a->keys, other_kid));
  assert_int_equal(acme_key_delete(a, "no"), ERR_NOT_FOUND);
  copy_orders(strrchr(valid, '/') + 1, 2 * ACME_BATCH);
  char cert_id[ACME_CERT_ID_MAX + 1];
  memcpy(cert_id, inside(valid)->cert_id, sizeof cert_id);
  assert_ptr_equal(acme_order_by_cert(a, cert_id), inside(valid));
  CHECK(acme_key_delete(a, web.kid));
  client_post(&one, valid, "%s", "");
  REFUSED(&one, 403, "unauthorized");
  CHECK(acme_carry_out_due(a));
  assert_int_equal(a->orders.count, 0);
  assert_int_equal(a->accounts.count, 0);
  assert_int_equal(a->by_key.count + a->by_cert.count + a->by_replaced.count, 0);
  assert_null(acme_order_by_cert(a, cert_id));
  fixture_reopen(&f);
  assert_int_equal(f.hub->acme->orders.count + f.hub->acme->accounts.count, 0);
  client_post(&one, one.account, "%s", "");
  REFUSED(&one, 400, "accountDoesNotExist");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_renewal),   cmocka_unit_test(test_restart),
    cmocka_unit_test(test_limits),    cmocka_unit_test(test_orders_kept),
    cmocka_unit_test(test_forgotten),
  };
  return cmocka_run_group_tests(tests, begin, end);
}
