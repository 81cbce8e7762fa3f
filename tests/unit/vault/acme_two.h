/* Two clients of an ACME server, over a fixture's hub, and what they do again and again. */
#ifndef TESTS_ACME_TWO_H
#define TESTS_ACME_TWO_H

#include "acme_client.h"

#include "base/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

static struct fixture f;
static struct acme_client one, two;
static struct acme_identity web;
static struct key *cert_key;

#define PROBLEM_IS(c, text) assert_string_equal(client_problem(c), text)
#define REFUSED(c, number, text) \
  do { \
    assert_int_equal((c)->a.status, number); \
    PROBLEM_IS(c, text); \
    assert_string_equal(client_header(c, "Content-Type"), "application/problem+json"); \
  } while (0)
#define CHECK(call) assert_int_equal(call, OK)

static inline int begin(void **state) {
  static const char *const options[] = { "[acme]", "enabled = yes", NULL };
  static const char *names[] = { "a.example", "b.example", "*.a.example", "127.0.0.0/8",
                                 "::1/128" };
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  fixture_open(&f, options);
  client_identity(&f, names, 5, &web);
  CHECK(key_generate(&spec, &cert_key));
  client_begin(&one, &f, KEY_EC);
  client_register(&one, web.kid, secret_bytes(&web.key));
  client_begin(&two, &f, KEY_RSA);
  client_register(&two, web.kid, secret_bytes(&web.key));
  return 0;
}

static inline int end(void **state) {
  client_end(&one);
  client_end(&two);
  key_free(cert_key);
  secret_free(&web.key);
  fixture_close(&f);
  return 0;
}

/* A new order for names as JSON, "dns:" or "ip:" before each; its URL in out. */
static inline void order(struct acme_client *c, const char *const *names, char out[static 160]) {
  AUTO_BUF list = BUF_EMPTY;
  write_open(&list, NULL, '[');
  for (; *names; names++) {
    const char *colon = strchr(*names, ':');
    char type[8];
    snprintf(type, sizeof type, "%.*s", (int)(colon - *names), *names);
    write_open(&list, NULL, '{');
    write_str(&list, "type", type);
    write_str(&list, "value", colon + 1);
    write_close(&list, '}');
  }
  write_close(&list, ']');
  assert_int_equal(client_post(c, "new-order", "{\"identifiers\":%s}", buf_cstr(&list)), 201);
  snprintf(out, 160, "%s", client_header(c, "Location"));
}

static inline struct acme_order *inside(const char *url) {
  return guid_map_get(&f.hub->acme->orders, strrchr(url, '/') + 1);
}

/* As validations would. */
static inline void make_ready(const char *url) {
  struct acme_order *o = inside(url);
  assert_non_null(o);
  for (size_t i = 0; i < o->count; i++)
    o->authzs[i].state = AUTHZ_VALID;
}

static inline int finalize_with(struct acme_client *c, const char *url, const struct key *key,
                                const struct cert_profile *says) {
  AUTO_BUF csr = BUF_EMPTY;
  char path[200];
  client_csr(key, says, &csr);
  snprintf(path, sizeof path, "%s/finalize", url);
  return client_post(c, path, "{\"csr\":\"%s\"}", buf_cstr(&csr));
}

static inline int finalize(struct acme_client *c, const char *url, const char *name) {
  const char *list[] = { name };
  struct cert_profile says = { .sans[SAN_DNS] = { list, 1 } };
  return finalize_with(c, url, cert_key, &says);
}

static const char *const a_example[] = { "dns:a.example", NULL };

/* An order that has its certificate. */
static inline void issued(struct acme_client *c, char url[static 160]) {
  order(c, a_example, url);
  make_ready(url);
  assert_int_equal(finalize(c, url, "a.example"), 200);
  assert_string_equal(answer_str(&c->a, "status"), "valid");
}

static inline void read_leaf(const char *url, struct buf *b64) {
  const struct acme_order *o = inside(url);
  assert_non_null(o);
  buf_put_b64url(b64, buf_bytes(&o->chain.ders[0]));
}

#endif
