#include "cli/progress.h"

#include "base/clock.h"
#include "base/write.h"
#include "cli/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_US 200000u
#define EVENT_US 1000000u
#define BAR_MOST 30
#define BAR_LEAST 10
#define NAME_MOST 40

/* --- texts --- */

void amount_format(uint64_t bytes, char *out, size_t size) {
  static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
  if (bytes < 1024) {
    snprintf(out, size, "%u B", (unsigned)bytes);
    return;
  }
  double n = (double)bytes / 1024;
  size_t unit = 0;
  for (; n >= 1023.95 && unit + 1 < sizeof units / sizeof *units; unit++)
    n /= 1024;
  snprintf(out, size, "%.1f %s", n, units[unit]);
}

void duration_format(uint64_t seconds, char *out, size_t size) {
  unsigned long long h = seconds / 3600, m = seconds / 60 % 60, s = seconds % 60;
  if (h)
    snprintf(out, size, "%llu:%02llu:%02llu", h, m, s);
  else
    snprintf(out, size, "%llu:%02llu", m, s);
}

static bool within_character(char c) {
  return ((uint8_t)c & 0xc0) == 0x80;
}

static size_t columns_of(struct bytes text) {
  size_t n = 0;
  for (size_t i = 0; i < text.size; i++)
    n += !within_character((char)text.data[i]);
  return n;
}

/* The end of a name says more than its beginning. Controls, which a terminal obeys, are shown as
 * '?'. */
static void put_name(const char *name, size_t most, struct buf *out) {
  size_t columns = columns_of(bytes_str(name));
  for (; columns > most; columns--) {
    name++;
    while (within_character(*name))
      name++;
  }
  for (const char *c = name; *c; c++) {
    bool control =
      (uint8_t)*c < 0x20 || *c == 0x7f || ((uint8_t)c[0] == 0xc2 && ((uint8_t)c[1] & 0xe0) == 0x80);
    buf_put_char(out, (char)(control ? '?' : *c));
    if (control && (uint8_t)*c == 0xc2)
      c++;
  }
}

static void put_bar(uint64_t done, uint64_t total, size_t width, struct buf *out) {
  size_t full = (size_t)((double)done / (double)total * (double)width);
  buf_put_str(out, " [");
  for (size_t i = 0; i < width; i++)
    buf_put_char(out, i < full ? '#' : ' ');
  buf_put_str(out, "]");
}

void progress_format(const struct progress_line *l, unsigned columns, struct buf *out) {
  char done[24], total[24], rate[24], left[24];
  AUTO_BUF tail = BUF_EMPTY;
  uint64_t whole = l->total && l->done > l->total ? l->done : l->total, fresh = l->done - l->first;
  double per_second = l->elapsed_us ? (double)fresh * 1e6 / (double)l->elapsed_us : 0;
  amount_format(l->done, done, sizeof done);
  amount_format(whole, total, sizeof total);
  amount_format((uint64_t)per_second, rate, sizeof rate);
  buf_printf(&tail, whole ? "  %s of %s  %s/s" : "  %s  %s/s", done, whole ? total : rate, rate);
  if (whole && per_second >= 1) {
    duration_format((uint64_t)((double)(whole - l->done) / per_second + 0.5), left, sizeof left);
    buf_printf(&tail, "  %s left", left);
  }
  size_t room = columns > tail.size ? columns - tail.size : 0;
  size_t percent = whole ? 5 : 0;
  if (room > percent)
    put_name(l->name, room - percent < NAME_MOST ? room - percent : NAME_MOST, out);
  size_t used = columns_of(buf_bytes(out)) + percent;
  if (whole && room > percent)
    buf_printf(out, " %3u%%", (unsigned)((double)l->done / (double)whole * 100));
  size_t bar = room > used + 3 ? room - used - 3 : 0;
  if (whole && bar >= BAR_LEAST)
    put_bar(l->done, whole, bar < BAR_MOST ? bar : BAR_MOST, out);
  if (tail.size <= columns)
    buf_put_bytes(out, buf_bytes(&tail));
}

/* --- the line --- */

static unsigned terminal_columns(void) {
  struct winsize w;
  bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1;
  return known ? w.ws_col - 1u : 79; /* the last column may wrap */
}

static void write_line(struct progress *p, struct buf *line) {
  const char *text = buf_cstr(line);
  if (!text)
    return;
  fprintf(stderr, "\r%s\033[K", text);
  fflush(stderr);
  p->drawn = true;
}

void progress_start(struct progress *p, bool json) {
  *p = (struct progress){ .json = json,
                          .terminal = !json && isatty(STDERR_FILENO),
                          .began_us = clock_mono_us() };
  p->drawn_us = p->began_us;
}

void progress_hide(struct progress *p) {
  if (!p->drawn)
    return;
  fputs("\r\033[K", stderr);
  fflush(stderr);
  p->drawn = false;
}

void progress_file(struct progress *p, const char *name) {
  p->name = name;
  p->started = false;
}

/* An event is one write: lines of several processes on one pipe do not mix. */
static void write_event(struct buf *b) {
  write_close(b, '}');
  buf_put_char(b, '\n');
  if (buf_ok(b) == OK)
    fwrite(b->data, 1, b->size, stderr);
  fflush(stderr);
}

static void begin_event(struct buf *b, const char *event, const char *file) {
  write_open(b, NULL, '{');
  write_str(b, "event", event);
  if (file)
    write_text(b, "file", bytes_str(file));
}

static void write_progress_event(const struct progress *p, const struct stream_progress *s) {
  AUTO_BUF b = BUF_EMPTY;
  begin_event(&b, "progress", p->name);
  write_i64(&b, "done", (int64_t)s->done);
  if (s->total)
    write_i64(&b, "total", (int64_t)s->total);
  write_event(&b);
}

static bool due(struct progress *p, uint64_t now) {
  if (!(p->json || p->terminal) || now - p->drawn_us < (p->json ? EVENT_US : DRAW_US))
    return false;
  p->drawn_us = now;
  return true;
}

err_t progress_step(void *ctx, const struct stream_progress *s) {
  struct progress *p = ctx;
  uint64_t now = clock_mono_us();
  if (!p->started) {
    p->started = true;
    p->first = s->done;
    p->file_us = now;
  }
  if (!due(p, now))
    return OK;
  if (p->json) {
    write_progress_event(p, s);
    return OK;
  }
  AUTO_BUF line = BUF_EMPTY;
  progress_format(&(struct progress_line){ .name = p->name,
                                           .done = s->done,
                                           .total = s->total,
                                           .first = p->first,
                                           .elapsed_us = now - p->file_us },
                  terminal_columns(), &line);
  write_line(p, &line);
  return OK;
}

void progress_count(struct progress *p, uint64_t bytes) {
  p->files++;
  p->bytes += bytes;
  uint64_t now = clock_mono_us();
  if (p->json || !due(p, now))
    return;
  char amount[24];
  AUTO_BUF line = BUF_EMPTY;
  amount_format(p->bytes, amount, sizeof amount);
  buf_printf(&line, "%llu file%s, %s, %.0f/s", (unsigned long long)p->files,
             p->files == 1 ? "" : "s", amount,
             (double)p->files * 1e6 / (double)(now - p->began_us + 1));
  write_line(p, &line);
}

/* --- events --- */

void progress_done(struct progress *p, const struct done *d) {
  progress_count(p, d->bytes);
  if (!p->json)
    return;
  AUTO_BUF b = BUF_EMPTY;
  begin_event(&b, "done", d->file);
  if (d->out)
    write_text(&b, "out", bytes_str(d->out));
  write_i64(&b, "bytes", (int64_t)d->bytes);
  if (d->sealed)
    write_i64(&b, "sealedBytes", (int64_t)d->sealed);
  if (d->key)
    write_text(&b, "key", bytes_str(d->key));
  buf_printf(&b, ",\"seconds\":%.6f", (double)(clock_mono_us() - d->began_us) / 1e6);
  write_event(&b);
}

void progress_note(struct progress *p, const char *fmt, ...) {
  char text[1024];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  progress_hide(p);
  if (!p->json) {
    out_note("%s", text);
    return;
  }
  AUTO_BUF b = BUF_EMPTY;
  begin_event(&b, "note", NULL);
  write_text(&b, "message", bytes_str(text));
  write_event(&b);
}

static void write_error_event(const char *file, err_t e, const char *advice) {
  const char *text = out_error_text(e);
  AUTO_BUF b = BUF_EMPTY;
  begin_event(&b, "error", file);
  write_str(&b, "code", err_info(e)->code);
  write_text(&b, "message", bytes_str(text));
  if (advice)
    write_text(&b, "advice", bytes_str(advice));
  write_event(&b);
}

void progress_error(struct progress *p, const char *file, err_t e, const char *advice) {
  progress_hide(p);
  if (p->json)
    write_error_event(file, e, advice);
  else
    out_error_about(file, e, advice);
}

void progress_interrupted(const struct progress *p, err_t e) {
  if (p->json) {
    write_error_event(NULL, e, NULL);
    return;
  }
  if (p->terminal)
    fputs("\r\033[K", stderr);
  out_error_about(NULL, e, NULL);
}

void progress_summary(struct progress *p) {
  char amount[24], rate[24], took[24];
  uint64_t us = clock_mono_us() - p->began_us;
  progress_hide(p);
  if (!p->terminal || p->files == 0 || us < EVENT_US)
    return;
  amount_format(p->bytes, amount, sizeof amount);
  amount_format((uint64_t)((double)p->bytes * 1e6 / (double)us), rate, sizeof rate);
  duration_format(us / 1000000, took, sizeof took);
  out_note("%llu file%s, %s in %s, %s/s", (unsigned long long)p->files, p->files == 1 ? "" : "s",
           amount, took, rate);
}
