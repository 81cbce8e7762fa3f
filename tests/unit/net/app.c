#include "app.h"
#include "x509_make.h"

#include "base/clock.h"
#include "net/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t number(struct http_exchange *x, const char *name) {
  char text[24] = "0";
  bool found = false;
  uint64_t n = 0;
  if (http_query_get(x->req.query, name, text, sizeof text, &found) != OK || !found)
    return 0;
  return bytes_to_u64(bytes_str(text), UINT64_MAX, &n) == OK ? n : 0;
}

static void say(struct http_exchange *x, int status, const char *text) {
  x->res.status = status;
  http_response_header(&x->res, "Content-Type", bytes_str("text/plain"));
  buf_put_str(&x->res.body, text);
}

static void fail(struct http_exchange *x, err_t e) {
  buf_clear(&x->res.headers);
  buf_clear(&x->res.body);
  say(x, err_info(e)->status, err_info(e)->name);
  if (e == ERR_BUSY)
    http_response_header(&x->res, "Retry-After", bytes_str("1"));
}

static void on_echo(struct http_exchange *x) {
  say(x, 200, "");
  buf_put_bytes(&x->res.body, x->req.body);
}

static void on_stream(struct http_exchange *x) {
  uint8_t piece[20000];
  size_t n;
  x->res.status = 200;
  for (;;) {
    err_t e = http_read(x, piece, sizeof piece, &n);
    if (e != OK) {
      x->res.broken = true;
      fail(x, e);
      return;
    }
    if (n == 0 || http_write(x, bytes_of(piece, n)) != OK)
      return;
  }
}

static void on_sink(struct http_exchange *x) {
  uint8_t piece[5000];
  uint64_t total = 0;
  size_t n = 1;
  while (n > 0) {
    err_t e = http_read(x, piece, sizeof piece, &n);
    if (e != OK) {
      fail(x, e);
      return;
    }
    total += n;
  }
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)total);
  say(x, 200, text);
}

static void on_source(struct http_exchange *x) {
  uint8_t piece[70000];
  uint64_t n = number(x, "n"), i = 0;
  char text[24];
  x->res.status = 200;
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  if (number(x, "length"))
    http_response_header(&x->res, "Content-Length", bytes_str(text));
  while (i < n) {
    size_t size = 0;
    for (; size < sizeof piece && i < n; size++)
      piece[size] = test_byte(i++);
    if (http_write(x, bytes_of(piece, size)) != OK)
      return;
  }
  x->res.broken = number(x, "broken") != 0;
}

static void on_big(struct http_exchange *x) {
  uint64_t n = number(x, "n");
  say(x, 200, "");
  for (uint64_t i = 0; i < n; i++)
    buf_put_char(&x->res.body, (char)test_byte(i));
}

static void on_held(struct http_exchange *x) {
  say(x, 200, "let go");
  x->res.hold = number(x, "n");
  x->res.close = number(x, "close") != 0;
}

static void on_held_stream(struct http_exchange *x) {
  x->res.status = 200;
  x->res.hold = number(x, "n");
  err_t e = http_write(x, bytes_str("let go"));
  if (e != OK)
    x->res.status = 500;
}

static void on_sleep(struct http_exchange *x) {
  usleep((useconds_t)number(x, "ms") * 1000);
  say(x, 200, "slept");
}

static void on_early(struct http_exchange *x) {
  say(x, 401, "early");
}

static void on_empty(struct http_exchange *x) {
  x->res.status = 204;
}

static void on_bad(struct http_exchange *x) {
  (void)x;
}

static void on_drop(struct http_exchange *x) {
  shutdown(x->conn->io.fd, SHUT_RDWR);
  x->res.status = 200;
}

static const struct {
  const char *path;
  enum http_lane lane;
  size_t body_max;
  void (*handle)(struct http_exchange *x);
} routes[] = {
  { "/echo", HTTP_FAST, 1 << 20, on_echo },
  { "/slow", HTTP_SLOW, 1 << 20, on_echo },
  { "/stream", HTTP_STREAM, SIZE_MAX, on_stream },
  { "/sink", HTTP_STREAM, SIZE_MAX, on_sink },
  { "/source", HTTP_STREAM, 1 << 20, on_source },
  { "/big", HTTP_FAST, 0, on_big },
  { "/held", HTTP_FAST, 0, on_held },
  { "/heldstream", HTTP_STREAM, 0, on_held_stream },
  { "/sleep", HTTP_SLOW, 0, on_sleep },
  { "/early", HTTP_ANSWERED, 0, on_early },
  { "/empty", HTTP_FAST, 0, on_empty },
  { "/tiny", HTTP_FAST, 8, on_echo },
  { "/tinystream", HTTP_STREAM, 8, on_sink },
  { "/bad", HTTP_FAST, 0, on_bad },
  { "/drop", HTTP_FAST, 0, on_drop },
};

static enum http_lane app_head(void *ctx, struct http_exchange *x) {
  struct test_app *t = ctx;
  atomic_fetch_add(&t->heads, 1);
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (bytes_equal_str(x->req.path, routes[i].path)) {
      x->user = (void *)&routes[i];
      x->body_max = routes[i].body_max;
      if (routes[i].lane == HTTP_ANSWERED)
        routes[i].handle(x);
      return routes[i].lane;
    }
  say(x, 404, "no such path: ");
  buf_put_bytes(&x->res.body, x->req.path);
  return HTTP_ANSWERED;
}

static void app_handle(void *ctx, struct http_exchange *x) {
  (void)ctx;
  size_t i = (size_t)((const char *)x->user - (const char *)routes) / sizeof *routes;
  routes[i].handle(x);
}

static void app_refuse(void *ctx, struct http_exchange *x, err_t e) {
  struct test_app *t = ctx;
  atomic_fetch_add(&t->refusals, 1);
  fail(x, e);
  x->res.hold = atomic_load(&t->hold_refusals);
}

static void app_done(void *ctx, struct http_exchange *x) {
  struct test_app *t = ctx;
  (void)x;
  atomic_fetch_add(&t->dones, 1);
}

static struct x509_subject subject(const char *name, const char *const *names, size_t count) {
  int64_t now = clock_now();
  return (struct x509_subject){ .common_name = name,
                                .names = names,
                                .name_count = count,
                                .not_before = now - 3600,
                                .not_after = now + 86400 };
}

err_t test_app_init(struct test_app *t) {
  const struct key_spec spec = { .type = KEY_EC, .bits = 256, .curve = CURVE_P256 };
  struct x509_subject ca = subject("test CA", NULL, 0);
  *t = (struct test_app){
    .app = { .ctx = t,
             .head = app_head,
             .handle = app_handle,
             .refuse = app_refuse,
             .done = app_done },
  };
  TRY(http_gate_new(&t->gate));
  TRY(key_generate(&spec, &t->ca_key));
  TRY(x509_make_ca(t->ca_key, &ca, &t->ca_der));
  return x509_to_pem(buf_bytes(&t->ca_der), &t->ca_pem);
}

err_t test_app_tls(struct test_app *t, struct tls **out) {
  static const char *const names[] = { "localhost", "127.0.0.1", "::1" };
  const struct key_spec spec = { .type = KEY_EC, .bits = 256, .curve = CURVE_P256 };
  AUTO(key) struct key *key = NULL;
  AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY;
  struct x509_subject own = subject("localhost", names, sizeof names / sizeof *names);
  TRY(key_generate(&spec, &key));
  TRY(x509_issue_server(t->ca_key, buf_bytes(&t->ca_der), key, &own, &der));
  TRY(x509_to_pem(buf_bytes(&der), &pem));
  return tls_server(buf_bytes(&pem), key, out);
}

err_t test_app_start(struct test_app *t, struct http_server_conf conf, const char *listen) {
  AUTO(tls) struct tls *tls = NULL;
  const char *addresses[] = { listen ? listen : "127.0.0.1:0" };
  conf.listen = addresses;
  conf.listen_count = 1;
  TRY(test_app_tls(t, &tls));
  TRY(http_server_new(&conf, &t->app, t->gate, tls, &t->server));
  TRY(http_server_start(t->server));
  t->port = http_server_port(t->server, 0);
  snprintf(t->url, sizeof t->url, "https://127.0.0.1:%u", t->port);
  return OK;
}

void test_app_stop(struct test_app *t, unsigned grace_ms) {
  http_server_stop(t->server, grace_ms);
  http_server_free(TAKE(t->server));
  if (atomic_load(&t->heads) != atomic_load(&t->dones))
    abort();
}

void test_app_free(struct test_app *t) {
  http_gate_free(t->gate);
  key_free(t->ca_key);
  buf_free(&t->ca_der);
  buf_free(&t->ca_pem);
}
