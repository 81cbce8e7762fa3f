#include "cli/log/cursor.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/out.h"

#define FIELD "__CURSOR="
#define KEEP_EVERY_US 5000000

/* The cursor is the first field; binary data further behind may say anything. */
static void find(struct bytes entry, char out[static CURSOR_MAX]) {
  struct bytes line;
  out[0] = '\0';
  bytes_split(entry, '\n', &line);
  if (bytes_starts(line, FIELD))
    IGNORE(bytes_to_cstr(bytes_of(line.data + strlen(FIELD), line.size - strlen(FIELD)), out,
                         CURSOR_MAX));
}

err_t log_cursor_keep(struct log_cursor *c) {
  AUTO_BUF line = BUF_EMPTY;
  if (!c->path || !*c->whole || strcmp(c->whole, c->kept) == 0)
    return OK;
  c->kept_us = clock_mono_us();
  buf_put_str(&line, c->whole);
  buf_put_char(&line, '\n');
  TRY(buf_ok(&line));
  TRY(file_write_private(c->path, buf_bytes(&line)));
  memcpy(c->kept, c->whole, CURSOR_MAX);
  return OK;
}

void log_cursor_move(struct log_cursor *c, const struct log_batch *b) {
  struct log_entries it = { .rest = buf_bytes(&b->entries), .ns = b->first_ns };
  for (struct log_entry e; c->path && log_entries_next(&it, &e);) {
    if (!(e.flags & LOG_CONTINUES))
      find(e.text, c->begun);
    if (!(e.flags & (LOG_GOES_ON | LOG_UNTERMINATED)) && *c->begun)
      memcpy(c->whole, c->begun, CURSOR_MAX);
  }
  if (clock_mono_us() - c->kept_us < KEEP_EVERY_US)
    return;
  err_t e = log_cursor_keep(c);
  if (e != OK)
    out_note("log write: %s", out_error_text(e));
}
