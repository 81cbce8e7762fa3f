#include "transit/proxy/pipe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

bool pipe_take(struct pipes *stock, struct pipe *p) {
  int ends[2];
  if (p->open)
    return true;
  if (stock->count) {
    *p = stock->spare[--stock->count];
    return true;
  }
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
    return false;
  *p = (struct pipe){ .open = true, .in = ends[1], .out = ends[0] };
  return true;
}

static void shut(struct pipe *p) {
  if (p->open) {
    close(p->in);
    close(p->out);
  }
  *p = (struct pipe){ 0 };
}

void pipe_give(struct pipes *stock, struct pipe *p) {
  if (p->waits == 0)
    pipe_drop(stock, p);
}

void pipe_drop(struct pipes *stock, struct pipe *p) {
  if (p->open && p->waits == 0 && stock->count < PIPE_SPARES) {
    stock->spare[stock->count++] = *p;
    *p = (struct pipe){ 0 };
  } else {
    shut(p);
  }
}

void pipes_free(struct pipes *stock) {
  while (stock->count)
    shut(&stock->spare[--stock->count]);
}

ssize_t pipe_fill(struct pipe *p, int from) {
  assert(p->waits == 0);
  ssize_t n = splice(from, NULL, p->in, NULL, PIPE_CONTENT, FLAGS);
  p->waits = n > 0 ? (size_t)n : 0;
  return n;
}

int pipe_send(struct pipe *p, int to) {
  while (p->waits) {
    ssize_t n = splice(p->out, NULL, to, NULL, p->waits, FLAGS);
    if (n < 0 && errno != EINTR)
      return errno;
    if (n == 0)
      return EIO;
    p->waits -= n > 0 ? (size_t)n : 0;
  }
  return 0;
}
