#include "base/json.h"

#include "base/codec.h"

#include <limits.h>

#define JSON_MAX (32u * 1024 * 1024) /* a backup of a key with many versions */
#define JSON_DEPTH 32
#define JSON_ALLOCATIONS 10000 /* a small value takes twenty times the memory of its text */

static bool too_deep(const json_t *j, int depth) {
  if (depth > JSON_DEPTH)
    return true;
  size_t i;
  const char *k;
  json_t *v;
  if (json_is_array(j))
    json_array_foreach(j, i, v) if (too_deep(v, depth + 1)) return true;
  if (json_is_object(j))
    json_object_foreach((json_t *)j, k, v) if (too_deep(v, depth + 1)) return true;
  return false;
}

/*
 * jansson does not look whether the buffer of its current token could grow: when that allocation
 * fails, it drops a byte of the text or runs past the end of a string. So while a document is read,
 * the first allocation that fails is served from a reserve that any token fits into, and the text
 * ends there: it is handed over byte by byte, and the parser stops at the next one.
 */
struct reading {
  struct bytes rest;
  void *reserve;
  size_t reserve_size;
  bool out_of_memory;
  unsigned allocations; /* that are left: after the last one the text ends */
};
static _Thread_local struct reading *reading;

static void *json_alloc(size_t n) {
  void *p = mem_alloc(n);
  if (reading && reading->allocations)
    reading->allocations--;
  if (p || !reading || reading->out_of_memory)
    return p;
  reading->out_of_memory = true;
  return n <= reading->reserve_size ? TAKE(reading->reserve) : NULL;
}

void mem_install_json(void) {
  json_set_alloc_funcs(json_alloc, mem_free);
}

static size_t next_byte(void *out, size_t room, void *ctx) {
  struct reading *r = ctx;
  if (r->out_of_memory || r->allocations == 0 || r->rest.size == 0)
    return 0;
  *(uint8_t *)out = r->rest.data[0];
  r->rest = bytes_of(r->rest.data + 1, r->rest.size - 1);
  return 1;
}

static err_t read_document(struct bytes text, unsigned allocations, json_t **out) {
  if (text.size > JSON_MAX)
    return ERR_TOO_LARGE;
  /* A token buffer of n bytes becomes one of max(32, 2n). */
  struct reading r = { .rest = text,
                       .reserve_size = 2 * text.size + 32,
                       .allocations = allocations };
  if (!(r.reserve = mem_alloc(r.reserve_size)))
    return ERR_NOMEM;
  json_error_t e;
  reading = &r;
  AUTO_JSON *j = json_load_callback(next_byte, &r, JSON_REJECT_DUPLICATES, &e);
  reading = NULL;
  mem_free(r.reserve);
  if (r.out_of_memory)
    return ERR_NOMEM;
  if (r.allocations == 0)
    REFUSE(ERR_BAD_PARAMETER, "The request body has too many values.");
  if (!j)
    REFUSE(ERR_BAD_PARAMETER, "The request body is not valid JSON (line %d, column %d).", e.line,
           e.column);
  if (!json_is_object(j) || too_deep(j, 0))
    REFUSE(ERR_BAD_PARAMETER, "The request body must be a JSON object.");
  *out = TAKE(j);
  return OK;
}

err_t json_read(struct bytes text, json_t **out) {
  return read_document(text, JSON_ALLOCATIONS, out);
}

err_t json_read_answer(struct bytes text, json_t **out) {
  return read_document(text, UINT_MAX, out);
}

static json_t *field_of(json_t *o, const char *field, bool *found) {
  json_t *v = json_object_get(o, field);
  if (json_is_null(v))
    v = NULL;
  if (found)
    *found = v != NULL;
  return v;
}

#define WRONG_TYPE(field, what) \
  REFUSE(ERR_BAD_PARAMETER, "Property %s has invalid value: %s expected\r\n", field, what)

err_t json_get_str(json_t *o, const char *field, struct bytes *out, bool *found) {
  json_t *v = field_of(o, field, found);
  if (!v)
    return OK;
  if (!json_is_string(v))
    WRONG_TYPE(field, "a string");
  *out = bytes_of(json_string_value(v), json_string_length(v));
  return OK;
}

err_t json_get_i64(json_t *o, const char *field, int64_t *out, bool *found) {
  json_t *v = field_of(o, field, found);
  if (!v)
    return OK;
  if (!json_is_integer(v))
    WRONG_TYPE(field, "an integer");
  *out = json_integer_value(v);
  return OK;
}

err_t json_get_bool(json_t *o, const char *field, bool *out, bool *found) {
  json_t *v = field_of(o, field, found);
  if (!v)
    return OK;
  if (!json_is_boolean(v))
    WRONG_TYPE(field, "a boolean");
  *out = json_is_true(v);
  return OK;
}

err_t json_get_object(json_t *o, const char *field, json_t **out) {
  json_t *v = field_of(o, field, NULL);
  if (v && !json_is_object(v))
    WRONG_TYPE(field, "an object");
  *out = v;
  return OK;
}

err_t json_get_array(json_t *o, const char *field, json_t **out) {
  json_t *v = field_of(o, field, NULL);
  if (v && !json_is_array(v))
    WRONG_TYPE(field, "an array");
  *out = v;
  return OK;
}

err_t json_get_b64url(json_t *o, const char *field, struct buf *out, bool *found) {
  struct bytes text = { 0 };
  bool there = false;
  TRY(json_get_str(o, field, &text, &there));
  if (found)
    *found = there;
  if (!there)
    return OK;
  err_t e = buf_put_b64url_decoded(out, text);
  if (e == ERR_BAD_PARAMETER)
    REFUSE(ERR_BAD_PARAMETER,
           "Property %s has invalid value: base64url without padding expected\r\n", field);
  return e;
}
