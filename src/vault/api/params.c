/*
 * The bodies of create, import and update, as struct key_request. JSON texts that are kept (tags,
 * release policy) are appended to texts; the request's views are set once texts no longer grows.
 */
#include "vault/api/api.h"
#include "vault/key_names.h"

#define TAG_TEXT_MAX 256
#define RELEASE_MAX 16384

static err_t read_size(json_t *o, struct key_spec *spec) {
  int64_t size = spec->type == KEY_RSA ? 2048 : 256, exponent = 0;
  bool sized = false;
  TRY(json_get_i64(o, "key_size", &size, &sized));
  TRY(json_get_i64(o, "public_exponent", &exponent, NULL));
  if (spec->type == KEY_EC) {
    if (sized && size != spec->bits)
      REFUSE(ERR_BAD_PARAMETER, "Unsupported key size (%lld). Supported sizes are [256, 384, 521]",
             (long long)size);
    return OK;
  }
  if (size < 0 || size > UINT32_MAX || exponent < 0 || exponent > UINT32_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property key_size or public_exponent is out of range\r\n");
  spec->bits = (unsigned)size;
  spec->exponent = (uint32_t)exponent;
  return OK;
}

static err_t read_ops(json_t *o, struct key_request *rq) {
  json_t *list = NULL, *item;
  size_t i;
  TRY(json_get_array(o, "key_ops", &list));
  rq->has_ops = list != NULL;
  json_array_foreach(list, i, item) {
    enum key_op op;
    if (!json_is_string(item) ||
        !key_op_parse(bytes_of(json_string_value(item), json_string_length(item)), &op))
      REFUSE(ERR_BAD_PARAMETER,
             "Property key_ops has invalid value: encrypt, decrypt, sign, verify, wrapKey, "
             "unwrapKey, import or export expected\r\n");
    rq->ops |= 1u << op;
  }
  return OK;
}

static err_t read_attributes(json_t *o, struct object_request *rq) {
  json_t *a = NULL;
  TRY(json_get_object(o, "attributes", &a));
  if (!a)
    return OK;
  TRY(json_get_bool(a, "enabled", &rq->enabled, &rq->has_enabled));
  TRY(json_get_i64(a, "nbf", &rq->nbf, &rq->has_nbf));
  TRY(json_get_i64(a, "exp", &rq->exp, &rq->has_exp));
  if ((rq->has_nbf && (rq->nbf < 0 || rq->nbf > OBJECT_TIME_MAX)) ||
      (rq->has_exp && (rq->exp < 0 || rq->exp > OBJECT_TIME_MAX)))
    REFUSE(ERR_BAD_PARAMETER,
           "Properties nbf and exp must be Unix times in seconds, up to the year 9999\r\n");
  return OK;
}

static err_t read_exportable(json_t *o, struct key_request *rq) {
  json_t *a = NULL;
  TRY(json_get_object(o, "attributes", &a));
  return a ? json_get_bool(a, "exportable", &rq->exportable, &rq->has_exportable) : OK;
}

/* Appends the JSON text of a value. */
static err_t put_json(const json_t *j, struct buf *out) {
  size_t n = json_dumpb(j, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
  if (!buf_reserve(out, n + 1))
    return ERR_NOMEM;
  out->size += json_dumpb(j, (char *)out->data + out->size, n, JSON_COMPACT | JSON_ENCODE_ANY);
  return OK;
}

static err_t read_tags(json_t *o, struct object_request *rq, struct buf *texts) {
  json_t *tags = NULL, *value;
  const char *key;
  TRY(json_get_object(o, "tags", &tags));
  if (!tags)
    return OK;
  if (json_object_size(tags) > OBJECT_TAGS_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property tags has invalid value: at most %d tags\r\n",
           OBJECT_TAGS_MAX);
  json_object_foreach(tags, key, value) {
    if (!json_is_string(value) || strlen(key) > TAG_TEXT_MAX ||
        json_string_length(value) > TAG_TEXT_MAX)
      REFUSE(ERR_BAD_PARAMETER,
             "Property tags has invalid value: names and values are strings of at most %d "
             "characters\r\n",
             TAG_TEXT_MAX);
  }
  rq->has_tags = true;
  TRY(put_json(tags, texts));
  if (texts->size > OBJECT_TAGS_SIZE_MAX) /* most of them are control characters, \u0001 */
    REFUSE(ERR_BAD_PARAMETER, "Property tags has invalid value: at most %d bytes as JSON\r\n",
           OBJECT_TAGS_SIZE_MAX);
  return OK;
}

static err_t read_release(json_t *o, struct key_request *rq, struct buf *texts) {
  json_t *policy = NULL;
  bool found = false;
  AUTO_BUF data = BUF_EMPTY;
  AUTO_JSON *parsed = NULL;
  TRY(json_get_object(o, "release_policy", &policy));
  if (!policy)
    return OK;
  TRY(json_get_b64url(policy, "data", &data, &found));
  TRY(json_get_bool(policy, "immutable", &rq->release_immutable, NULL));
  if (!found || data.size > RELEASE_MAX || json_read(buf_bytes(&data), &parsed) != OK)
    REFUSE(ERR_BAD_PARAMETER,
           "Property release_policy has invalid value: data must be a JSON policy, base64url "
           "encoded\r\n");
  rq->has_release = true;
  size_t before = texts->size;
  TRY(put_json(policy, texts));
  if (texts->size - before > KEY_RELEASE_SIZE_MAX)
    REFUSE(ERR_BAD_PARAMETER, "Property release_policy has invalid value: at most %d bytes\r\n",
           KEY_RELEASE_SIZE_MAX);
  return OK;
}

err_t params_common(json_t *body, struct object_request *rq, struct buf *texts) {
  TRY(read_attributes(body, rq));
  return read_tags(body, rq, texts);
}

static err_t read_common(json_t *body, struct key_request *rq, struct buf *texts) {
  TRY(params_common(body, &rq->base, texts));
  TRY(read_exportable(body, rq));
  size_t tags = texts->size;
  TRY(read_release(body, rq, texts));
  if (rq->base.has_tags)
    rq->base.tags = bytes_of(texts->data, tags);
  if (rq->has_release)
    rq->release = bytes_of(texts->data + tags, texts->size - tags);
  return OK;
}

/* Creating with an empty list of operations means the type's usual ones, as clients that always
 * send the list expect. */
static void empty_ops_are_default(struct key_request *rq) {
  rq->has_ops = rq->has_ops && rq->ops != 0;
}

err_t params_create(json_t *body, struct key_request *rq, struct buf *texts) {
  TRY(kty_read(body, &rq->spec.type, &rq->hsm));
  if (rq->spec.type == KEY_EC)
    TRY(curve_read(body, &rq->spec));
  TRY(read_size(body, &rq->spec));
  TRY(read_ops(body, rq));
  empty_ops_are_default(rq);
  return read_common(body, rq, texts);
}

err_t params_import(json_t *body, struct key_request *rq, struct buf *texts, struct key **key) {
  json_t *jwk = NULL;
  bool hsm = false;
  TRY(json_get_object(body, "key", &jwk));
  if (!jwk)
    REFUSE(ERR_BAD_PARAMETER, "Property key is required: a JSON web key\r\n");
  TRY(kty_read(jwk, &rq->spec.type, &rq->hsm));
  TRY(json_get_bool(body, "Hsm", &hsm, NULL));
  rq->hsm = rq->hsm || hsm;
  TRY(read_ops(jwk, rq));
  empty_ops_are_default(rq);
  TRY(read_common(body, rq, texts));
  return key_from_jwk(jwk, key);
}

err_t params_update(json_t *body, struct key_request *rq, struct buf *texts) {
  TRY(read_ops(body, rq));
  TRY(read_common(body, rq, texts));
  rq->has_exportable = false; /* fixed at creation */
  return OK;
}
