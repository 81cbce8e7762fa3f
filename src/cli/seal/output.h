/*
 * Where a verb's data goes: a file that is there complete or not at all; or stdout, a pipe or a
 * device, which get what they get.
 *
 * A file is written under another name beside its own (".NAME.strongroom-tmp", mode 0600, locked),
 * synced, and then renamed: nothing is ever seen under its own name that is not whole. What was not
 * finished is removed with the struct, and by Ctrl-C. Only SIGKILL and a power cut leave it; the
 * next run for the same name takes it away, if nobody holds its lock any more.
 *
 * A partial output (resume.h) is the same under a name that says what it is of, and is kept.
 *
 * One thread, but for outputs_abandon().
 */
#ifndef CLI_SEAL_OUTPUT_H
#define CLI_SEAL_OUTPUT_H

#include "base/bytes.h"

#include <sys/types.h>

#define OUTPUT_STDOUT "-"

struct output_options {
  bool force;       /* replaces what is there; a disk is written to only with it */
  mode_t mode;      /* of the finished file */
  const char *part; /* of a partial output: a tag that becomes part of its name; else NULL */
};
struct output;
/* path is a file's, a device's or OUTPUT_STDOUT. ERR_CONFLICT: something is there already, or
 * another run is writing it. ERR_OUTPUT: it cannot be written. */
err_t output_open(const char *path, const struct output_options *o, struct output **out);
void output_close(struct output *o);
CLEANUP(output, struct output *, output_close)

int output_fd(const struct output *o);
err_t output_write(struct output *o, struct bytes data); /* all of it */
bool output_is_file(const struct output *o);   /* it can be read, and written at any place */
bool output_has_begun(const struct output *o); /* a partial one in which there is something */
err_t output_restart(struct output *o);        /* empties a partial one */
/* Of a partial one: whether it stays when it is not finished; at first it does not. */
void output_keep(struct output *o, bool keep);
bool output_is_kept(const struct output *o);
const char *output_name(const struct output *o);

/* Starts to bring to the disk what was written so far. */
void output_write_back(const struct output *o);
/* All at once; or, for many, each step for all of them before the next (what a file's sync waits
 * for, the file system then does for all), and the directories (as output_dir() names them, NULL:
 * none) synced by the caller. */
err_t output_finish(struct output *o);
err_t output_complete(struct output *o);
err_t output_sync(struct output *o);
err_t output_publish(struct output *o);
const char *output_dir(const struct output *o);
err_t output_sync_dir(const char *dir);
dev_t output_dev(const struct output *o);      /* of a file: its file system, .. */
err_t output_sync_all(const struct output *o); /* .. and all that is in it */

/* Removes the partial outputs for path that no other run holds, but for the one with this tag
 * (NULL: all). */
void output_forget_parts(const char *path, const char *tag);
/* The name beside path, of a partial output or, without a tag, a temporary one. */
void output_beside(const char *path, const char *tag, struct buf *out);

/* Removes all that is not finished, but for partial outputs that are kept, and lets nothing be
 * finished after it: the process ends. True when something was kept. Any thread, once. */
bool outputs_abandon(void);

#endif
