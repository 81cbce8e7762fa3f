/* Errors: err_t and the thread's details of it become a status and a struct sr_error. */
#include "lib/lib.h"

_Static_assert(sizeof((struct sr_error){ 0 }.code) == sizeof((struct err_last){ 0 }.answer),
               "the code is copied");

#include <stdio.h>

/* text: where nobody said more. */
static const struct {
  const char *name, *text;
} statuses[] = {
  [SR_OK] = { "SR_OK", "" },
  [SR_BAD_ARGUMENT] = { "SR_BAD_ARGUMENT", "An argument makes no sense." },
  [SR_CONFIG] = { "SR_CONFIG", "The options are not complete." },
  [SR_NO_MEMORY] = { "SR_NO_MEMORY", "Out of memory." },
  [SR_AWAY] = { "SR_AWAY", "The vault does not answer." },
  [SR_UNAUTHORIZED] = { "SR_UNAUTHORIZED", "The vault does not know this identity." },
  [SR_FORBIDDEN] = { "SR_FORBIDDEN", "The vault does not allow it." },
  [SR_NOT_FOUND] = { "SR_NOT_FOUND", "There is no such object in the vault." },
  [SR_CONFLICT] = { "SR_CONFLICT", "The object's state does not allow it at present." },
  [SR_TIMEOUT] = { "SR_TIMEOUT", "It was not done in time." },
  [SR_BAD_SIGNATURE] = { "SR_BAD_SIGNATURE",
                         "It is not the signature of this digest by this key." },
  [SR_NOT_SEALED] = { "SR_NOT_SEALED", "This is not sealed data." },
  [SR_TRUNCATED] = { "SR_TRUNCATED", "The end of the sealed data is missing." },
  [SR_DAMAGED] = { "SR_DAMAGED", "The sealed data was changed." },
  [SR_WRONG_KEY] = { "SR_WRONG_KEY", "It was sealed under another key, or as something else." },
  [SR_INPUT] = { "SR_INPUT", "Reading failed." },
  [SR_OUTPUT] = { "SR_OUTPUT", "Writing failed." },
  [SR_STOPPED] = { "SR_STOPPED", "Stopped." },
  [SR_INTERNAL] = { "SR_INTERNAL", "A defect in the library or the vault." },
};

const char *sr_status_name(enum sr_status status) {
  return statuses[(unsigned)status < sizeof statuses / sizeof *statuses ? status : SR_INTERNAL]
    .name;
}

const char *sr_version(void) {
  return STRONGROOM_VERSION;
}

static enum sr_status of_local(err_t e) {
  switch (e) {
  case OK:
    return SR_OK;
  case ERR_NOMEM:
    return SR_NO_MEMORY;
  case ERR_CONFIG:
    return SR_CONFIG;
  case ERR_USAGE:
  case ERR_TOO_LARGE:
    return SR_BAD_ARGUMENT;
  case ERR_NOT_SEALED:
    return SR_NOT_SEALED;
  case ERR_TRUNCATED:
    return SR_TRUNCATED;
  case ERR_DAMAGED:
    return SR_DAMAGED;
  case ERR_WRONG_KEY:
    return SR_WRONG_KEY;
  case ERR_INPUT:
    return SR_INPUT;
  case ERR_OUTPUT:
    return SR_OUTPUT;
  case ERR_INTERRUPTED:
    return SR_STOPPED;
  default:
    return SR_INTERNAL;
  }
}

/* What the vault said, in the words of client/client.h. */
static enum sr_status of_vault(err_t e) {
  switch (e) {
  case ERR_AWAY:
  case ERR_BUSY:
  case ERR_SEALED:
    return SR_AWAY;
  case ERR_BAD_PARAMETER:
    return SR_BAD_ARGUMENT;
  case ERR_UNAUTHORIZED:
    return SR_UNAUTHORIZED;
  case ERR_FORBIDDEN:
    return SR_FORBIDDEN;
  case ERR_NOT_FOUND:
    return SR_NOT_FOUND;
  case ERR_CONFLICT:
    return SR_CONFLICT;
  case ERR_TIMEOUT:
    return SR_TIMEOUT;
  default:
    return of_local(e);
  }
}

/* Bytes of the character at the start of a text that may be shown; 0 for what a terminal or a log
 * might obey, and what is no UTF-8. */
static size_t shown(struct bytes text) {
  uint8_t c = text.data[0];
  size_t n = bytes_utf8(text);
  bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && n == 2 && text.data[1] < 0xa0);
  return control ? 0 : n;
}

/* One line, as far as there is room; out has room for size bytes. */
static void put_message(const char *text, char *out, size_t size) {
  size_t used = 0;
  for (struct bytes rest = bytes_str(text); rest.size;) {
    size_t n = shown(rest), step = n ? n : 1;
    if (used + step >= size)
      break;
    if (n)
      memcpy(out + used, rest.data, n);
    else
      out[used] = ' ';
    used += step;
    rest = bytes_of(rest.data + step, rest.size - step);
  }
  while (used && out[used - 1] == ' ')
    used--;
  out[used] = '\0';
}

static enum sr_status say(enum sr_status status, const struct err_last *last,
                          struct sr_error *error) {
  if (error) {
    *error = (struct sr_error){ .status = status, .http_status = last->status };
    memcpy(error->code, last->answer, sizeof error->code);
    const char *words = *last->say ? last->say : last->why;
    put_message(*words ? words : statuses[status].text, error->message, sizeof error->message);
  }
  err_reset();
  crypto_clear_errors();
  return status;
}

enum sr_status told(err_t e, struct sr_error *error) {
  static const struct err_last nothing;
  return say(of_vault(e), err_last()->code == e ? err_last() : &nothing, error);
}

enum sr_status told_bad_signature(struct sr_error *error) {
  static const struct err_last nothing;
  return say(SR_BAD_SIGNATURE, &nothing, error);
}

err_t given(const char *name, const void *data, size_t size, struct bytes *out) {
  if (!data && size)
    FAIL(ERR_USAGE, "%s must not be NULL", name);
  *out = bytes_of(data ? data : "", size);
  return OK;
}

err_t given_context(const void *data, size_t size, struct bytes *out) {
  if (size > SR_CONTEXT_MAX)
    FAIL(ERR_USAGE, "a context has at most %u bytes", SR_CONTEXT_MAX);
  return given("context", data, size, out);
}
