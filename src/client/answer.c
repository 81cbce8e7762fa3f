#include "client/answer.h"

#include <stdarg.h>
#include <stdio.h>

void client_answer_free(struct client_answer *a) {
  json_decref(a->body);
  *a = (struct client_answer){ 0 };
}

static err_t error_of(int status, struct bytes code) {
  if (bytes_equal_str(code, "VaultSealed"))
    return ERR_SEALED;
  switch (status) {
  case 401:
    return ERR_UNAUTHORIZED;
  case 403:
    return ERR_FORBIDDEN;
  case 404:
    return ERR_NOT_FOUND;
  case 409:
    return ERR_CONFLICT;
  case 429:
  case 502:
  case 503:
  case 504:
    return ERR_BUSY;
  default:
    return status >= 400 && status < 500 ? ERR_BAD_PARAMETER : ERR_INTERNAL;
  }
}

/* Some of the service's texts end with a line feed. */
static struct bytes trim_end(struct bytes text) {
  while (text.size && text.data[text.size - 1] <= ' ')
    text.size--;
  return text;
}

/* {"error":{"code","message"}} of the API. */
static err_t refuse_api(int status, json_t *error) {
  struct bytes code = { 0 }, message = { 0 };
  IGNORE(json_get_str(error, "code", &code, NULL));
  IGNORE(json_get_str(error, "message", &message, NULL));
  err_t e = err_refuse(error_of(status, code), __FILE__, __LINE__, BYTES_FMT " [" BYTES_FMT "]",
                       BYTES_ARG(trim_end(message)), BYTES_ARG(code));
  err_note_answer(status, (const char *)code.data, code.size);
  return e;
}

/* {"error":"..","error_description":".."} of OAuth: whatever its status, we got no token. */
static err_t refuse_oauth(int status, json_t *body) {
  struct bytes code = { 0 }, text = { 0 };
  IGNORE(json_get_str(body, "error", &code, NULL));
  IGNORE(json_get_str(body, "error_description", &text, NULL));
  err_t e = err_refuse(status >= 500 || status == 429 ? ERR_BUSY : ERR_UNAUTHORIZED, __FILE__,
                       __LINE__, "No token for this client: " BYTES_FMT " [" BYTES_FMT "]",
                       BYTES_ARG(text), BYTES_ARG(code));
  err_note_answer(status, (const char *)code.data, code.size);
  return e;
}

static err_t refuse(int status, json_t *body) {
  json_t *error = json_object_get(body, "error"); /* NULL where there is no body */
  if (json_is_object(error))
    return refuse_api(status, error);
  if (json_is_string(error))
    return refuse_oauth(status, body);
  err_t e = err_refuse(error_of(status, (struct bytes){ 0 }), __FILE__, __LINE__,
                       "The server answered with status %d.", status);
  err_note_answer(status, NULL, 0);
  return e;
}

err_t answer_none(err_t e) {
  if (e != ERR_IO && e != ERR_TIMEOUT && e != ERR_HTTP)
    return e;
  char why[sizeof err_last()->why];
  memcpy(why, err_last()->why, sizeof why);
  REFUSE(ERR_AWAY, "No answer: %s", err_last()->code == e ? why : "the connection failed");
}

err_t answer_retell(err_t e, const char *fmt, ...) {
  const struct err_last before = *err_last();
  char text[sizeof before.say];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  (void)err_refuse(e, before.file, before.line, "%s", text);
  err_note_answer(before.status, before.answer, strlen(before.answer));
  return e;
}

/* A date (RFC 9110, 10.2.3) is as good as nothing: no server that we know writes one. */
static unsigned retry_after(const struct http_reply *reply) {
  uint64_t seconds = 0;
  struct bytes text = http_reply_header(reply, "retry-after");
  IGNORE(text.size ? bytes_to_u64(text, 86400, &seconds) : OK);
  return (unsigned)seconds;
}

err_t answer_check(const struct http_reply *reply) {
  AUTO_JSON *document = NULL;
  if (reply->status >= 200 && reply->status <= 299)
    return OK;
  if (reply->body.size && json_read_answer(buf_bytes(&reply->body), &document) == ERR_NOMEM)
    return ERR_NOMEM;
  return refuse(reply->status, document);
}

err_t answer_ask(struct http_client *http, const struct request *rq, struct http_reply *out,
                 struct answer_hint *hint) {
  AUTO_HTTP_REPLY reply = { 0 };
  *hint = (struct answer_hint){ 0 };
  err_t e = http_client_request(http, rq->method, rq->target, rq->headers, rq->body, &reply);
  if (e != OK)
    return answer_none(e);
  *hint = (struct answer_hint){ reply.status, retry_after(&reply) };
  TRY(answer_check(&reply));
  *out = reply;
  reply = (struct http_reply){ 0 };
  return OK;
}

err_t answer_parse(const struct http_reply *reply, struct client_answer *out) {
  AUTO_JSON *document = NULL;
  if (reply->body.size && json_read_answer(buf_bytes(&reply->body), &document) == ERR_NOMEM)
    return ERR_NOMEM;
  if (reply->body.size && !document)
    FAIL(ERR_INTERNAL, "the server's answer is not a JSON object");
  out->status = reply->status;
  out->body = TAKE(document);
  return OK;
}
