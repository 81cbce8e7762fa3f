#include "cli/proxy/notify.h"

#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A name with '@' in front is in the abstract name space: its first byte is NUL. */
static int connect_to(const char *name) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  size_t n = strlen(name);
  if (n < 2 || n >= sizeof a.sun_path) {
    errno = EINVAL;
    return -1;
  }
  memcpy(a.sun_path, name, n);
  if (*name == '@')
    a.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
  if (fd >= 0 && connect(fd, (const struct sockaddr *)&a, size) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

int notify_open(void) {
  const char *name = getenv("NOTIFY_SOCKET");
  if (!name || !*name)
    return -1;
  int fd = connect_to(name);
  if (fd < 0)
    log_warn("proxy", "NOTIFY_SOCKET %s: %s", name, strerror(errno));
  unsetenv("NOTIFY_SOCKET");
  return fd;
}

void notify_say(int fd, const char *fmt, ...) {
  char text[512];
  va_list ap;
  if (fd < 0)
    return;
  va_start(ap, fmt);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (n > 0 &&
      send(fd, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1, MSG_NOSIGNAL) < 0)
    log_debug("proxy", "NOTIFY_SOCKET: %s", strerror(errno));
}
