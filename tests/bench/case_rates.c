/* How much of everything else one server does: for information, without limits. */
#include "operation.h"

#include "vault/audit.h"

#include <stdio.h>

#define CONNECTIONS 64
#define SECONDS 2.0
#define AUDIT_RECORDS 200000
#define AUDIT_BURST 1000

static err_t measure(struct server *s, const char *name, const struct load_spec *spec) {
  AUTO(load) struct load *l = NULL;
  struct load_result r;
  uint64_t before, after;
  TRY(load_open(s, spec->connections, &l));
  TRY(server_cpu_ns(s, &before));
  TRY(load_run(l, spec, SECONDS, &r));
  TRY(server_cpu_ns(s, &after));
  report_value(name, "/s", (double)r.count / r.seconds);
  report_value("  processor time of one", "us", (double)(after - before) / 1000 / (double)r.count);
  return OK;
}

static err_t measure_get(struct server *s) {
  AUTO_BUF key = BUF_EMPTY, request = BUF_EMPTY;
  TRY(server_make_key(s, "bench-get", "{\"kty\":\"RSA\",\"key_size\":2048}", &key));
  if (!buf_cstr(&key))
    return ERR_NOMEM;
  TRY(server_operation(s, "GET", (const char *)key.data, NULL, &request));
  return measure(s, "get a key",
                 &(struct load_spec){ CONNECTIONS, buf_bytes(&request), 0, 200, "\"kid\":" });
}

static err_t measure_refused(struct server *s) {
  AUTO_BUF request = BUF_EMPTY;
  TRY(server_request(s, "GET", "/keys?api-version=7.6", false, NULL, NULL, &request));
  return measure(s, "refuse one without a token (401)",
                 &(struct load_spec){ CONNECTIONS, buf_bytes(&request), 0, 401, "Unauthorized" });
}

static err_t measure_create(struct server *s) {
  static const char name[] = "/keys/n-";
  AUTO_BUF request = BUF_EMPTY;
  TRY(server_operation(s, "POST", "/keys/n-0000000000/create", "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
                       &request));
  const uint8_t *at = memmem(request.data, request.size, name, sizeof name - 1);
  if (!at)
    FAIL(ERR_INTERNAL, "the request has no name");
  size_t number_at = (size_t)(at - request.data) + sizeof name - 1;
  return measure(
    s, "create an EC key, durable",
    &(struct load_spec){ CONNECTIONS, buf_bytes(&request), number_at, 200, "\"P-256\"" });
}

static err_t measure_tokens(struct server *s) {
  AUTO_BUF path = BUF_EMPTY, form = BUF_EMPTY, request = BUF_EMPTY;
  buf_printf(&path, "/%s/oauth2/v2.0/token", s->settings.text[SET_TENANT]);
  buf_printf(&form, "grant_type=client_credentials&client_id=%s&client_secret=",
             s->settings.text[SET_CLIENT_ID]);
  client_put_escaped(&form, secret_bytes(&s->settings.secret));
  buf_put_str(&form, "&scope=https%3A%2F%2Fvault.azure.net%2F.default");
  if (!buf_cstr(&path) || !buf_cstr(&form))
    return ERR_NOMEM;
  TRY(server_request(s, "POST", (const char *)path.data, false, "application/x-www-form-urlencoded",
                     (const char *)form.data, &request));
  return measure(s, "issue a token",
                 &(struct load_spec){ CONNECTIONS, buf_bytes(&request), 0, 200, "access_token" });
}

static err_t measure_handshakes(struct server *s) {
  uint64_t count, before, after;
  TRY(server_cpu_ns(s, &before));
  TRY(load_handshakes(s, SECONDS, &count));
  TRY(server_cpu_ns(s, &after));
  report_value("TLS handshakes, one client", "/s", (double)count / SECONDS);
  report_value("  processor time of one", "us", (double)(after - before) / 1000 / (double)count);
  return OK;
}

static err_t append_all(struct audit *a) {
  struct audit_event e = { .operation = "KeyUnwrap",
                           .status = 200,
                           .code = "",
                           .object = bytes_str("keys/bench-kek/6dc7cb323de84d7aa3f10b4c2f8f6a51"),
                           .host = bytes_str("localhost:8443"),
                           .app_id = "6dc7cb32-3de8-4d7a-a3f1-0b4c2f8f6a51",
                           .oid = "7dc7cb32-3de8-4d7a-a3f1-0b4c2f8f6a51",
                           .peer = "127.0.0.1",
                           .request_id = "8dc7cb32-3de8-4d7a-a3f1-0b4c2f8f6a51" };
  uint64_t ticket = 0;
  for (unsigned i = 1; i <= AUDIT_RECORDS; i++) {
    e.time_us = (int64_t)i;
    TRY(audit_append(a, &e, &ticket));
    if (i % AUDIT_BURST == 0)
      TRY(audit_wait(a, ticket));
  }
  return audit_wait(a, ticket);
}

/* The log alone, as fast as one thread appends. */
static err_t measure_audit(const struct bench *b) {
  char dir[512];
  AUTO_SECRET seal_key = { 0 };
  AUTO(key) struct key *signer = NULL;
  struct audit *a = NULL;
  snprintf(dir, sizeof dir, "%s/audit-alone", b->dir);
  struct audit_conf conf = { .dir = dir, .rotate_bytes = UINT64_MAX, .sync = true };
  TRY(secret_random(32, &seal_key));
  TRY(
    key_generate(&(struct key_spec){ .type = KEY_EC, .bits = 256, .curve = CURVE_P256 }, &signer));
  TRY(audit_open(&conf, secret_bytes(&seal_key), signer, &a));
  uint64_t from = now_ns();
  err_t e = append_all(a);
  double seconds = (double)(now_ns() - from) / 1e9;
  audit_close(a);
  TRY(e);
  report_value("audit records, durable, log alone", "/s", AUDIT_RECORDS / seconds);
  return OK;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  TRY(server_start(b, "rates", &s));
  report_title("Rates, for information");
  report_note("%d kept TLS connections, audited", CONNECTIONS);
  TRY(measure_get(&s));
  TRY(measure_refused(&s));
  TRY(measure_create(&s));
  TRY(measure_tokens(&s));
  TRY(measure_handshakes(&s));
  TRY(measure_audit(b));
  return server_stop(&s);
}

const struct bench_case case_rates = { "rates", "other operations a second", run };
