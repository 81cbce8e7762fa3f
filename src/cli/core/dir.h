/*
 * The directory of sealed cores. Each core is two files, NUMBER.core.sealed and NUMBER.info.sealed,
 * made without a name, written, synced and then linked, the core last: whatever is interrupted,
 * also by kill -9, leaves no file that looks like a core. Numbers are given once.
 *
 * The file "lock" holds the last number, and locks that end with their process: one for changes of
 * the directory, one for each core that is being taken. Any number of processes; one thread.
 */
#ifndef CLI_CORE_DIR_H
#define CLI_CORE_DIR_H

#include "base/bytes.h"

struct core_dir;
/* ERR_CONFIG (FAILed) when it can't be opened, or is not this user's alone: mode 0700. */
err_t core_dir_open(const char *path, struct core_dir **out);
/* Makes it, with the directories above it, where it is missing; tries whether its file system can
 * make files without a name. */
err_t core_dir_make(const char *path);
/* The directories above a file, for everybody to read. */
err_t core_make_parents(const char *path);
void core_dir_close(struct core_dir *d);
CLEANUP(core_dir, struct core_dir *, core_dir_close)

/* Takes one of at_once places until the directory is closed; waits so many seconds for one, then
 * ERR_BUSY. */
err_t core_dir_enter(struct core_dir *d, unsigned at_once, unsigned seconds);
err_t core_dir_reserve(struct core_dir *d, uint64_t *number);
/* A file without a name, to be written. */
err_t core_dir_file(struct core_dir *d, int *fd);
/* Makes both durable and gives them their names; then removes the oldest cores until at most
 * keep_total bytes are there, but never this one. *removed: how many. ERR_OUTPUT. */
err_t core_dir_add(struct core_dir *d, uint64_t number, int core, int info, uint64_t keep_total,
                   size_t *removed);

struct core_entry {
  uint64_t number;
  uint64_t size; /* of both files, as on disk */
  int64_t time;  /* Unix seconds, when it was sealed */
};
/* In the order of their numbers; mem_free() them. */
err_t core_dir_list(struct core_dir *d, struct core_entry **out, size_t *count);
/* "3" or "000003". ERR_USAGE (FAILed). */
err_t core_number_parse(const char *text, uint64_t *out);
enum core_part { CORE_PART_CORE, CORE_PART_INFO };
/* To be read. ERR_NOT_FOUND (FAILed). */
err_t core_dir_part(struct core_dir *d, uint64_t number, enum core_part part, int *fd);
err_t core_dir_remove(struct core_dir *d, uint64_t number);

/* What the part of this core is sealed as: "strongroom core 3", appended. */
void core_context(uint64_t number, enum core_part part, struct buf *out);

#endif
