#include "server.h"

#include "base/file.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 120000
#define CALL_MS 60000
#define API_VERSION "api-version=2025-07-01"
#define JSON "application/json"

static err_t wait_ready(struct server *s, uint64_t from) {
  AUTO_BUF line = BUF_EMPTY;
  TRY(child_line(&s->child, READY_MS, &line));
  s->ready_s = (double)(now_ns() - from) / 1e9;
  return OK;
}

static err_t get_token(struct server *s, struct tls *tls) {
  const struct credential_call call = { &s->settings, s->http, tls, CALL_MS };
  const struct credential *how;
  struct answer_hint hint;
  TRY(credential_find(&s->settings, &how));
  return how->get(&call, &s->token, &hint);
}

static err_t connect_owner(struct server *s) {
  AUTO_BUF ca = BUF_EMPTY;
  AUTO(tls) struct tls *tls = NULL;
  TRY(settings_read(s->dir, &s->settings));
  const char *url = s->settings.text[SET_URL], *colon = strrchr(url, ':');
  s->port = colon ? (unsigned)atoi(colon + 1) : 443;
  snprintf(s->authority, sizeof s->authority, "localhost:%u", s->port);
  TRY(client_new(s->dir, &s->client));
  TRY(file_read(s->settings.text[SET_CA], 65536, &ca));
  TRY(tls_client(buf_bytes(&ca), &tls));
  TRY(http_client_new(url, tls, CALL_MS, &s->http)); /* the authority is the same server */
  return get_token(s, tls);
}

err_t server_start(const struct bench *b, const char *name, struct server *out) {
  char log[512];
  snprintf(out->dir, sizeof out->dir, "%s/%s", b->dir, name);
  snprintf(log, sizeof log, "%s/server.log", b->dir);
  const char *const argv[] = { b->program,       "vault",       "serve",  "--data",     out->dir,
                               "--listen",       "127.0.0.1:0", "--init", "--ready-fd", "3",
                               "--idle-seconds", "600",         NULL };
  uint64_t from = now_ns();
  TRY(child_start(argv, log, &out->child));
  TRY(wait_ready(out, from));
  return connect_owner(out);
}

void server_free(struct server *s) {
  child_kill(&s->child);
  if (s->client)
    client_free(s->client);
  if (s->http)
    http_client_free(s->http);
  secret_free(&s->token.text);
  settings_free(&s->settings);
  *s = (struct server){ 0 };
}

err_t server_stop(struct server *s) {
  return child_stop(&s->child, SIGTERM);
}

/* The kernel's own sum over the threads, those that ended included, up to this moment. */
err_t server_cpu_ns(const struct server *s, uint64_t *ns) {
  clockid_t clock;
  struct timespec t;
  if (clock_getcpuclockid(s->child.pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
    FAIL(ERR_IO, "the server's processor time cannot be read");
  *ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
  return OK;
}

err_t server_rss_kib(const struct server *s, uint64_t *kib) {
  char path[64];
  AUTO_BUF status = BUF_EMPTY;
  snprintf(path, sizeof path, "/proc/%d/status", (int)s->child.pid);
  TRY(file_read(path, 65536, &status));
  const char *line = buf_cstr(&status) ? strstr((const char *)status.data, "VmRSS:") : NULL;
  if (!line)
    FAIL(ERR_IO, "%s does not tell VmRSS", path);
  *kib = strtoull(line + strlen("VmRSS:"), NULL, 10);
  return OK;
}

static void put_token(const struct server *s, struct buf *out) {
  buf_put_str(out, "Authorization: Bearer ");
  buf_put_bytes(out, secret_bytes(&s->token.text));
  buf_put_str(out, "\r\n");
}

err_t server_call(struct server *s, enum http_method method, const char *path, const char *body,
                  struct client_answer *out) {
  AUTO_BUF target = BUF_EMPTY, text = BUF_EMPTY;
  buf_put_str(&target, path);
  if (body)
    buf_put_str(&text, body);
  return client_call(s->client, method, &target, body ? &text : NULL, out);
}

err_t server_get(struct server *s, const char *target, json_t **out) {
  AUTO_BUF headers = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  put_token(s, &headers);
  TRY(buf_ok(&headers));
  TRY(http_client_request(s->http, HTTP_GET, target, buf_bytes(&headers), bytes_str(""), &reply));
  if (reply.status != 200)
    FAIL(ERR_INTERNAL, "an answer has status %d: " BYTES_FMT, reply.status,
         BYTES_ARG(buf_bytes(&reply.body)));
  return json_read(buf_bytes(&reply.body), out);
}

err_t server_make_key(struct server *s, const char *name, const char *body, struct buf *path) {
  char create[256];
  AUTO_ANSWER answer = { 0 };
  json_t *key = NULL;
  struct bytes kid = { 0 };
  snprintf(create, sizeof create, "/keys/%s/create", name);
  TRY(server_call(s, HTTP_POST, create, body, &answer));
  TRY(json_get_object(answer.body, "key", &key));
  TRY(json_get_str(key, "kid", &kid, NULL));
  const char *at = kid.size ? strstr((const char *)kid.data, "/keys/") : NULL;
  if (!at)
    FAIL(ERR_INTERNAL, "a key without a kid");
  buf_put_str(path, at);
  return buf_ok(path);
}

err_t server_request(const struct server *s, const char *method, const char *target, bool as_owner,
                     const char *type, const char *body, struct buf *out) {
  buf_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, s->authority);
  buf_put_str(out, "Accept: " JSON "\r\nAccept-Encoding: gzip,deflate\r\n"
                   "User-Agent: azsdk-js-keyvault-keys/4.10.0 core-rest-pipeline/1.22.2 "
                   "Node/20.19.2 OS/(x64-Linux-6.1.0)\r\n"
                   "x-ms-client-request-id: 6dc7cb32-3de8-4d7a-a3f1-0b4c2f8f6a51\r\n"
                   "Connection: keep-alive\r\n");
  if (as_owner)
    put_token(s, out);
  if (body)
    buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, strlen(body));
  buf_put_str(out, "\r\n");
  if (body)
    buf_put_str(out, body);
  return buf_ok(out);
}

err_t server_operation(const struct server *s, const char *method, const char *path,
                       const char *body, struct buf *out) {
  AUTO_BUF target = BUF_EMPTY;
  buf_put_str(&target, path);
  buf_put_char(&target, strchr(path, '?') ? '&' : '?');
  buf_put_str(&target, API_VERSION);
  if (!buf_cstr(&target))
    return ERR_NOMEM;
  return server_request(s, method, (const char *)target.data, true, JSON, body, out);
}
