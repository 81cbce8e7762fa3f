#include "net/wake.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

err_t wake_open(struct wake *w) {
  atomic_init(&w->woken, false);
  w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (w->fd < 0)
    FAIL(ERR_IO, "eventfd: %s", strerror(errno));
  return OK;
}

void wake_close(struct wake *w) {
  if (w->fd >= 0)
    close(w->fd);
  w->fd = -1;
}

void wake_up(struct wake *w) {
  if (atomic_exchange(&w->woken, true))
    return;
  uint64_t one = 1;
  ssize_t n = write(w->fd, &one, sizeof one);
  (void)n; /* it can only fail when it would count beyond 2^64 */
}

void wake_quiet(struct wake *w) {
  uint64_t count;
  ssize_t n = read(w->fd, &count, sizeof count);
  (void)n; /* only to make it quiet */
  atomic_store(&w->woken, false);
}
