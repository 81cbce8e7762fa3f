/*
 * What a client reads of others: what a file's header calls a key; and a member out of an answer's
 * text. Whatever jansson takes for an object, this takes too, and finds the same text; but for
 * NULs, which jansson passes over behind a number.
 */
#include "client/field.h"
#include "client/use.h"
#include "start.h"

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_others(struct bytes text) {
  AUTO_BUF b = BUF_EMPTY;
  AUTO_SECRET s = { 0 };
  char room[32];
  uint64_t number;
  bool yes;
  struct key_name k;
  char key[600];
  if (bytes_to_cstr(text, key, sizeof key) == OK && key_name_parse(key, &k) == OK &&
      (!*k.name || strlen(k.name) >= sizeof k.name || strlen(k.version) >= sizeof k.version))
    abort();
  IGNORE(field_b64url(text, "value", &b));
  IGNORE(field_secret_b64url(text, "value", &s));
  IGNORE(field_string(text, "value", room, sizeof room));
  IGNORE(field_number(text, "value", &number, &yes));
  IGNORE(field_bool(text, "value", &yes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool begun;
  AUTO_JSON *j = NULL;
  AUTO_SECRET s = { 0 };
  struct bytes text = bytes_of(data, size), seen = { 0 };
  if (!begun && !(begun = fuzz_start_crypto()))
    abort();
  err_t e = field_secret(text, "value", &s);
  if (!memchr(data, 0, size) && json_read(text, &j) == OK &&
      json_is_string(json_object_get(j, "value"))) {
    IGNORE(json_get_str(j, "value", &seen, NULL));
    if (e != OK || !bytes_equal(seen, secret_bytes(&s)))
      abort();
  }
  use_others(text);
  return 0;
}
