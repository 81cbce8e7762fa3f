/* What the kernel does with cores: kernel.core_pattern and kernel.core_pipe_limit (core(5)). */
#ifndef CLI_CORE_KERNEL_H
#define CLI_CORE_KERNEL_H

#include "base/bytes.h"

#define KERNEL_PATTERN_MAX 128 /* with its NUL, as the kernel has it */

struct kernel_cores {
  char pattern[KERNEL_PATTERN_MAX];
  uint64_t pipe_limit; /* helpers at a time, each of which is waited for; 0: any, not waited for */
};
err_t kernel_cores_get(struct kernel_cores *out);
/* ERR_FORBIDDEN (FAILed) for whoever may not. */
err_t kernel_cores_set(const struct kernel_cores *c);

/* "|/usr/bin/strongroom core take -- %P ..": this program as the kernel is to start it; config NULL
 * for the usual file. ERR_CONFIG (FAILed) where the path is too long for the kernel, has blanks, or
 * leads through what others than root may change. */
err_t kernel_pattern(const char *config, char out[static KERNEL_PATTERN_MAX]);
bool kernel_pattern_is_ours(const char *pattern);

#endif
