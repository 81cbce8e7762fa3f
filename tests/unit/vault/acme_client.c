#include "acme_client.h"

#include "base/log.h"
#include "base/write.h"

#include <stdarg.h>
#include <stdio.h>

static void must(err_t e, const char *what) {
  if (e == OK)
    return;
  log_err("client", e, what);
  abort();
}

void client_begin(struct acme_client *c, struct fixture *f, enum key_type type) {
  const struct key_spec spec = { type, type == KEY_EC ? 256 : 2048, CURVE_NONE, 0 };
  *c = (struct acme_client){ .f = f, .alg = type == KEY_EC ? "ES256" : "RS256" };
  must(key_generate(&spec, &c->key), "making a key");
}

void client_end(struct acme_client *c) {
  key_free(c->key);
  answer_free(&c->a);
}

const char *client_header(const struct acme_client *c, const char *name) {
  static char value[512];
  struct bytes rest = buf_bytes(&c->a.headers), line, head;
  while (rest.data) {
    rest = bytes_split(rest, '\n', &line);
    struct bytes v = bytes_split(line, ':', &head);
    if (!bytes_equal_nocase(head, name) || !v.data)
      continue;
    if (v.size && v.data[v.size - 1] == '\r')
      v.size--;
    must(bytes_to_cstr(bytes_trim(v), value, sizeof value), "reading a header");
    return value;
  }
  return "";
}

const char *client_problem(const struct acme_client *c) {
  static const char urn[] = "urn:ietf:params:acme:error:";
  const char *type = answer_str(&c->a, "type");
  return strncmp(type, urn, sizeof urn - 1) == 0 ? type + sizeof urn - 1 : type;
}

void client_jwk(const struct key *key, struct buf *out) {
  buf_put_str(out, key_spec(key)->type == KEY_RSA ? "{\"kty\":\"RSA\"" : "{\"kty\":\"EC\"");
  must(key_public_members(key, out), "writing a key");
  buf_put_char(out, '}');
}

static void put_jws(const char *protected_header, const char *payload, struct buf *input,
                    struct buf *out) {
  AUTO_BUF p = BUF_EMPTY, b = BUF_EMPTY;
  buf_put_b64url(&p, bytes_str(protected_header));
  buf_put_b64url(&b, bytes_str(payload));
  buf_put_bytes(input, buf_bytes(&p));
  buf_put_char(input, '.');
  buf_put_bytes(input, buf_bytes(&b));
  write_open(out, NULL, '{');
  write_text(out, "protected", buf_bytes(&p));
  write_text(out, "payload", buf_bytes(&b));
}

void client_jws(const struct key *key, const char *alg, const char *protected_header,
                const char *payload, struct buf *out) {
  AUTO_BUF input = BUF_EMPTY, signature = BUF_EMPTY;
  uint8_t digest[SHA384_SIZE];
  const struct alg *a = alg_find(bytes_str(alg));
  bool longer = strcmp(alg, "ES384") == 0;
  put_jws(protected_header, payload, &input, out);
  must(longer ? crypto_sha384(buf_bytes(&input), digest) : crypto_sha256(buf_bytes(&input), digest),
       "hashing");
  if (a && alg_fits(a, key_spec(key)))
    must(alg_sign(a, key, bytes_of(digest, longer ? SHA384_SIZE : SHA256_SIZE), &signature),
         "signing");
  write_b64url(out, "signature", buf_bytes(&signature));
  write_close(out, '}');
  must(buf_ok(out), "writing a JWS");
}

void client_binding(const struct acme_client *c, const char *kid, struct bytes mac_key,
                    const char *alg, const char *url, struct buf *out) {
  AUTO_BUF header = BUF_EMPTY, jwk = BUF_EMPTY, input = BUF_EMPTY;
  uint8_t mac[SHA256_SIZE];
  client_jwk(c->key, &jwk);
  buf_printf(&header, "{\"alg\":\"%s\",\"kid\":\"%s\",\"url\":\"%s\"}", alg, kid, url);
  put_jws(buf_cstr(&header), buf_cstr(&jwk), &input, out);
  must(crypto_hmac_sha256(mac_key, buf_bytes(&input), mac), "making a MAC");
  write_b64url(out, "signature", bytes_of(mac, sizeof mac));
  write_close(out, '}');
}

static void take_nonce(struct acme_client *c, char out[static ACME_NONCE_MAX]) {
  must(acme_nonce(c->f->hub->acme, out), "taking a nonce");
}

int client_raw(struct acme_client *c, const char *path, struct bytes body) {
  char target[512];
  snprintf(target, sizeof target, "/acme/%s", path);
  if (!c->f->content_type)
    c->f->content_type = "application/jose+json";
  fixture_call(c->f, (struct bytes){ 0 }, HTTP_POST, target, body, &c->a);
  c->f->content_type = NULL;
  return c->a.status;
}

int client_post(struct acme_client *c, const char *path, const char *format, ...) {
  AUTO_BUF header = BUF_EMPTY, body = BUF_EMPTY, jwk = BUF_EMPTY;
  char nonce[ACME_NONCE_MAX], *payload = NULL;
  va_list ap;
  va_start(ap, format);
  if (vasprintf(&payload, format, ap) < 0)
    abort();
  va_end(ap);
  if (strncmp(path, ACME_BASE, sizeof ACME_BASE - 1) == 0)
    path += sizeof ACME_BASE - 1;
  take_nonce(c, nonce);
  client_jwk(c->key, &jwk);
  buf_printf(&header, "{\"alg\":\"%s\",%s\"nonce\":\"%s\",", c->alg, c->extra ? c->extra : "",
             c->nonce ? c->nonce : nonce);
  if (c->url)
    buf_printf(&header, "\"url\":\"%s\",", c->url);
  else
    buf_printf(&header, "\"url\":\"" ACME_BASE "%s\",", path);
  if (c->account[0])
    buf_printf(&header, "\"kid\":\"%s\"}", c->account);
  else
    buf_printf(&header, "\"jwk\":%s}", buf_cstr(&jwk));
  client_jws(c->sign_with ? c->sign_with : c->key, c->alg, buf_cstr(&header), payload, &body);
  c->nonce = c->url = c->extra = NULL;
  c->sign_with = NULL;
  free(payload);
  return client_raw(c, path, buf_bytes(&body));
}

void client_identity(struct fixture *f, const char *const *names, size_t count,
                     struct acme_identity *out) {
  struct hub *h = f->hub;
  must(identity_create(h->identity, "web", out->app_id), "making an identity");
  must(identity_find(h->identity, "web", out->app_id, out->oid), "finding it");
  must(guid_random(out->assignment), "making an id");
  must(
    role_assign(h->roles, NULL, out->assignment, "Strongroom Certificate Requester", out->oid, "/"),
    "giving it a role");
  must(
    ca_grant(h->ca, out->oid, 1u << CA_SERVER, &(struct cert_texts){ (const char **)names, count }),
    "granting names");
  must(acme_key_create(h->acme, out->oid, out->kid, &out->key), "making a binding key");
}

void client_register(struct acme_client *c, const char *kid, struct bytes mac_key) {
  AUTO_BUF binding = BUF_EMPTY;
  client_binding(c, kid, mac_key, "HS256", ACME_BASE "new-account", &binding);
  if (client_post(c, "new-account",
                  "{\"termsOfServiceAgreed\":true,\"contact\":[\"mailto:a@example.com\"],"
                  "\"externalAccountBinding\":%s}",
                  buf_cstr(&binding)) != 201) {
    log_error("client", "no account: " BYTES_FMT, BYTES_ARG(c->a.body));
    abort();
  }
  snprintf(c->account, sizeof c->account, "%s", client_header(c, "Location"));
}

void client_csr(const struct key *key, const struct cert_profile *says, struct buf *out) {
  AUTO_BUF der = BUF_EMPTY;
  must(cert_request(key, says, &der), "making a certificate request");
  buf_put_b64url(out, buf_bytes(&der));
}
