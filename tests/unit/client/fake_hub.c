#include "fake_hub.h"

#include "base/codec.h"
#include "base/file.h"
#include "base/json.h"
#include "base/write.h"
#include "net/serve.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(err_t e) {
  if (e != OK)
    abort();
}

static void answer(struct http_exchange *x, int status, const char *code) {
  struct buf *b = &x->res.body;
  x->res.status = status;
  http_response_header(&x->res, "Content-Type", bytes_str("application/json"));
  if (!code)
    return;
  write_open(b, NULL, '{');
  write_open(b, "error", '{');
  write_str(b, "code", code);
  write_str(b, "message", "as told\r\n");
  write_close(b, '}');
  write_close(b, '}');
}

void fake_hub_hidden(char seed, char out[static HIDDEN_SIZE + 1]) {
  for (unsigned i = 0; i < HIDDEN_SIZE; i++)
    out[i] = (char)('a' + ((unsigned)seed * 7 + i * i * 5 + i * 3) % 26);
  out[HIDDEN_SIZE] = '\0';
}

/* --- tokens --- */

static void give_token(struct fake_hub *h, struct http_exchange *x) {
  struct buf *b = &x->res.body;
  atomic_fetch_add(&h->at_gate, 1);
  pthread_mutex_lock(&h->gate);
  pthread_mutex_unlock(&h->gate);
  unsigned number = atomic_fetch_add(&h->tokens, 1) + 1, status = atomic_load(&h->token_status);
  pthread_mutex_lock(&h->lock);
  snprintf(h->form, sizeof h->form, BYTES_FMT, BYTES_ARG(x->req.body));
  pthread_mutex_unlock(&h->lock);
  answer(x, (int)status, NULL);
  if (status != 200) {
    buf_put_str(b, "{\"error\":\"invalid_client\",\"error_description\":\"not you\"}");
    return;
  }
  char hidden[HIDDEN_SIZE + 1];
  fake_hub_hidden('t', hidden);
  buf_printf(b, "{\"token_type\":\"Bearer\",\"expires_in\":%u,\"access_token\":\"t%u-%s\"}",
             atomic_load(&h->lifetime_s), number, hidden);
}

static bool is_authorized(struct fake_hub *h, struct http_exchange *x) {
  struct bytes value = http_header(&x->req, "Authorization");
  static const char start[] = "Bearer t";
  uint64_t number = 0;
  if (!bytes_starts(value, start))
    return false;
  bytes_split(bytes_of(value.data + sizeof start - 1, value.size - (sizeof start - 1)), '-',
              &value);
  return bytes_to_u64(value, UINT32_MAX, &number) == OK && number >= atomic_load(&h->least_token);
}

/* --- the rest --- */

static void give_key(struct fake_hub *h, struct http_exchange *x) {
  answer(x, 200, NULL);
  buf_printf(&x->res.body, "{\"key\":{\"kid\":\"%s/keys/k/" VERSION "\",\"kty\":\"%s\"}}",
             h->app.url, h->kty);
}

static void give_hidden(struct http_exchange *x) {
  char hidden[HIDDEN_SIZE + 1];
  fake_hub_hidden('s', hidden);
  answer(x, 200, NULL);
  buf_printf(&x->res.body, "{\"value\":\"%s\"}", hidden);
}

static bool path_ends(const struct http_exchange *x, const char *end) {
  size_t n = strlen(end);
  struct bytes p = x->req.path;
  return p.size >= n && memcmp(p.data + p.size - n, end, n) == 0;
}

/* The other form of a value: turned over, or not. */
static void write_value(struct buf *b, struct bytes text, bool turned) {
  AUTO_BUF value = BUF_EMPTY;
  must(buf_put_b64url_decoded(&value, text));
  for (size_t i = 0; i < value.size; i++)
    value.data[i] ^= turned ? FAKE_HUB_MASK : 0;
  write_b64url(b, "value", buf_bytes(&value));
}

static void use_key(struct fake_hub *h, struct http_exchange *x) {
  AUTO_JSON *j = NULL;
  struct bytes alg = { 0 }, value = { 0 };
  if (json_read(x->req.body, &j) != OK || json_get_str(j, "alg", &alg, NULL) != OK ||
      json_get_str(j, "value", &value, NULL) != OK || !bytes_equal_str(alg, h->alg)) {
    answer(x, 400, "BadParameter");
    return;
  }
  answer(x, 200, NULL);
  write_open(&x->res.body, NULL, '{');
  buf_printf(&x->res.body, "\"kid\":\"%s/keys/k/" VERSION "\"", h->app.url);
  if (path_ends(x, "/verify"))
    write_bool(&x->res.body, "value", true);
  else
    write_value(&x->res.body, value, path_ends(x, "wrapkey"));
  write_close(&x->res.body, '}');
}

static void give(struct fake_hub *h, struct http_exchange *x) {
  bool get = x->req.method == HTTP_GET;
  bool create = bytes_equal_str(x->req.path, "/keys/k/create");
  if (!bytes_starts(x->req.path, "/pki/") && !is_authorized(h, x))
    answer(x, 401, "Unauthorized");
  else if (h->more && h->more(h->ctx, x))
    return;
  else if (atomic_load(&h->missing))
    answer(x, 404, "KeyNotFound");
  else if (get && bytes_equal_str(x->req.path, "/secrets/hidden"))
    give_hidden(x);
  else if (get && bytes_starts(x->req.path, "/secrets/"))
    buf_put_str((answer(x, 200, NULL), &x->res.body), "{\"value\":\"a value\"}");
  else if (get && atomic_load(&h->forbids_get))
    answer(x, 403, "Forbidden");
  else if (get || create)
    give_key(h, x);
  else
    use_key(h, x);
}

static void count(struct fake_hub *h, struct http_exchange *x) {
  bool get = x->req.method == HTTP_GET, create = bytes_equal_str(x->req.path, "/keys/k/create");
  atomic_fetch_add(get ? &h->gets : create ? &h->others : &h->uses, 1);
  pthread_mutex_lock(&h->lock);
  snprintf(h->path, sizeof h->path, BYTES_FMT, BYTES_ARG(x->req.path));
  pthread_mutex_unlock(&h->lock);
}

static bool fails(struct fake_hub *h, struct http_exchange *x) {
  unsigned left = atomic_load(&h->fail_next);
  do
    if (left == 0)
      return false;
  while (!atomic_compare_exchange_weak(&h->fail_next, &left, left - 1));
  unsigned status = atomic_load(&h->fail_status);
  if (status == 0) {
    shutdown(x->conn->io.fd, SHUT_RDWR);
    x->res.status = 200;
    return true;
  }
  answer(x, (int)status, atomic_load(&h->sealed) ? "VaultSealed" : "Told");
  unsigned wait = atomic_load(&h->retry_after);
  if (wait)
    buf_printf(&x->res.headers, "Retry-After: %u\r\n", wait);
  return true;
}

static enum http_lane head(void *ctx, struct http_exchange *x) {
  struct fake_hub *h = ctx;
  atomic_fetch_add(&h->app.heads, 1);
  x->body_max = 65536;
  return HTTP_SLOW;
}

static void handle(void *ctx, struct http_exchange *x) {
  struct fake_hub *h = ctx;
  if (bytes_equal_str(x->req.path, "/T/oauth2/v2.0/token")) {
    give_token(h, x);
    return;
  }
  count(h, x);
  if (!fails(h, x))
    give(h, x);
}

static void refuse(void *ctx, struct http_exchange *x, err_t e) {
  (void)ctx;
  answer(x, err_info(e)->status, err_info(e)->code);
}

static void done(void *ctx, struct http_exchange *x) {
  struct fake_hub *h = ctx;
  (void)x;
  atomic_fetch_add(&h->app.dones, 1);
}

/* --- all of it --- */

void fake_hub_start(struct fake_hub *h) {
  struct http_server_conf conf = HTTP_SERVER_CONF_DEFAULT;
  *h = (struct fake_hub){ .lifetime_s = 3600,
                          .token_status = 200,
                          .kty = "oct",
                          .alg = "A256KW",
                          .ca_path = "/tmp/strongroom-test-XXXXXX" };
  pthread_mutex_init(&h->gate, NULL);
  pthread_mutex_init(&h->lock, NULL);
  conf.loops = 1;
  must(test_app_init(&h->app));
  h->app.app =
    (struct http_app){ .ctx = h, .head = head, .handle = handle, .refuse = refuse, .done = done };
  must(test_app_start(&h->app, conf, NULL));
  AUTO_FD fd = mkstemp(h->ca_path);
  if (fd < 0)
    abort();
  must(file_write_fd(fd, h->ca_path, buf_bytes(&h->app.ca_pem)));
}

void fake_hub_stop(struct fake_hub *h) {
  unlink(h->ca_path);
  test_app_stop(&h->app, 1000);
  test_app_free(&h->app);
  pthread_mutex_destroy(&h->gate);
  pthread_mutex_destroy(&h->lock);
}

unsigned fake_hub_requests(struct fake_hub *h) {
  return atomic_exchange(&h->gets, 0) + atomic_exchange(&h->uses, 0) +
         atomic_exchange(&h->others, 0);
}

void fake_hub_settings(struct fake_hub *h, struct settings *s) {
  must(settings_set(s, "KEY_VAULT_URL", bytes_str(h->app.url)));
  must(settings_set(s, "SSL_CERT_FILE", bytes_str(h->ca_path)));
  must(settings_set(s, "AZURE_TENANT_ID", bytes_str("T")));
  must(settings_set(s, "AZURE_CLIENT_ID", bytes_str("me")));
  must(settings_set(s, "AZURE_CLIENT_SECRET", bytes_str("s&cret")));
}

struct client *fake_hub_client(struct fake_hub *h) {
  const struct client_patience p = { .attempts = 4, .budget_ms = 20000, .timeout_ms = 20000 };
  AUTO_SETTINGS s = { 0 };
  struct client *c = NULL;
  fake_hub_settings(h, &s);
  must(client_new_with(&s, &c));
  client_set_patience(c, &p);
  return c;
}

void fake_hub_copy(struct fake_hub *h, const char *from, char *out, size_t size) {
  pthread_mutex_lock(&h->lock);
  snprintf(out, size, "%s", from);
  pthread_mutex_unlock(&h->lock);
}
