#include "client/credential.h"

#include "base/codec.h"
#include "base/file.h"
#include "client/field.h"
#include "client/managed.h"

#define PEM_MAX 65536
#define SCOPE "https://vault.azure.net/.default"
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#define SECRET_FILE_MAX 4096
#define ASSERTION_FILE_MAX 65536

/* --- the client credentials grant --- */

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
  struct bytes host = bytes_str(s->text[SET_AUTHORITY] ? s->text[SET_AUTHORITY] : s->text[SET_URL]);
  if (host.size && host.data[host.size - 1] == '/')
    host.size--;
  buf_put_bytes(out, host);
  buf_put_str(out, path);
}

static err_t take_token(struct bytes body, struct token *out) {
  bool found = false;
  TRY(field_number(body, "expires_in", &out->lifetime_s, &found));
  if (!found)
    FAIL(ERR_INTERNAL, "the token service does not say how long its token is good");
  return field_secret(body, "access_token", &out->text);
}

/* proof appends the fields that prove who we are; path is that of the token endpoint. */
typedef err_t put_proof(const struct settings *s, const char *path, struct buf *form);

static err_t grant(const struct credential_call *c, put_proof *proof, struct token *out,
                   struct answer_hint *hint) {
  static const char type[] = "Content-Type: application/x-www-form-urlencoded\r\n";
  const struct settings *s = c->settings;
  AUTO_BUF form = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  AUTO_BUF path = client_path(s->text[SET_TENANT], "oauth2", "v2.0", "token", NULL);
  if (!buf_cstr(&path))
    return ERR_NOMEM;
  put_field(&form, "grant_type", bytes_str("client_credentials"));
  put_field(&form, "client_id", bytes_str(s->text[SET_CLIENT_ID]));
  put_field(&form, "scope", bytes_str(SCOPE));
  TRY(proof(s, (const char *)path.data, &form));
  TRY(buf_ok(&form));
  const struct request rq = { HTTP_POST, (const char *)path.data, bytes_str(type),
                              buf_bytes(&form) };
  TRY(answer_ask(c->authority, &rq, &reply, hint));
  return take_token(buf_bytes(&reply.body), out);
}

static bool names_client(const struct settings *s) {
  return s->text[SET_TENANT] && s->text[SET_CLIENT_ID];
}

static void put_assertion(struct bytes assertion, struct buf *form) {
  put_field(form, "client_assertion_type", bytes_str(ASSERTION_TYPE));
  put_field(form, "client_assertion", assertion);
}

/* --- a secret --- */

static bool secret_is_set(const struct settings *s) {
  return names_client(s) && s->secret.size;
}

static err_t put_secret(const struct settings *s, const char *path, struct buf *form) {
  put_field(form, "client_secret", secret_bytes(&s->secret));
  return OK;
}

static err_t secret_get(const struct credential_call *c, struct token *out,
                        struct answer_hint *hint) {
  return grant(c, put_secret, out, hint);
}

/* --- files, which somebody may write anew at any time: they are read for each token --- */

/* Without the white space at the end that editors leave. */
static err_t read_line(const char *path, size_t max, struct buf *out) {
  TRY(file_read(path, max, out));
  while (out->size && out->data[out->size - 1] <= ' ')
    out->size--;
  if (out->size == 0)
    FAIL(ERR_CONFIG, "%s is empty", path);
  return OK;
}

static bool secret_file_is_set(const struct settings *s) {
  return names_client(s) && s->text[SET_SECRET_FILE];
}

static err_t put_secret_file(const struct settings *s, const char *path, struct buf *form) {
  AUTO_BUF secret = BUF_EMPTY;
  TRY(read_line(s->text[SET_SECRET_FILE], SECRET_FILE_MAX, &secret));
  put_field(form, "client_secret", buf_bytes(&secret));
  return OK;
}

static err_t secret_file_get(const struct credential_call *c, struct token *out,
                             struct answer_hint *hint) {
  return grant(c, put_secret_file, out, hint);
}

static bool assertion_is_set(const struct settings *s) {
  return names_client(s) && s->text[SET_ASSERTION_FILE];
}

static err_t put_assertion_file(const struct settings *s, const char *path, struct buf *form) {
  AUTO_BUF assertion = BUF_EMPTY;
  TRY(read_line(s->text[SET_ASSERTION_FILE], ASSERTION_FILE_MAX, &assertion));
  put_assertion(buf_bytes(&assertion), form);
  return OK;
}

static err_t assertion_get(const struct credential_call *c, struct token *out,
                           struct answer_hint *hint) {
  return grant(c, put_assertion_file, out, hint);
}

/* --- a certificate's key --- */

static bool certificate_is_set(const struct settings *s) {
  return names_client(s) && s->text[SET_CERTIFICATE];
}

static err_t put_signed(const struct settings *s, const char *path, struct buf *form) {
  AUTO_BUF pem = BUF_EMPTY, audience = BUF_EMPTY, assertion = BUF_EMPTY;
  TRY(file_read(s->text[SET_CERTIFICATE], PEM_MAX, &pem));
  put_endpoint(s, path, &audience);
  TRY(buf_ok(&audience));
  TRY(assertion_sign(buf_bytes(&pem), s->text[SET_CLIENT_ID], buf_bytes(&audience), &assertion));
  put_assertion(buf_bytes(&assertion), form);
  return OK;
}

static err_t certificate_get(const struct credential_call *c, struct token *out,
                             struct answer_hint *hint) {
  return grant(c, put_signed, out, hint);
}

/* --- the table --- */

static const struct credential table[] = {
  { "client secret", secret_is_set, false, secret_get },
  { "client secret in a file", secret_file_is_set, false, secret_file_get },
  { "assertion file", assertion_is_set, false, assertion_get },
  { "client certificate", certificate_is_set, false, certificate_get },
  { "managed identity", managed_endpoint_is_set, true, managed_endpoint_get },
  { "managed identity (IMDS)", managed_imds_is_set, true, managed_imds_get },
};

err_t credential_find(const struct settings *s, const struct credential **out) {
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (table[i].is_set(s)) {
      *out = &table[i];
      return OK;
    }
  FAIL(ERR_CONFIG,
       "no credentials: set AZURE_AUTHORITY_HOST, AZURE_TENANT_ID, AZURE_CLIENT_ID and "
       "AZURE_CLIENT_SECRET, AZURE_CLIENT_SECRET_FILE, AZURE_FEDERATED_TOKEN_FILE or "
       "AZURE_CLIENT_CERTIFICATE_PATH; or a managed identity's address; or give --data DIR");
}
