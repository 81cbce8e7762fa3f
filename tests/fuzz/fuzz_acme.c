/* An ACME request: as it comes, or as the payload of one that is rightly signed, to each resource
 * in turn by the first byte. No answer but JSON, and none of 500. */
#include "acme_client.h"
#include "start.h"

#include <stdarg.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct fixture f;
static struct acme_client client, guest;
static char order[200];
static struct buf paths[9];

static void add_path(size_t i, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_path(size_t i, const char *format, ...) {
  char text[300];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  buf_put_str(&paths[i], text);
}

/* Validations may be under way: they end before what they use does. */
static void finish(void) {
  client_end(&client);
  client_end(&guest);
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
    buf_free(&paths[i]);
  fixture_close(&f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const char *const options[] = { "[acme]",       "enabled = yes",          "http_port = 9",
                                         "tls_port = 9", "resolver = 127.0.0.1:9", NULL };
  static const char *names[] = { ".example", "*.a.example", "127.0.0.1" };
  static struct acme_identity web;
  fixture_open(&f, options);
  fuzz_secure_heap_is_root();
  client_identity(&f, names, 3, &web);
  atexit(finish);
  client_begin(&client, &f, KEY_EC);
  client_begin(&guest, &f, KEY_EC);
  client_register(&client, web.kid, secret_bytes(&web.key));
  client_post(&client, "new-order",
              "{\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"}]}");
  snprintf(order, sizeof order, "%s", client_header(&client, "Location"));
  const char *id = strrchr(order, '/') + 1;
  struct acme_order *o = guid_map_get(&f.hub->acme->orders, id);
  o->authzs[0].state = AUTHZ_VALID;
  add_path(0, "%s", client.account);
  add_path(1, "new-order");
  add_path(2, "order/%s/finalize", id);
  add_path(3, "order/%s", id);
  add_path(4, "authz/%s.0", id);
  add_path(5, "chall/%s.0.http-01", id);
  add_path(6, "revoke-cert");
  add_path(7, "key-change");
  add_path(8, "new-account");
  return 0;
}

static void check(const struct acme_client *c) {
  if (c->a.status >= 500 && c->a.status != 503)
    abort();
  if (c->a.status >= 400 && !c->a.json)
    abort();
}

/* What became invalid, or was deactivated, is as it was for the next input. */
static void set_back(void) {
  struct acme_order *o = guid_map_get(&f.hub->acme->orders, strrchr(order, '/') + 1);
  struct acme_account *account =
    guid_map_get(&f.hub->acme->accounts, strrchr(client.account, '/') + 1);
  account->deactivated = false;
  account->orders.count = 0;
  if (o->state == ORDER_INVALID) {
    o->state = ORDER_OPEN;
    o->authzs[0].state = AUTHZ_VALID;
    account->open++;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0 || size > 32768 || memchr(data, 0, size))
    return 0;
  AUTO_BUF payload = BUF_EMPTY;
  size_t i = data[0] % 11;
  buf_put(&payload, data + 1, size - 1);
  const char *text = buf_cstr(&payload);
  if (i >= 9) { /* as it comes, to two resources */
    client_raw(&client, i == 9 ? "new-account" : "new-order", buf_bytes(&payload));
    check(&client);
    return 0;
  }
  struct acme_client *c = i == 8 ? &guest : &client;
  client_post(c, buf_cstr(&paths[i]), "%s", text);
  check(c);
  set_back();
  return 0;
}
