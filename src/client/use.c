#include "client/use.h"

#include "base/write.h"
#include "client/field.h"
#include "client/internal.h"
#include "client/key_name.h"
#include "client/wrap_alg.h"

#include <stdio.h>
#include <strings.h>

/* --- one operation --- */

/* Where a key id names another vault than the one that was asked, who reads "not found" must know.
 */
static err_t not_found(const struct client *c, const char *key) {
  struct bytes theirs = key_name_host(key), mine = key_name_host(c->settings.text[SET_URL]);
  if (theirs.size == 0 ||
      (theirs.size == mine.size &&
       strncasecmp((const char *)theirs.data, (const char *)mine.data, mine.size) == 0))
    return ERR_NOT_FOUND;
  return answer_retell(ERR_NOT_FOUND,
                       "%.600s (asked at " BYTES_FMT ", the key is of " BYTES_FMT ")",
                       err_text(ERR_NOT_FOUND), BYTES_ARG(mine), BYTES_ARG(theirs));
}

struct operation {
  const char *key;  /* as the caller named it */
  const char *name; /* "wrapkey" */
  const struct buf *body;
  const struct client_patience *patience;
};

static err_t operate(struct client *c, const struct operation *o, struct http_reply *out) {
  struct key_name k;
  TRY(key_name_parse(o->key, &k));
  AUTO_BUF path = client_path("keys", k.name, k.version, o->name, NULL);
  const struct client_request rq = {
    .method = HTTP_POST, .path = &path, .body = o->body, .repeatable = true, .patience = o->patience
  };
  err_t e = client_ask(c, &rq, out);
  return e == ERR_NOT_FOUND ? not_found(c, o->key) : e;
}

static void put_value(struct buf *body, const char *alg, const char *field, struct bytes value) {
  write_open(body, NULL, '{');
  write_str(body, "alg", alg);
  write_b64url(body, field, value);
  write_close(body, '}');
}

/* --- wrapping --- */

static err_t take_wrapped(struct bytes answer, const char *alg, struct wrapped *out) {
  struct wrapped w = { 0 };
  struct key_name k;
  AUTO_BUF data = BUF_EMPTY;
  TRY(field_string(answer, "kid", w.key_id, sizeof w.key_id));
  TRY(field_b64url(answer, "value", &data));
  if (key_name_parse(w.key_id, &k) != OK || !*k.version || data.size == 0 ||
      data.size > sizeof w.data)
    FAIL(ERR_INTERNAL, "the server's answer to a wrap is not one");
  snprintf(w.alg, sizeof w.alg, "%s", alg);
  memcpy(w.data, data.data, data.size);
  w.size = data.size;
  *out = w;
  return OK;
}

static err_t wrap_by(struct client *c, const struct operation *o, const char *alg,
                     struct bytes plain, struct wrapped *out) {
  AUTO_BUF body = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  struct operation now = *o;
  put_value(&body, alg, "value", plain);
  now.body = &body;
  TRY(operate(c, &now, &reply));
  return take_wrapped(buf_bytes(&reply.body), alg, out);
}

/* An oct key's size is told by nobody: what does not fit is refused, and then the next one is
 * tried. */
static err_t wrap_first(struct client *c, const struct operation *o, const struct key_name *k,
                        struct bytes plain, struct wrapped *out) {
  const char *const *algs;
  err_t e = ERR_BAD_PARAMETER;
  TRY(wrap_alg_look(c, k, o->patience, &algs));
  for (; *algs && e == ERR_BAD_PARAMETER; algs++)
    e = wrap_by(c, o, *algs, plain, out);
  if (e == OK)
    wrap_alg_keep(c->algs, k, out->alg);
  return e;
}

err_t client_wrap_with(struct client *c, const struct client_patience *p, const char *key,
                       struct bytes plain, struct wrapped *out) {
  const struct operation o = { .key = key, .name = "wrapkey", .patience = p };
  struct key_name k;
  TRY(key_name_parse(key, &k));
  const char *alg = wrap_alg_known(c->algs, &k);
  err_t e = alg ? wrap_by(c, &o, alg, plain, out) : ERR_BAD_PARAMETER;
  return e == ERR_BAD_PARAMETER ? wrap_first(c, &o, &k, plain, out) : e;
}

err_t client_wrap(struct client *c, const char *key, struct bytes plain, struct wrapped *out) {
  return client_wrap_with(c, NULL, key, plain, out);
}

err_t client_unwrap_with(struct client *c, const struct client_patience *p, const struct wrapped *w,
                         struct secret *out) {
  AUTO_BUF body = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  put_value(&body, w->alg, "value", bytes_of(w->data, w->size));
  TRY(operate(
    c, &(struct operation){ .key = w->key_id, .name = "unwrapkey", .body = &body, .patience = p },
    &reply));
  return field_secret_b64url(buf_bytes(&reply.body), "value", out);
}

err_t client_unwrap(struct client *c, const struct wrapped *w, struct secret *out) {
  return client_unwrap_with(c, NULL, w, out);
}

/* --- signing --- */

err_t client_sign(struct client *c, const char *key, const char *alg, struct bytes digest,
                  struct buf *signature) {
  AUTO_BUF body = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  put_value(&body, alg, "value", digest);
  TRY(operate(c, &(struct operation){ .key = key, .name = "sign", .body = &body }, &reply));
  return field_b64url(buf_bytes(&reply.body), "value", signature);
}

err_t client_verify(struct client *c, const char *key, const char *alg, struct bytes digest,
                    struct bytes signature, bool *valid) {
  AUTO_BUF body = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  write_open(&body, NULL, '{');
  write_str(&body, "alg", alg);
  write_b64url(&body, "digest", digest);
  write_b64url(&body, "value", signature);
  write_close(&body, '}');
  TRY(operate(c, &(struct operation){ .key = key, .name = "verify", .body = &body }, &reply));
  return field_bool(buf_bytes(&reply.body), "value", valid);
}
