/* Objects as the API shows them, in the field order of the service. */
#include "base/codec.h"
#include "base/write.h"
#include "vault/api/api.h"
#include "vault/key_names.h"
#include "vault/secrets.h"

static void write_id(struct call *c, const char *key, const char *collection,
                     const struct version *v, bool with_version) {
  struct buf *b = call_body(c);
  write_open(b, key, '"');
  call_put_id(c, b, collection, v->name, "");
  if (with_version) {
    buf_put_char(b, '/');
    buf_put_str(b, v->id);
  }
  buf_put_char(b, '"');
}

static void write_key(struct call *c, const struct key_version *kv) {
  struct buf *b = call_body(c);
  struct bytes members = key_version_public(kv);
  write_open(b, "key", '{');
  write_id(c, "kid", "keys", &kv->base, true);
  write_str(b, "kty", kty_name(kv->spec.type, kv->hsm));
  write_open(b, "key_ops", '[');
  for (unsigned op = 0; op < OP_COUNT; op++)
    if (kv->ops & 1u << op)
      write_str(b, NULL, key_op_name((enum key_op)op));
  write_close(b, ']');
  if (members.size) {
    buf_put_char(b, ',');
    buf_put_bytes(b, members);
  }
  write_close(b, '}');
}

static void write_recovery(struct call *c) {
  struct buf *b = call_body(c);
  write_str(b, "recoveryLevel", vault_recovery_level(c->vault));
  write_i64(b, "recoverableDays", vault_retention_days(c->vault));
}

static void write_attributes(struct call *c, const struct version *v, bool recovery) {
  struct buf *b = call_body(c);
  const struct attributes *a = &v->attributes;
  const struct key_version *kv = v->kind == KIND_KEY ? key_version_of(v) : NULL;
  write_open(b, "attributes", '{');
  write_bool(b, "enabled", a->enabled);
  if (a->has_nbf)
    write_i64(b, "nbf", a->nbf);
  if (a->has_exp)
    write_i64(b, "exp", a->exp);
  write_i64(b, "created", a->created);
  write_i64(b, "updated", a->updated);
  if (recovery)
    write_recovery(c);
  if (kv && kv->has_exportable)
    write_bool(b, "exportable", kv->exportable);
  if (kv && api_version_newer(c))
    write_str(b, "hsmPlatform", "0"); /* software */
  write_close(b, '}');
}

/* A JSON text that is kept as it came. */
static void write_raw(struct buf *b, const char *key, struct bytes json) {
  if (json.size == 0)
    return;
  buf_put_str(b, ",\"");
  buf_put_str(b, key);
  buf_put_str(b, "\":");
  buf_put_bytes(b, json);
}

static void write_rest(struct call *c, const struct version *v) {
  write_attributes(c, v, true);
  write_raw(call_body(c), "tags", buf_bytes(&v->tags));
}

static void write_type(struct call *c, const struct version *v) {
  const struct secret_version *s = secret_version_of(v);
  if (s->has_type)
    write_text(call_body(c), "contentType", buf_bytes(&s->type));
}

static void write_deletion(struct call *c, const struct deleted *d) {
  static const char *const collections[KINDS] = {
    [KIND_KEY] = "deletedkeys",
    [KIND_SECRET] = "deletedsecrets",
    [KIND_CERTIFICATE] = "deletedcertificates",
  };
  struct buf *b = call_body(c);
  write_id(c, "recoveryId", collections[d->latest->kind], d->latest, false);
  write_i64(b, "deletedDate", d->deleted);
  write_i64(b, "scheduledPurgeDate", d->purge);
}

static void write_managed(struct call *c, const struct version *v) {
  if (v->managed)
    write_bool(call_body(c), "managed", true);
}

static void write_secret(struct call *c, const struct version *v, bool with_version) {
  write_type(c, v);
  write_id(c, "id", "secrets", v, with_version);
  write_managed(c, v);
  write_rest(c, v);
}

/* The key of a certificate's secret. */
static void write_key_id(struct call *c, const struct version *v) {
  if (v->managed)
    write_id(c, "kid", "keys", v, true);
}

static void write_thumbprint(struct call *c, const struct buf *cer) {
  struct buf *b = call_body(c);
  uint8_t sha1[SHA1_SIZE];
  if (crypto_sha1(buf_bytes(cer), sha1) == OK)
    write_b64url(b, "x5t", bytes_of(sha1, sizeof sha1));
  else
    b->failed = true;
}

static void write_certificate(struct call *c, const struct version *v) {
  struct buf *b = call_body(c);
  const struct buf *cer = &certificate_version_of(v)->cer;
  write_id(c, "id", "certificates", v, true);
  if (cer->size) {
    write_id(c, "kid", "keys", v, true);
    write_id(c, "sid", "secrets", v, true);
    write_thumbprint(c, cer);
    write_open(b, "cer", '"');
    buf_put_b64(b, buf_bytes(cer));
    buf_put_char(b, '"');
  }
  write_rest(c, v);
  certificate_write_state(c, v);
}

void bundle_write(struct call *c, const struct version *v, const struct deleted *d) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  if (d)
    write_deletion(c, d);
  if (v->kind == KIND_SECRET) {
    write_secret(c, v, true);
    write_key_id(c, v);
  } else if (v->kind == KIND_CERTIFICATE) {
    write_certificate(c, v);
  } else {
    write_key(c, key_version_of(v));
    write_rest(c, v);
    write_managed(c, v);
    write_raw(b, "release_policy", buf_bytes(&key_version_of(v)->release));
  }
  write_close(b, '}');
}

void bundle_write_secret(struct call *c, const struct version *v, struct bytes value) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  write_text(b, "value", value);
  write_secret(c, v, true);
  write_key_id(c, v);
  write_close(b, '}');
}

static void write_certificate_item(struct call *c, const struct version *v, bool with_version,
                                   bool is_deleted) {
  struct buf *b = call_body(c);
  const struct buf *cer = &certificate_version_of(v)->cer;
  write_id(c, "id", "certificates", v, with_version);
  if (cer->size)
    write_thumbprint(c, cer);
  write_attributes(c, v, is_deleted);
  write_raw(b, "tags", buf_bytes(&v->tags));
  if (!is_deleted)
    write_str(b, "subject", ""); /* the service leaves it empty */
}

void bundle_write_item(struct call *c, const struct version *v, bool with_version,
                       const struct deleted *d) {
  struct buf *b = call_body(c);
  write_open(b, NULL, '{');
  if (d)
    write_deletion(c, d);
  if (v->kind == KIND_SECRET) {
    write_secret(c, v, with_version);
  } else if (v->kind == KIND_CERTIFICATE) {
    write_certificate_item(c, v, with_version, d != NULL);
  } else {
    write_id(c, "kid", "keys", v, with_version);
    write_rest(c, v);
    write_managed(c, v);
  }
  write_close(b, '}');
}
