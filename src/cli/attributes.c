#include "cli/attributes.h"

#include "base/write.h"
#include "cli/when.h"

/* Each name once: the second would be lost or refused, by the reader's choice. */
static err_t check_tags(const struct args *a) {
  size_t at = 0;
  const char *tag, *other;
  while ((tag = args_next(a, "tag", &at))) {
    size_t n = strcspn(tag, "=") + 1, next = at;
    while ((other = args_next(a, "tag", &next)))
      if (strncmp(tag, other, n) == 0)
        FAIL(ERR_USAGE, "--tag %.*s was given twice", (int)n - 1, tag);
  }
  return OK;
}

static err_t write_tags(const struct args *a, struct buf *b) {
  size_t at = 0;
  const char *tag;
  write_open(b, "tags", '{');
  while ((tag = args_next(a, "tag", &at))) {
    struct bytes name, value = bytes_split(bytes_str(tag), '=', &name);
    if (!value.data || name.size == 0)
      FAIL(ERR_USAGE, "--tag takes NAME=VALUE, not '%s'", tag);
    write_text(b, NULL, name);
    buf_put_char(b, ':');
    write_text(b, NULL, value);
  }
  write_close(b, '}');
  return OK;
}

static err_t write_time(const struct args *a, const char *option, const char *field,
                        struct buf *b) {
  int64_t seconds;
  const char *text = args_value(a, option);
  if (!text)
    return OK;
  TRY(when_parse(option, text, &seconds));
  write_i64(b, field, seconds);
  return OK;
}

static err_t write_enabled(const struct args *a, struct buf *b) {
  bool disabled = args_flag(a, "disabled");
  if (disabled && args_flag(a, "enabled"))
    FAIL(ERR_USAGE, "--enabled and --disabled exclude each other");
  if (disabled || args_flag(a, "enabled"))
    write_bool(b, "enabled", !disabled);
  return OK;
}

static err_t write_all(const struct args *a, bool times, struct buf *b) {
  write_open(b, "attributes", '{');
  TRY(write_enabled(a, b));
  if (times) {
    TRY(write_time(a, "not-before", "nbf", b));
    TRY(write_time(a, "expires", "exp", b));
  }
  write_close(b, '}');
  TRY(check_tags(a));
  return args_flag(a, "tag") ? write_tags(a, b) : OK;
}

err_t attributes_write(const struct args *a, struct buf *b) {
  return write_all(a, true, b);
}

err_t attributes_write_timeless(const struct args *a, struct buf *b) {
  return write_all(a, false, b);
}
