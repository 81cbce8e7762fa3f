/* strongroom log reseal DIR */
#include "base/file.h"
#include "cli/log/log.h"
#include "cli/verbs.h"
#include "seal/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static err_t reseal(const struct key_service *vault, const char *key, int dir, const char *name,
                    bool *changed) {
  AUTO_FD fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    FAIL(ERR_INPUT, "cannot open %s: %s", name, strerror(errno));
  return sealed_reseal(vault, key, fd, changed);
}

static err_t run(const struct args *a) {
  AUTO_LOG_KEYS keys = { 0 };
  AUTO_LOG_NAMES names = { 0 };
  const char *path = args_word(a, 0);
  size_t changed_count = 0;
  TRY(log_names_read(path, &names));
  TRY(log_keys_open(a, &keys));
  AUTO_FD dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0)
    FAIL(ERR_INPUT, "cannot open %s: %s", path, strerror(errno));
  for (size_t i = 0; i < names.count; i++) {
    bool changed = false;
    TRY(reseal(&keys.service, args_value(a, "key"), dir, names.at[i].text, &changed));
    changed_count += changed;
  }
  if (args_flag(a, "json"))
    out_line("{\"segments\":%zu,\"resealed\":%zu}", names.count, changed_count);
  else
    out_line("%zu of %zu segments resealed", changed_count, names.count);
  return OK;
}

static const struct opt options[] = {
  { "key", OPT_VALUE, "NAME", NULL, "another key (default: the newest version of the one it has)" },
  OPT_END,
};

const struct verb verb_log_reseal = {
  .noun = "log",
  .name = "reseal",
  .words = "DIR",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Put the segments of a log under the key's newest version",
  .details = "Only the headers are written; the records stay as they are. The log may be in use.",
  .options = options,
  .examples = "strongroom key rotate logs && strongroom log reseal /var/log/my-service",
  .run = run,
};
