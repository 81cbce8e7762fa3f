#include "cli/key/use.h"

#include "base/write.h"
#include "cli/collection.h"

#include <stdio.h>

/* The algorithm that fits a key when none is named. */
static const struct fitting {
  const char *kty, *crv, *algs[3]; /* by enum use_kind */
} fittings[] = {
  { "RSA", "", { "RSA-OAEP-256", "RSA-OAEP-256", "RS256" } },
  { "EC", "P-256", { NULL, NULL, "ES256" } },
  { "EC", "P-384", { NULL, NULL, "ES384" } },
  { "EC", "P-521", { NULL, NULL, "ES512" } },
  { "EC", "P-256K", { NULL, NULL, "ES256K" } },
  { "oct", "", { "A256KW", "A256GCM", "HS256" } },
};

static err_t choose_alg(json_t *key, enum use_kind kind, struct use *u) {
  struct bytes kty = field_text(key, "kty"), crv = field_text(key, "crv"), plain;
  bytes_split(kty, '-', &plain);
  for (size_t i = 0; i < sizeof fittings / sizeof *fittings; i++) {
    const struct fitting *f = &fittings[i];
    if (!f->algs[kind] || !bytes_equal_str(plain, f->kty) || !bytes_equal_str(crv, f->crv))
      continue;
    snprintf(u->alg, sizeof u->alg, "%s", f->algs[kind]);
    return OK;
  }
  FAIL(ERR_USAGE, "a key of type " BYTES_FMT " can't do this", BYTES_ARG(kty));
}

static err_t look_at_key(enum use_kind kind, struct use *u) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", u->name, u->version, NULL);
  struct bytes name, version;
  TRY(client_call(u->client, HTTP_GET, &path, NULL, &answer));
  id_split(field_text(field_object(answer.body, "key"), "kid"), &name, &version);
  TRY(bytes_to_cstr(version, u->version, sizeof u->version));
  return u->alg[0] ? OK : choose_alg(field_object(answer.body, "key"), kind, u);
}

err_t use_open(const struct args *a, enum use_kind kind, struct use *out) {
  const char *version = args_word(a, 1), *alg = args_value(a, "alg");
  *out = (struct use){ .name = args_word(a, 0) };
  if ((version && bytes_to_cstr(bytes_str(version), out->version, sizeof out->version) != OK) ||
      (alg && bytes_to_cstr(bytes_str(alg), out->alg, sizeof out->alg) != OK))
    FAIL(ERR_USAGE, "there is no version or algorithm with so long a name");
  TRY(ask_open(a, &out->client));
  return version && alg ? OK : look_at_key(kind, out);
}

void use_close(struct use *u) {
  if (u->client)
    client_free(u->client);
}

static void write_field(struct buf *b, const char *name, struct bytes value) {
  if (value.size)
    write_b64url(b, name, value);
}

err_t use_call(struct use *u, const char *operation, const struct use_fields *f,
               struct client_answer *out) {
  AUTO_BUF path = client_path("keys", u->name, u->version, operation, NULL), body = BUF_EMPTY;
  write_open(&body, NULL, '{');
  write_str(&body, "alg", u->alg);
  write_b64url(&body, "value", f->value);
  write_field(&body, "digest", f->digest);
  write_field(&body, "iv", f->iv);
  write_field(&body, "aad", f->aad);
  write_field(&body, "tag", f->tag);
  write_close(&body, '}');
  TRY(client_call(u->client, HTTP_POST, &path, &body, out));
  if (!out->body)
    FAIL(ERR_INTERNAL, "the server's answer has no body");
  return OK;
}

err_t use_undo(const struct args *a, struct use *u, const char *operation,
               const struct use_fields *f, struct client_answer *out) {
  err_t e = use_call(u, operation, f, out);
  if (e == ERR_BAD_PARAMETER && !args_word(a, 1))
    out_note("The latest version of '%s' was tried, with %s: was it another one?", u->name, u->alg);
  return e;
}

void use_note(const struct use *u, const struct client_answer *answer) {
  struct bytes name, version;
  id_split(field_text(answer->body, "kid"), &name, &version);
  out_note("%s " BYTES_FMT ", %s", u->name, BYTES_ARG(version), u->alg);
}
