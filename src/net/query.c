/* Percent-encoding, query strings and forms. */
#include "base/codec.h"
#include "net/http.h"

/* The next character of text, decoded; ERR_BAD_PARAMETER for a bad escape or NUL. */
static err_t next_char(struct bytes *text, bool plus_is_blank, char *out) {
  uint8_t c = text->data[0];
  size_t used = 1;
  if (c == '+' && plus_is_blank) {
    c = ' ';
  } else if (c == '%') {
    int high = text->size > 2 ? hex_digit(text->data[1]) : -1;
    int low = text->size > 2 ? hex_digit(text->data[2]) : -1;
    if (high < 0 || low < 0)
      FAIL(ERR_BAD_PARAMETER, "malformed escape");
    c = (uint8_t)(high << 4 | low);
    used = 3;
  }
  if (c == 0)
    FAIL(ERR_BAD_PARAMETER, "NUL");
  *text = bytes_of(text->data + used, text->size - used);
  *out = (char)c;
  return OK;
}

static err_t unescape(struct bytes text, bool plus_is_blank, char *out, size_t size) {
  size_t n = 0;
  while (text.size) {
    char c;
    TRY(next_char(&text, plus_is_blank, &c));
    if (n + 1 >= size)
      FAIL(ERR_BAD_PARAMETER, "a value of more than %zu bytes", size - 1);
    out[n++] = c;
  }
  out[n] = '\0';
  return OK;
}

err_t http_unescape(struct bytes text, char *out, size_t size) {
  return unescape(text, false, out, size);
}

static err_t is_named(struct bytes text, bool plus_is_blank, const char *name, bool *same) {
  *same = false;
  while (text.size) {
    char c;
    TRY(next_char(&text, plus_is_blank, &c));
    if (*name == '\0' || *name++ != c)
      return OK;
  }
  *same = *name == '\0';
  return OK;
}

static err_t find(struct bytes list, bool plus_is_blank, const char *name, char *out, size_t size,
                  bool *found) {
  bool seen = false;
  while (list.size) {
    struct bytes pair, key;
    bool same;
    list = bytes_split(list, '&', &pair);
    struct bytes value = bytes_split(pair, '=', &key);
    TRY(is_named(key, plus_is_blank, name, &same));
    if (!same)
      continue;
    if (seen)
      FAIL(ERR_BAD_PARAMETER, "'%s' comes twice", name);
    TRY(unescape(value, plus_is_blank, out, size));
    seen = true;
  }
  *found = seen;
  return OK;
}

err_t http_query_get(struct bytes query, const char *name, char *out, size_t size, bool *found) {
  return find(query, false, name, out, size, found);
}

err_t http_form_get(struct bytes body, const char *name, char *out, size_t size, bool *found) {
  return find(body, true, name, out, size, found);
}
