/* strongroom core delete ID */
#include "cli/core/config.h"
#include "cli/core/reader.h"
#include "cli/verbs.h"

#define MOST 64 /* at once */

static err_t run(const struct args *a) {
  AUTO(core_dir) struct core_dir *d = NULL;
  uint64_t number[MOST];
  for (size_t i = 0; i < a->word_count; i++)
    TRY(core_number_parse(args_word(a, i), &number[i]));
  TRY(core_reader_dir(a, &d));
  for (size_t i = 0; i < a->word_count; i++)
    TRY(core_dir_remove(d, number[i]));
  return OK;
}

static const struct opt options[] = {
  CORE_DIR_OPTIONS,
  OPT_END,
};

const struct verb verb_core_delete = {
  .noun = "core",
  .name = "delete",
  .words = "ID...",
  .min_words = 1,
  .max_words = MOST,
  .summary = "Delete sealed cores",
  .options = options,
  .examples = "strongroom core delete 3 4",
  .run = run,
};
