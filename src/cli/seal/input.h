/*
 * What a verb reads: files by name, as many as argv holds or a list names, and stdin. One thread.
 */
#ifndef CLI_SEAL_INPUT_H
#define CLI_SEAL_INPUT_H

#include "cli/args.h"

#include "base/bytes.h"

#include <sys/stat.h>

struct input {
  int fd;
  const char *name; /* borrowed; "stdin" */
  struct stat stat;
  bool is_file;  /* a regular one, whose size is known and which can be read at any place */
  uint64_t size; /* of a file or a disk; 0: not known */
};
/* path NULL: stdin. ERR_INPUT. */
err_t input_open(const char *path, struct input *out);
void input_close(struct input *in);
#define AUTO_INPUT __attribute__((cleanup(input_close))) struct input
#define INPUT_CLOSED ((struct input){ .fd = -1 })
/* Appends what there is of the first max bytes from where it stands. */
err_t input_read(const struct input *in, size_t max, struct buf *out);

/* The names: those of the command line, then those of --files-from, which end with NULs as find
 * -print0 writes them. */
struct names {
  const struct args *args;
  size_t word;
  int list;        /* -1: none, or read to its end */
  struct buf text; /* of the list, from used on not given yet */
  size_t used;
};
err_t names_open(const struct args *a, struct names *out);
void names_close(struct names *n);
#define AUTO_NAMES __attribute__((cleanup(names_close))) struct names
#define NAMES_CLOSED ((struct names){ .list = -1 })
/* *out NULL at the end; else good until the next call. */
err_t names_next(struct names *n, const char **out);
/* Whether the next one would have to be waited for. */
bool names_wait(const struct names *n);

#define FILES_FROM_OPTION \
  { \
    "files-from", OPT_VALUE, "FILE", NULL, \
      "also the files that FILE (-: stdin) names, each ended by a NUL: find -print0" \
  }

#endif
