/*
 * Reading JSON (jansson underneath). json_read() refuses what lenient parsers take: duplicate
 * names, trailing bytes, NULs in strings, numbers out of range, nesting deeper than 32. Field
 * getters say which property is wrong, as the API does. A document owns its strings; it is wiped
 * when released (base/mem.h).
 *
 * Writing JSON is in base/write.h.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/bytes.h"

#include <jansson.h>

static inline void json_cleanup(json_t **j) {
  json_decref(*j);
}
#define AUTO_JSON __attribute__((cleanup(json_cleanup))) json_t

/* Reads one document of at most 4 MiB and some thousand values; the top must be an object. */
err_t json_read(struct bytes text, json_t **out);
/* The same for the answer of a service that was asked: of any number of values. */
err_t json_read_answer(struct bytes text, json_t **out);

/*
 * Getters: a field that is absent or null leaves *out as it is and sets *found (may be NULL) false;
 * one of the wrong type is REFUSEd with ERR_BAD_PARAMETER naming the field. Views borrow the
 * document.
 */
err_t json_get_str(json_t *o, const char *field, struct bytes *out, bool *found);
err_t json_get_i64(json_t *o, const char *field, int64_t *out, bool *found);
err_t json_get_bool(json_t *o, const char *field, bool *out, bool *found);
err_t json_get_object(json_t *o, const char *field, json_t **out); /* borrowed; NULL when absent */
err_t json_get_array(json_t *o, const char *field, json_t **out);
/* A base64url field appended to out; ERR_BAD_PARAMETER when it is not base64url. */
err_t json_get_b64url(json_t *o, const char *field, struct buf *out, bool *found);

#endif
