/* strongroom core uninstall */
#include "cli/core/config.h"
#include "cli/core/kernel.h"
#include "cli/core/sysctl.h"
#include "cli/out.h"
#include "cli/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static err_t restore(const struct conf *c) {
  struct kernel_cores now, before = { .pipe_limit = conf_uint(c, "before.pipe_limit") };
  TRY(kernel_cores_get(&now));
  if (!kernel_pattern_is_ours(now.pattern)) {
    out_note("Left as it is, since it is another's: kernel.core_pattern %s", now.pattern);
    return OK;
  }
  int n = snprintf(before.pattern, sizeof before.pattern, "%s", conf_str(c, "before.pattern"));
  if (n >= (int)sizeof before.pattern)
    FAIL(ERR_CONFIG, "the earlier kernel.core_pattern is too long");
  TRY(kernel_cores_set(&before));
  out_field_str("Pattern", before.pattern);
  return OK;
}

static err_t forget(const char *path) {
  if (*path && unlink(path) != 0 && errno != ENOENT)
    FAIL(ERR_FORBIDDEN, "cannot remove %s: %s", path, strerror(errno));
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(conf) struct conf *c = NULL;
  const char *path = core_config_path(a);
  bool lost = access(path, F_OK) != 0 && errno == ENOENT;
  TRY(lost ? core_config_new(&c) : core_config_read(path, &c));
  TRY(restore(c));
  TRY(sysctl_forget());
  TRY(forget(conf_str(c, "public_key")));
  TRY(forget(path));
  out_note("Sealed cores stay in %s.", conf_str(c, "dir"));
  return OK;
}

static const struct opt options[] = {
  CORE_CONFIG_OPTION,
  OPT_END,
};

const struct verb verb_core_uninstall = {
  .noun = "core",
  .name = "uninstall",
  .words = "",
  .summary = "Give cores back to whatever the kernel did with them before",
  .details = "For root. Cores that are sealed stay where they are, and can be opened.",
  .options = options,
  .examples = "strongroom core uninstall",
  .run = run,
};
