/* Sealed cores for whoever may open them. One thread. */
#ifndef CLI_CORE_READER_H
#define CLI_CORE_READER_H

#include "cli/ask.h"
#include "cli/core/crash.h"
#include "cli/core/dir.h"
#include "client/data_key.h"

struct core_reader {
  struct core_dir *dir;
  struct client *client;
  struct key_cache *cache;
};
/* The directory that --dir names, or the settings, or the usual one. */
err_t core_reader_dir(const struct args *a, struct core_dir **out);
err_t core_reader_open(const struct args *a, struct core_reader *out);
void core_reader_close(struct core_reader *r);
#define AUTO_READER __attribute__((cleanup(core_reader_close))) struct core_reader

err_t core_reader_info(struct core_reader *r, uint64_t number, struct crash *out);
/* sparse: blocks of zeros become holes of out. */
err_t core_reader_core(struct core_reader *r, uint64_t number, bool sparse, int out);

#define CORE_DIR_OPTIONS \
  { "dir", OPT_VALUE, "DIR", NULL, "where sealed cores are" }, CORE_CONFIG_OPTION

#endif
