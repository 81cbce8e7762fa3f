/* Cryptographic operations and random bytes. */
#include "base/write.h"
#include "vault/api/api.h"

/* The binary fields of a request's body, decoded one after the other into one buffer. */
struct fields {
  struct buf data;
  struct bytes value, digest, iv, aad, tag;
};

static void fields_free(struct fields *f) {
  buf_free(&f->data);
}

static const struct {
  const char *name;
  size_t offset;
} field_names[] = {
  { "value", offsetof(struct fields, value) }, { "digest", offsetof(struct fields, digest) },
  { "iv", offsetof(struct fields, iv) },       { "aad", offsetof(struct fields, aad) },
  { "tag", offsetof(struct fields, tag) },
};
#define FIELD_COUNT (sizeof field_names / sizeof *field_names)

static err_t read_fields(json_t *body, struct fields *f) {
  size_t from[FIELD_COUNT + 1];
  bool found[FIELD_COUNT];
  for (size_t i = 0; i < FIELD_COUNT; i++) {
    from[i] = f->data.size;
    TRY(json_get_b64url(body, field_names[i].name, &f->data, &found[i]));
  }
  from[FIELD_COUNT] = f->data.size;
  for (size_t i = 0; i < FIELD_COUNT; i++)
    *(struct bytes *)((char *)f + field_names[i].offset) =
      bytes_of(f->data.data + from[i], from[i + 1] - from[i]);
  if (!found[0])
    REFUSE(ERR_BAD_PARAMETER, "Property value is required\r\n");
  return OK;
}

static void write_kid(struct call *c, const struct key_use *u) {
  struct buf *b = call_body(c);
  write_open(b, "kid", '"');
  buf_put_str(b, "https://");
  buf_put_bytes(b, call_host(c));
  buf_put_str(b, "/keys/");
  buf_put_str(b, u->name);
  buf_put_char(b, '/');
  buf_put_str(b, u->version_id);
  buf_put_char(b, '"');
}

static void write_result(struct call *c, const struct key_use *u) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  if (u->op == OP_VERIFY) {
    write_bool(b, "value", u->valid);
  } else {
    write_kid(c, u);
    write_b64url(b, "value", buf_bytes(&u->out));
    if (u->io.iv_out_size)
      write_b64url(b, "iv", bytes_of(u->io.iv_out, u->io.iv_out_size));
    if (u->io.tag_out_size)
      write_b64url(b, "tag", bytes_of(u->io.tag_out, u->io.tag_out_size));
    if (u->io.tag_out_size && u->aad.size)
      write_b64url(b, "aad", u->aad);
  }
  write_close(b, '}');
}

static err_t use(struct call *c, enum key_op op) {
  AUTO_JSON *body = NULL;
  __attribute__((cleanup(fields_free))) struct fields f = { 0 };
  __attribute__((cleanup(key_use_free))) struct key_use u = { .op = op };
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "alg", &u.alg, NULL));
  TRY(read_fields(body, &f));
  u.value = f.value;
  u.digest = f.digest;
  u.iv = f.iv;
  u.aad = f.aad;
  u.tag = f.tag;
  err_t e = keys_use(c->vault, c->name, c->version, &u);
  if (u.version_id[0])
    call_used(c, u.name, u.version_id);
  TRY(e);
  write_result(c, &u);
  return OK;
}

err_t keys_encrypt(struct call *c) {
  return use(c, OP_ENCRYPT);
}

err_t keys_decrypt(struct call *c) {
  return use(c, OP_DECRYPT);
}

err_t keys_wrap(struct call *c) {
  return use(c, OP_WRAP);
}

err_t keys_unwrap(struct call *c) {
  return use(c, OP_UNWRAP);
}

err_t keys_sign(struct call *c) {
  return use(c, OP_SIGN);
}

err_t keys_verify(struct call *c) {
  return use(c, OP_VERIFY);
}

#define RNG_MAX 128

err_t rng_post(struct call *c) {
  AUTO_JSON *body = NULL;
  int64_t count = 0;
  uint8_t random[RNG_MAX];
  TRY(call_json(c, &body));
  TRY(json_get_i64(body, "count", &count, NULL));
  if (count < 1 || count > RNG_MAX)
    REFUSE(ERR_BAD_PARAMETER,
           "GetRandomBytesRequest: count cannot be greater than 128 or less than 1");
  TRY(crypto_random(random, (size_t)count));
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_b64url(b, "value", bytes_of(random, (size_t)count));
  write_close(b, '}');
  explicit_bzero(random, sizeof random);
  return OK;
}
