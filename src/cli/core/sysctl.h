/* The file that makes the kernel's settings last over a start. */
#ifndef CLI_CORE_SYSCTL_H
#define CLI_CORE_SYSCTL_H

#include "cli/core/kernel.h"

#define SYSCTL_FILE "/etc/sysctl.d/60-strongroom-core.conf"

err_t sysctl_persist(const struct kernel_cores *c);
/* No error when it is not there. */
err_t sysctl_forget(void);

#endif
