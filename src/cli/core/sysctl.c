#include "cli/core/sysctl.h"

#include "base/file.h"

#include <errno.h>

err_t sysctl_persist(const struct kernel_cores *c) {
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text,
             "# Written by 'strongroom core install', removed by 'strongroom core uninstall'.\n"
             "kernel.core_pattern=%s\nkernel.core_pipe_limit=%llu\n",
             c->pattern, (unsigned long long)c->pipe_limit);
  TRY(buf_ok(&text));
  return file_write_private(SYSCTL_FILE, buf_bytes(&text));
}

err_t sysctl_forget(void) {
  if (unlink(SYSCTL_FILE) != 0 && errno != ENOENT)
    FAIL(ERR_FORBIDDEN, "cannot remove " SYSCTL_FILE ": %s", strerror(errno));
  return OK;
}
