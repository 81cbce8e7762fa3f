#include "cli/core/system_log.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#define TAG "strongroom-core"

static void to_kernel(int level, const char *text) {
  char line[900]; /* of more the kernel takes nothing */
  AUTO_FD fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
  int n =
    snprintf(line, sizeof line, "<%d>" TAG "[%d]: %s\n", LOG_USER | level, (int)getpid(), text);
  if (n >= (int)sizeof line)
    n = sizeof line - 1;
  if (fd >= 0)
    IGNORE(file_write_fd(fd, "/dev/kmsg", bytes_of(line, (size_t)n)));
}

void system_log(int level, const char *fmt, ...) {
  char text[800];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  for (char *p = text; *p; p++)
    if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
      *p = '?';
  if (access("/dev/log", F_OK) != 0) {
    to_kernel(level, text);
    return;
  }
  openlog(TAG, LOG_PID, LOG_USER);
  syslog(level, "%s", text);
  closelog();
}
