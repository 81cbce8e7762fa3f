/* strongroom core open ID */
#include "base/file.h"
#include "cli/core/config.h"
#include "cli/core/reader.h"
#include "cli/inout.h"
#include "cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Whole or not at all, as all output files; blocks of zeros, of which cores have many, are holes.
 */
static err_t open_file(struct core_reader *r, uint64_t number, const char *path) {
  AUTO_BUF beside = BUF_EMPTY;
  buf_printf(&beside, "%s.XXXXXX", path);
  if (!buf_cstr(&beside))
    return ERR_NOMEM;
  char *tmp = (char *)beside.data;
  AUTO_FD fd = mkostemp(tmp, O_CLOEXEC); /* 0600 */
  if (fd < 0)
    FAIL(ERR_OUTPUT, "cannot write %s: %s", path, strerror(errno));
  err_t e = core_reader_core(r, number, true, fd);
  if (e == OK && (fsync(fd) != 0 || rename(tmp, path) != 0))
    e = err_fail(ERR_OUTPUT, __FILE__, __LINE__, "cannot write %s: %s", path, strerror(errno));
  if (e != OK)
    unlink(tmp);
  return e;
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
  return path ? open_file(&r, number, path) : core_reader_core(&r, number, false, STDOUT_FILENO);
}

static const struct opt options[] = {
  DATA_OUT_OPTION,
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
