#include "cli/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#define LABEL_WIDTH 14

/* One column for each character, not for each byte of it. */
static size_t columns_of(const char *text) {
  size_t n = 0;
  for (; *text; text++)
    n += ((uint8_t)*text & 0xc0) != 0x80;
  return n;
}

/* U+0080 to U+009F, which a terminal may obey, are two bytes. */
static bool in_c1(struct bytes text, size_t i) {
  uint8_t c = text.data[i];
  bool first = c == 0xc2 && i + 1 < text.size && (text.data[i + 1] & 0xe0) == 0x80;
  return first || (i > 0 && text.data[i - 1] == 0xc2 && (c & 0xe0) == 0x80);
}

static char shown(struct bytes text, size_t i) {
  uint8_t c = text.data[i];
  return (char)(c < 0x20 || c == 0x7f || in_c1(text, i) ? '?' : c);
}

void out_json(const json_t *document) {
  json_dumpf(document, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
  putchar('\n');
}

void out_field(const char *label, struct bytes text) {
  if (text.size == 0)
    return;
  if (label)
    printf("%s:%*s ", label, LABEL_WIDTH - (int)strlen(label), "");
  else
    printf("%*s", LABEL_WIDTH + 2, "");
  out_text(text);
}

void out_text(struct bytes text) {
  for (size_t i = 0; i < text.size; i++)
    putchar(shown(text, i));
  putchar('\n');
}

void out_field_str(const char *label, const char *text) {
  out_field(label, bytes_str(text));
}

void out_line(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vprintf(fmt, ap);
  va_end(ap);
  putchar('\n');
}

void out_note(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
}

const char *out_error_text(err_t e) {
  return err_reason(e);
}

static void put_safely(const char *text) {
  for (; *text; text++)
    if (*text != '\r')
      fputc((unsigned char)*text < 0x20 && *text != '\n' ? '?' : *text, stderr);
}

void out_error_about(const char *what, err_t e, const char *advice) {
  fputs("strongroom: ", stderr);
  if (what) {
    for (size_t i = 0; what[i]; i++)
      fputc(shown(bytes_str(what), i), stderr);
    fputs(": ", stderr);
  }
  put_safely(out_error_text(e));
  fputc('\n', stderr);
  if (advice)
    out_note("%s", advice);
}

static bool told;

err_t out_told(err_t e) {
  told = true;
  return e;
}

void out_error(err_t e) {
  if (!told)
    out_error_about(NULL, e, NULL);
}

static int failure; /* errno */

bool out_failed(void) {
  if (failure == 0 && ferror(stdout))
    failure = errno ? errno : EIO;
  return failure != 0;
}

err_t out_finish(bool *unread) {
  if (failure == 0 && fflush(stdout) != 0)
    failure = errno;
  *unread = out_failed() && failure == EPIPE;
  if (failure != 0)
    FAIL(ERR_OUTPUT, "cannot write stdout: %s", strerror(failure));
  return OK;
}

void table_start(struct table *t, size_t columns, const char *const *headings) {
  *t = (struct table){ .columns = columns };
  for (size_t i = 0; i < columns; i++)
    table_cell_str(t, headings[i]);
}

void table_cell(struct table *t, struct bytes text) {
  for (size_t i = 0; i < text.size; i++)
    buf_put_char(&t->cells, shown(text, i));
  buf_put_char(&t->cells, '\0');
}

void table_cell_str(struct table *t, const char *text) {
  table_cell(t, bytes_str(text));
}

static void measure(struct table *t) {
  const char *end = (const char *)t->cells.data + t->cells.size;
  size_t i = 0;
  for (const char *p = (const char *)t->cells.data; p < end; p += strlen(p) + 1) {
    size_t n = columns_of(p), column = i++ % t->columns;
    if (n > t->width[column])
      t->width[column] = n;
  }
}

err_t table_print(struct table *t) {
  TRY(buf_ok(&t->cells));
  measure(t);
  const char *end = (const char *)t->cells.data + t->cells.size;
  size_t i = 0, blanks = 0;
  for (const char *p = (const char *)t->cells.data; p < end; p += strlen(p) + 1) {
    size_t column = i++ % t->columns;
    /* Blanks are owed to the next cell that has text: no line ends with them. */
    if (*p)
      printf("%*s%s", (int)blanks, "", p);
    blanks = (*p ? 0 : blanks) + t->width[column] - columns_of(p) + 2;
    if (column == t->columns - 1) {
      putchar('\n');
      blanks = 0;
    }
  }
  return OK;
}
