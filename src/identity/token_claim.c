/* Claims of a JWT (RFC 7519). */
#include "identity/internal.h"

#define TIME_MAX (1LL << 52) /* exact in a double */

bool claim_str(const json_t *claims, const char *name, char *out, size_t size) {
  const json_t *v = json_object_get(claims, name);
  return json_is_string(v) && json_string_length(v) > 0 &&
         bytes_to_cstr(bytes_of(json_string_value(v), json_string_length(v)), out, size) == OK;
}

/* A NumericDate may have a fraction. */
bool claim_time(const json_t *claims, const char *name, int64_t *out) {
  const json_t *v = json_object_get(claims, name);
  if (!json_is_number(v))
    return false;
  double seconds = json_number_value(v);
  if (!(seconds >= 0 && seconds < (double)TIME_MAX))
    return false;
  *out = (int64_t)seconds;
  return true;
}
