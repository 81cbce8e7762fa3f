#include "client/token.h"

#include "base/clock.h"
#include "base/file.h"
#include "client/answer.h"

#define PEM_MAX 65536
#define RENEW_EARLY 300 /* seconds */
#define SCOPE "https://vault.azure.net/.default"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static void put_field(struct buf *form, const char *name, struct bytes value) {
  if (form->size)
    buf_put_char(form, '&');
  buf_put_str(form, name);
  buf_put_char(form, '=');
  client_put_escaped(form, value);
}

/* The authority's address may end with a slash; the endpoint that an assertion names does not have
 * two. */
static void put_endpoint(const struct settings *s, const char *path, struct buf *out) {
  struct bytes host = bytes_str(s->text[SET_AUTHORITY]);
  if (host.size && host.data[host.size - 1] == '/')
    host.size--;
  buf_put_bytes(out, host);
  buf_put_str(out, path);
}

static err_t put_assertion(const struct settings *s, const char *path, struct buf *form) {
  AUTO_BUF pem = BUF_EMPTY, audience = BUF_EMPTY, assertion = BUF_EMPTY;
  TRY(file_read(s->text[SET_CERTIFICATE], PEM_MAX, &pem));
  put_endpoint(s, path, &audience);
  TRY(buf_ok(&audience));
  TRY(assertion_sign(buf_bytes(&pem), s->text[SET_CLIENT_ID], buf_bytes(&audience), &assertion));
  put_field(form, "client_assertion_type", bytes_str(ASSERTION_TYPE));
  put_field(form, "client_assertion", buf_bytes(&assertion));
  return OK;
}

static err_t put_credential(const struct settings *s, const char *path, struct buf *form) {
  if (!s->text[SET_AUTHORITY] || !s->text[SET_TENANT] || !s->text[SET_CLIENT_ID] ||
      (!s->secret.size && !s->text[SET_CERTIFICATE]))
    FAIL(ERR_CONFIG, "no credentials: set AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID "
                     "and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH, or give --data "
                     "DIR");
  put_field(form, "grant_type", bytes_str("client_credentials"));
  put_field(form, "client_id", bytes_str(s->text[SET_CLIENT_ID]));
  put_field(form, "scope", bytes_str(SCOPE));
  if (!s->secret.size)
    return put_assertion(s, path, form);
  put_field(form, "client_secret", secret_bytes(&s->secret));
  return OK;
}

static err_t take_token(json_t *body, struct token *out) {
  struct bytes text = { 0 };
  int64_t seconds = 0;
  if (!body || json_get_str(body, "access_token", &text, NULL) != OK || text.size == 0 ||
      json_get_i64(body, "expires_in", &seconds, NULL) != OK)
    FAIL(ERR_INTERNAL, "the token service's answer holds no token");
  secret_free(&out->text);
  TRY(secret_copy(text, &out->text));
  out->renew_at = clock_now() + seconds - RENEW_EARLY;
  return OK;
}

err_t token_get(const struct settings *s, struct http_client *authority, struct token *out) {
  AUTO_BUF form = BUF_EMPTY;
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path =
    client_path(s->text[SET_TENANT] ? s->text[SET_TENANT] : "", "oauth2", "v2.0", "token", NULL);
  if (!buf_cstr(&path))
    return ERR_NOMEM;
  TRY(put_credential(s, (const char *)path.data, &form));
  TRY(buf_ok(&form));
  static const char type[] = "Content-Type: application/x-www-form-urlencoded\r\n";
  TRY(answer_fetch(authority, HTTP_POST, (const char *)path.data, bytes_str(type), buf_bytes(&form),
                   &answer));
  return take_token(answer.body, out);
}
