/* strongroom core open ID */
#include "cli/core/config.h"
#include "cli/core/reader.h"
#include "cli/inout.h"
#include "cli/seal/interrupt.h"
#include "cli/seal/output.h"
#include "cli/verbs.h"

#include <unistd.h>

/* Whole or not at all, also when it is interrupted: what is in it is a program's memory. Blocks of
 * zeros, of which cores have many, are holes. */
static err_t open_file(struct core_reader *r, uint64_t number, const char *path, bool force) {
  const struct output_options options = { .force = force, .mode = 0600 };
  const struct progress quiet = { 0 };
  AUTO(output) struct output *o = NULL;
  TRY(interrupt_catch(&quiet));
  TRY(output_open(path, &options, &o));
  TRY(core_reader_core(r, number, output_is_file(o), output_fd(o)));
  return output_finish(o);
}

static err_t run(const struct args *a) {
  AUTO_READER r = { 0 };
  uint64_t number;
  const char *path = args_value(a, "out");
  TRY(core_number_parse(args_word(a, 0), &number));
  if (!path && isatty(STDOUT_FILENO))
    FAIL(ERR_USAGE, "a core is nothing for a terminal: use a pipe, --out FILE, or 'strongroom core "
                    "debug'");
  TRY(core_reader_open(a, &r));
  return path ? open_file(&r, number, path, args_flag(a, "force"))
              : core_reader_core(&r, number, false, STDOUT_FILENO);
}

static const struct opt options[] = {
  DATA_OUT_OPTION,
  { "force", OPT_FLAG, NULL, NULL, "replace what is there" },
  CORE_DIR_OPTIONS,
  OPT_END,
};

const struct verb verb_core_open = {
  .noun = "core",
  .name = "open",
  .words = "ID",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Open a sealed core: to stdout, or to a file",
  .details = "A file holds the program's memory in plain: 'strongroom core debug' needs none. gdb\n"
             "can't read a core from a pipe, but 'strongroom core debug -' can.",
  .options = options,
  .examples = "strongroom core open 3 | strongroom core debug - --program ./my-service\n"
              "strongroom core open 3 --out /dev/shm/core",
  .run = run,
};
