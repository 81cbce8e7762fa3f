#include "vectors.h"

#include <stdio.h>

static enum outcome open_key(struct vector *v) {
  return vector_outcome(key_import(KEY_OCT, vector_hex(v->test, "key"), &v->key));
}

/* alg has a %u for the size of the key, or none. */
static const struct alg *alg_of(struct vector *v) {
  char name[32];
  const char *rest = strchr(v->alg, '*');
  if (!rest)
    return alg_find(bytes_str(v->alg));
  (void)snprintf(name, sizeof name, "%.*s%u%s", (int)(rest - v->alg), v->alg,
                 key_spec(v->key)->bits, rest + 1);
  return alg_find(bytes_str(name));
}

static bool is_valid(struct vector *v) {
  return strcmp(vector_str(v->test, "result"), "valid") == 0;
}

static enum outcome with_key(struct vector *v, enum outcome (*run)(struct vector *v)) {
  if (open_key(v) != ACCEPTED)
    return vector_skip(v, "no key has this size");
  enum outcome o = run(v);
  key_free(TAKE(v->key));
  return o;
}

static enum outcome unwrap(struct vector *v) {
  AUTO_BUF plain = BUF_EMPTY, wrapped = BUF_EMPTY;
  struct bytes message = vector_hex(v->test, "msg"), text = vector_hex(v->test, "ct");
  if (is_valid(v) && (alg_wrap(alg_of(v), v->key, message, &wrapped) != OK ||
                      vector_same(buf_bytes(&wrapped), text) != ACCEPTED))
    return WRONG;
  err_t e = alg_unwrap(alg_of(v), v->key, text, &plain);
  return e != OK ? vector_outcome(e) : vector_same(buf_bytes(&plain), message);
}

static enum outcome run_wrap(struct vector *v) {
  return with_key(v, unwrap);
}

const struct family family_wrap = { NULL, run_wrap };

static enum outcome decrypt_gcm(struct vector *v) {
  AUTO_BUF plain = BUF_EMPTY;
  struct alg_io io = { .in = vector_hex(v->test, "ct"),
                       .iv = vector_hex(v->test, "iv"),
                       .aad = vector_hex(v->test, "aad"),
                       .tag = vector_hex(v->test, "tag"),
                       .out = &plain };
  err_t e = alg_decrypt(alg_of(v), v->key, &io);
  return e != OK ? vector_outcome(e) : vector_same(buf_bytes(&plain), vector_hex(v->test, "msg"));
}

static enum outcome run_gcm(struct vector *v) {
  size_t iv = vector_hex(v->test, "iv").size;
  if (iv != 12 && iv != 16)
    return vector_skip(v, "the iv is not of 12 or 16 bytes");
  return with_key(v, decrypt_gcm);
}

const struct family family_gcm = { NULL, run_gcm };

static enum outcome encrypt_and_decrypt(struct vector *v) {
  AUTO_BUF plain = BUF_EMPTY, text = BUF_EMPTY;
  struct bytes iv = vector_hex(v->test, "iv"), message = vector_hex(v->test, "msg");
  struct alg_io forth = { .in = message, .iv = iv, .out = &text };
  struct alg_io back = { .in = vector_hex(v->test, "ct"), .iv = iv, .out = &plain };
  if (is_valid(v) && (alg_encrypt(alg_of(v), v->key, &forth) != OK ||
                      vector_same(buf_bytes(&text), back.in) != ACCEPTED))
    return WRONG;
  err_t e = alg_decrypt(alg_of(v), v->key, &back);
  return e != OK ? vector_outcome(e) : vector_same(buf_bytes(&plain), message);
}

static enum outcome run_cbc(struct vector *v) {
  return with_key(v, encrypt_and_decrypt);
}

const struct family family_cbc = { NULL, run_cbc };

static enum outcome verify_mac(struct vector *v) {
  bool valid = false;
  struct bytes message = vector_hex(v->test, "msg"), tag = vector_hex(v->test, "tag");
  err_t e = alg_verify(alg_of(v), v->key, message, tag, &valid);
  if (e == ERR_BAD_PARAMETER)
    return vector_skip(v, "the message is not of the digest's size");
  return e != OK ? WRONG : valid ? ACCEPTED : REJECTED;
}

static enum outcome run_hmac(struct vector *v) {
  char whole[16];
  (void)snprintf(whole, sizeof whole, "HS%lld",
                 json_integer_value(json_object_get(v->group, "tagSize")));
  if (strcmp(whole, v->alg) != 0)
    return vector_skip(v, "tags are not cut");
  return with_key(v, verify_mac);
}

const struct family family_hmac = { NULL, run_hmac };
