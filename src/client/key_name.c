#include "client/key_name.h"

#include <strings.h>

/* The service's names are of letters, digits and '-'. */
static bool plain(struct bytes t, size_t max, bool dash) {
  if (t.size == 0 || t.size > max)
    return false;
  for (size_t i = 0; i < t.size; i++) {
    uint8_t c = t.data[i], lower = c | 0x20;
    if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') && !(dash && c == '-'))
      return false;
  }
  return true;
}

/* What is behind "https://host/keys/"; *host is empty when it is no id. data NULL: it starts as one
 * and is none. */
static struct bytes split_id(struct bytes key, struct bytes *host) {
  static const char scheme[] = "https://";
  size_t n = sizeof scheme - 1;
  struct bytes collection;
  *host = bytes_str("");
  if (key.size < n || strncasecmp((const char *)key.data, scheme, n) != 0)
    return key;
  key = bytes_split(bytes_of(key.data + n, key.size - n), '/', host);
  key = bytes_split(key, '/', &collection);
  bool good = host->size && bytes_equal_nocase(collection, "keys");
  return good ? key : (struct bytes){ 0 };
}

err_t key_name_parse(const char *key, struct key_name *out) {
  struct bytes host, name, rest = split_id(bytes_str(key), &host);
  struct bytes version = bytes_split(rest, '/', &name);
  if (!rest.data || !plain(name, sizeof out->name - 1, true) ||
      (version.data && !plain(version, sizeof out->version - 1, false)))
    REFUSE(ERR_BAD_PARAMETER,
           "'%.160s' is not a key: NAME, NAME/VERSION or https://HOST/keys/NAME/VERSION expected",
           key);
  struct key_name k = { 0 };
  TRY(bytes_to_cstr(name, k.name, sizeof k.name));
  TRY(bytes_to_cstr(version, k.version, sizeof k.version));
  *out = k;
  return OK;
}

struct bytes key_name_host(const char *key) {
  struct bytes host;
  (void)split_id(bytes_str(key), &host);
  return host;
}
