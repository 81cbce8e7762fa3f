#include "client/use.h"

#include "base/clock.h"
#include "base/codec.h"
#include "client/field.h"
#include "client/internal.h"
#include "crypto/cert.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

#include <time.h>

#define FIRST_PAUSE_US 50000u
#define LAST_PAUSE_US 1000000u
#define PEM_TYPE "application/x-pem-file"

void client_certificate_free(struct client_certificate *c) {
  buf_free(&c->cert_pem);
  buf_free(&c->chain_pem);
  secret_free(&c->key_pem);
  *c = (struct client_certificate){ 0 };
}

static err_t ask(struct client *c, const struct buf *path, struct http_reply *out) {
  const struct client_request rq = { .method = HTTP_GET, .path = path, .repeatable = true };
  return client_ask(c, &rq, out);
}

/* --- the certificate --- */

static err_t decode(struct bytes base64, struct buf *out) {
  size_t size;
  if (!buf_reserve(out, base64.size))
    return ERR_NOMEM;
  if (b64_decode(base64, out->data + out->size, base64.size, &size) != OK)
    FAIL(ERR_INTERNAL, "what should be a certificate in the server's answer is not base64");
  out->size += size;
  return OK;
}

/* Names the version, so that certificate and key are of the same one. */
static err_t take_version(struct bytes bundle, struct client_certificate *out) {
  char id[KEY_ID_MAX];
  TRY(field_string(bundle, "id", id, sizeof id));
  const char *version = strrchr(id, '/');
  if (!version || strlen(version + 1) != sizeof out->version - 1)
    FAIL(ERR_INTERNAL, "the server's answer names no version");
  memcpy(out->version, version + 1, sizeof out->version);
  return OK;
}

static err_t take_certificate(json_t *bundle, const char *name, struct client_certificate *out) {
  AUTO_BUF der = BUF_EMPTY;
  struct bytes cer = { 0 };
  TRY(json_get_str(bundle, "cer", &cer, NULL));
  if (cer.size == 0)
    REFUSE(ERR_NOT_FOUND, "The certificate '%s' is not issued yet.", name);
  TRY(decode(cer, &der));
  TRY(x509_validity(buf_bytes(&der), &out->not_before, &out->not_after));
  return x509_to_pem(buf_bytes(&der), &out->cert_pem);
}

/* --- key and chain --- */

/* What is in the secret behind a certificate. */
struct content {
  struct client_certificate *out;
  bool has_key;
};

/* A certificate that is neither the one asked for nor a root. */
static err_t put_above(struct client_certificate *out, struct bytes der) {
  AUTO_CERT_INFO info = { 0 };
  AUTO_BUF pem = BUF_EMPTY;
  TRY(cert_read(der, &info));
  TRY(x509_to_pem(der, &pem));
  bool own = bytes_equal(buf_bytes(&pem), buf_bytes(&out->cert_pem));
  bool root = info.is.subject && info.issuer && strcmp(info.is.subject, info.issuer) == 0;
  if (!own && !root)
    buf_put_bytes(&out->chain_pem, buf_bytes(&pem));
  return buf_ok(&out->chain_pem);
}

static err_t put_block(void *ctx, const struct pem_block *block) {
  struct content *into = ctx;
  if (strcmp(block->label, "CERTIFICATE") == 0)
    return put_above(into->out, block->der);
  into->has_key |= strcmp(block->label, "PRIVATE KEY") == 0;
  return OK;
}

/* One whose key is not exportable holds certificates only. */
static err_t take_pem(struct bytes value, struct client_certificate *out) {
  AUTO(key) struct key *key = NULL;
  struct content into = { .out = out };
  TRY(pem_each(value, put_block, &into));
  if (!into.has_key)
    return OK;
  TRY(key_from_pem(value, &key));
  return key_to_pem(key, &out->key_pem);
}

static err_t take_pkcs12(struct bytes base64, struct client_certificate *out) {
  AUTO_SECRET pkcs12 = { 0 };
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO(key) struct key *key = NULL;
  size_t size;
  TRY(secret_new(base64.size, &pkcs12));
  if (b64_decode(base64, pkcs12.data, pkcs12.size, &size) != OK)
    FAIL(ERR_INTERNAL, "the secret behind the certificate is not base64");
  err_t e = cert_import_pkcs12(bytes_of(pkcs12.data, size), bytes_str(""), &key, &chain);
  if (e == ERR_BAD_PARAMETER) /* without a key */
    return OK;
  TRY(e);
  for (size_t i = 0; i < chain.count; i++)
    TRY(put_above(out, buf_bytes(&chain.ders[i])));
  return key_to_pem(key, &out->key_pem);
}

/* The secret of the same name and version, if it may be read. */
static err_t add_key(struct client *c, const char *name, struct client_certificate *out) {
  AUTO_BUF path = client_path("secrets", name, out->version, NULL);
  AUTO_HTTP_REPLY reply = { 0 };
  AUTO_SECRET value = { 0 };
  char type[64];
  err_t e = ask(c, &path, &reply);
  if (e == ERR_FORBIDDEN || e == ERR_NOT_FOUND)
    return OK;
  TRY(e);
  TRY(field_secret(buf_bytes(&reply.body), "value", &value));
  TRY(field_string(buf_bytes(&reply.body), "contentType", type, sizeof type));
  return bytes_equal_nocase(bytes_str(type), PEM_TYPE) ? take_pem(secret_bytes(&value), out)
                                                       : take_pkcs12(secret_bytes(&value), out);
}

err_t client_get_certificate(struct client *c, const char *name, const char *version,
                             struct client_certificate *out) {
  AUTO_BUF path = client_path("certificates", name, version, NULL);
  AUTO_CLIENT_CERTIFICATE got = { 0 };
  AUTO_HTTP_REPLY reply = { 0 };
  AUTO_ANSWER bundle = { 0 };
  TRY(ask(c, &path, &reply));
  TRY(take_version(buf_bytes(&reply.body), &got));
  TRY(answer_parse(&reply, &bundle));
  TRY(take_certificate(bundle.body, name, &got));
  TRY(add_key(c, name, &got));
  *out = got;
  got = (struct client_certificate){ 0 };
  return OK;
}

/* --- renewal --- */

static void pause_us(uint64_t us) {
  struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };
  nanosleep(&t, NULL);
}

static err_t begin(struct client *c, const char *name) {
  AUTO_BUF path = client_path("certificates", name, "create", NULL), body = BUF_EMPTY;
  AUTO_ANSWER operation = { 0 };
  buf_put_str(&body, "{}");
  return client_call(c, HTTP_POST, &path, &body, &operation);
}

/* *done: it brought a version. */
static err_t check(json_t *operation, const char *name, bool *done) {
  struct bytes status = bytes_str(""), why = bytes_str("");
  TRY(json_get_str(operation, "status", &status, NULL));
  IGNORE(json_get_str(json_object_get(operation, "error"), "message", &why, NULL));
  *done = bytes_equal_nocase(status, "completed");
  bool cancelled = json_is_true(json_object_get(operation, "cancellation_requested"));
  if (*done || (bytes_equal_nocase(status, "inProgress") && !cancelled))
    return OK;
  REFUSE(ERR_CONFLICT, "The certificate '%s' was not made: " BYTES_FMT, name,
         BYTES_ARG(why.size ? why : bytes_str("it was cancelled.")));
}

static err_t wait_for(struct client *c, const char *name, unsigned timeout_s) {
  AUTO_BUF path = client_path("certificates", name, "pending", NULL);
  uint64_t began = clock_mono_us();
  for (uint64_t pause = FIRST_PAUSE_US;; pause = pause < LAST_PAUSE_US ? 2 * pause : pause) {
    AUTO_ANSWER operation = { 0 };
    bool done = false;
    TRY(client_call(c, HTTP_GET, &path, NULL, &operation));
    TRY(check(operation.body, name, &done));
    if (done)
      return OK;
    if (clock_mono_us() - began + pause > timeout_s * UINT64_C(1000000))
      REFUSE(ERR_TIMEOUT, "The certificate '%s' is not issued yet after %u s.", name, timeout_s);
    pause_us(pause);
  }
}

err_t client_renew_certificate(struct client *c, const char *name, unsigned timeout_s,
                               struct client_certificate *out) {
  TRY(begin(c, name));
  TRY(wait_for(c, name, timeout_s));
  return client_get_certificate(c, name, NULL, out);
}
