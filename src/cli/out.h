/*
 * What people and scripts see on stdout: aligned fields and tables, or the server's JSON. Texts
 * that come from elsewhere are shown with their control characters replaced, so that a name or a
 * log record cannot steer the terminal. A failed write shows at the end, in main().
 */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include "base/json.h"

void out_json(const json_t *document); /* indented, with a line feed */
/* "Label:       text"; a text of no bytes is left out. label NULL: one more of the same. */
void out_field(const char *label, struct bytes text);
void out_field_str(const char *label, const char *text);
void out_text(struct bytes text); /* a line that comes from elsewhere */
void out_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A remark for people on stderr: a line that no script needs. */
void out_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What went wrong, on stderr: the server's text, the reason on this side, or the table's text. Of
 * an error that out_told() passed on it says nothing. */
void out_error(err_t e);
/* The same, with what it is about ahead of it, and what may be done about it below; either may be
 * NULL. */
void out_error_about(const char *what, err_t e, const char *advice);
/* For verbs that go on after an error: what they return was told already. */
err_t out_told(err_t e);
const char *out_error_text(err_t e); /* the same, until this thread's next error */

/* A table of texts, printed with its columns as wide as they need to be. */
#define TABLE_COLUMNS 8
struct table {
  size_t columns;
  size_t width[TABLE_COLUMNS];
  struct buf cells; /* NUL-terminated, row by row */
};
/* The headings are the first row. */
void table_start(struct table *t, size_t columns, const char *const *headings);
void table_cell(struct table *t, struct bytes text); /* from left to right, row after row */
void table_cell_str(struct table *t, const char *text);
err_t table_print(struct table *t);
static inline void table_free(struct table *t) {
  buf_free(&t->cells);
}
#define AUTO_TABLE __attribute__((cleanup(table_free))) struct table

/* Whether writing to stdout has failed. Looked at right after printing, it keeps why. */
bool out_failed(void);
/* Flushes it. ERR_OUTPUT, FAILed; *unread: whoever read it has gone, which needs no words. */
err_t out_finish(bool *unread);

#endif
