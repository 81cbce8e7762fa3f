/*
 * How far a long operation is, on stderr: for people a line that is drawn over and over, at most
 * five times a second and only on a terminal; for programs (--json) JSON lines:
 *
 *   {"event":"progress","file":"disk.img","done":1048576,"total":4194304}   at most one a second
 *   {"event":"done","file":"disk.img","out":"disk.img.sealed","bytes":..,"sealedBytes":..,..}
 *   {"event":"note","message":".."}
 *   {"event":"error","file":"disk.img","code":"Truncated","message":".."}
 *
 * Sizes are bytes; total and file are left out where nobody knows them. One thread, but for
 * progress_interrupted().
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/bytes.h"
#include "seal/stream.h"

struct progress {
  bool json, terminal;
  bool drawn;              /* a line that must go before anything else is written */
  const char *name;        /* of the file at work, for people; borrowed */
  uint64_t files;          /* done so far */
  uint64_t bytes;          /* of plaintext, in these */
  uint64_t began_us;       /* the whole operation */
  uint64_t file_us, first; /* when this file began, and what of it was done already */
  bool started;            /* of this file, first is known */
  uint64_t drawn_us;       /* when the line, or the event, was last written */
};
void progress_start(struct progress *p, bool json);
/* A file's turn; name is shown and must outlive it. */
void progress_file(struct progress *p, const char *name);
/* For struct stream_options; ctx is the struct progress. Never an error. */
err_t progress_step(void *ctx, const struct stream_progress *s);
/* One file more is done; seen as a count where files are small and many. */
void progress_count(struct progress *p, uint64_t bytes);
/* Takes the line away. */
void progress_hide(struct progress *p);

/* What was done with one file. */
struct done {
  const char *file, *out, *key; /* NULL: left out */
  uint64_t bytes, sealed;       /* of plaintext and of what is sealed; 0: not known */
  uint64_t began_us;            /* clock_mono_us() */
};
void progress_done(struct progress *p, const struct done *d); /* counts it, too */
void progress_note(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* file NULL: none in particular; advice is what may be done about it, or NULL. */
void progress_error(struct progress *p, const char *file, err_t e, const char *advice);
/* From another thread, just before the process ends. */
void progress_interrupted(const struct progress *p, err_t e);
/* At the end, for people: how much it was and how long it took. */
void progress_summary(struct progress *p);

/* The texts, each cut to size: "12.3 MiB", "1:02:03", and the line of so many columns. */
void amount_format(uint64_t bytes, char *out, size_t size);
void duration_format(uint64_t seconds, char *out, size_t size);
struct progress_line {
  const char *name;
  uint64_t done, total; /* 0: not known */
  uint64_t first;       /* done before it began */
  uint64_t elapsed_us;
};
void progress_format(const struct progress_line *l, unsigned columns, struct buf *out);

#endif
