/* Moving bytes: the two flows of a pair, their ends, and what a pair that rests gives back. */
#include "transit/proxy/pair.h"

#include <errno.h>

#define ROUNDS 4 /* blocks a direction before others get their turn */

enum moved {
  MOVED_NOTHING, /* waits for its input or for room */
  MOVED_SOME,
  MOVED_OVER /* the pair has ended */
};

static bool towards_tls(const struct pair *c, const struct flow *f) {
  return f == &c->out;
}

enum pushed relay_push(struct pair *c, struct flow *f) {
  bool tls = towards_tls(c, f);
  int e = block_send(&f->block, tls ? c->io.fd : c->plain);
  if (e == 0 && tls)
    e = pipe_send(&c->pipe, c->io.fd);
  if (e == EAGAIN)
    return pair_watch(c, tls ? &c->tls_side : &c->plain_side, true) ? PUSHED_SOME : PUSHED_BROKEN;
  block_give(&c->loop->blocks, &f->block);
  return e ? PUSHED_BROKEN : PUSHED_ALL;
}

bool relay_put(struct pair *c, struct bytes content, size_t *n) {
  enum tls_io_result r = TLS_IO_OK;
  *n = 0;
  if (!block_take(&c->loop->blocks, &c->out.block))
    return false;
  if (c->io.kernel)
    *n = block_put(&c->out.block, content);
  while (!c->io.kernel && r == TLS_IO_OK && *n < content.size) {
    size_t one = 0;
    r = tls_io_write(&c->io, content.data + *n, content.size - *n, &one);
    *n += one;
  }
  c->out.bytes += *n;
  COUNT(c->loop->counts.sent, *n);
  return r == TLS_IO_OK || r == TLS_IO_WANT_WRITE; /* the latter: the block is full */
}

enum tls_io_result relay_read(struct pair *c, void *to, size_t room, size_t *n) {
  enum tls_io_result r = TLS_IO_FAILED;
  *n = 0;
  if (!block_take(&c->loop->blocks, &c->out.block))
    return r;
  r = tls_io_read(&c->io, to, room, n);
  if (r != TLS_IO_OK)
    return r;
  c->in.bytes += *n;
  COUNT(c->loop->counts.received, *n);
  return r;
}

/* In TLS 1.3 a client learns only after the handshake that the server does not want it. */
enum step_result relay_cut(struct pair *c) {
  const char *detail;
  enum tls_failure f = tls_io_failure(&c->io, &detail);
  if (f == TLS_FAILURE_REFUSED && c->in.bytes == 0) {
    pair_log(c, f, detail);
    return pair_break(c, PROXY_END_HANDSHAKE, f, detail);
  }
  return pair_end(c, PROXY_END_CUT, *detail ? detail : tls_failure_meaning(f));
}

/* A side is broken from which nothing more was expected: what goes there goes nowhere. */
bool relay_broken(const struct pair *c, bool tls) {
  return tls ? c->in.done : c->out.done;
}

/* From the TLS side to the plain one. */

/* The plain side takes nothing more; what it has said may still be on its way. */
static enum moved tear(struct pair *c) {
  c->torn = c->in.done = true;
  block_drop(&c->loop->blocks, &c->in.block);
  return MOVED_SOME;
}

static enum moved push_in(struct pair *c, enum moved so_far) {
  enum pushed p = relay_push(c, &c->in);
  if (p == PUSHED_BROKEN)
    return tear(c);
  if (p == PUSHED_SOME || !c->in.ended)
    return p == PUSHED_SOME ? MOVED_NOTHING : so_far;
  shutdown(c->plain, SHUT_WR);
  c->in.done = true;
  return MOVED_SOME;
}

static enum moved move_in(struct pair *c) {
  struct flow *f = &c->in;
  enum tls_io_result r = TLS_IO_OK;
  if (f->done)
    return MOVED_NOTHING;
  if (block_size(&f->block) || f->ended) {
    enum moved m = push_in(c, MOVED_SOME);
    if (m != MOVED_SOME || f->done)
      return m;
  }
  if (!c->io.may_recv && !tls_io_pending(&c->io))
    return MOVED_NOTHING;
  if (!block_take(&c->loop->blocks, &f->block)) {
    pair_end(c, PROXY_END_MEMORY, "");
    return MOVED_OVER;
  }
  while (r == TLS_IO_OK && f->block.end < BLOCK_CONTENT) {
    size_t n;
    r = relay_read(c, f->block.data + f->block.end, BLOCK_CONTENT - f->block.end, &n);
    f->block.end += (uint32_t)n;
  }
  if (r == TLS_IO_FAILED || r == TLS_IO_WANT_WRITE) {
    relay_cut(c);
    return MOVED_OVER;
  }
  f->ended = r == TLS_IO_EOF;
  bool more = r == TLS_IO_OK || (r == TLS_IO_WANT_READ && c->io.may_recv);
  return push_in(c, more ? MOVED_SOME : MOVED_NOTHING);
}

/* From the plain side to the TLS one. */

static enum moved broken(struct pair *c, const char *why) {
  pair_torn(c, why);
  return MOVED_OVER;
}

/* The TLS side takes nothing more; what it has said last may say why. */
static enum moved lost(struct pair *c) {
  uint8_t last[1024];
  size_t n;
  c->io.may_recv = true;
  if (relay_read(c, last, sizeof last, &n) == TLS_IO_FAILED)
    relay_cut(c);
  else
    pair_end(c, PROXY_END_CUT, "the peer takes nothing more");
  return MOVED_OVER;
}

static enum moved push_out(struct pair *c, enum moved so_far) {
  enum pushed p = relay_push(c, &c->out);
  if (p == PUSHED_BROKEN)
    return lost(c);
  if (p == PUSHED_SOME || !c->out.ended)
    return p == PUSHED_SOME ? MOVED_NOTHING : so_far;
  if (c->torn)
    return broken(c, "the plain side took nothing more");
  if (!c->said) {
    if (!block_take(&c->loop->blocks, &c->out.block))
      return broken(c, "out of memory");
    enum tls_io_result r = tls_io_finish(&c->io);
    if (r == TLS_IO_WANT_WRITE && pair_watch(c, &c->tls_side, true))
      return MOVED_NOTHING;
    if (r != TLS_IO_OK)
      return lost(c);
    c->said = true;
    return push_out(c, so_far);
  }
  shutdown(c->io.fd, SHUT_WR);
  c->out.done = true;
  return MOVED_SOME;
}

/* As much as there is, at most a block: -1 and errno, 0 at the end. */
static ssize_t read_plain(struct pair *c, struct block *b) {
  ssize_t n = recv(c->plain, b->data, BLOCK_CONTENT, 0);
  if (n < BLOCK_CONTENT && !(n > 0 && c->gone) && !(n < 0 && errno == EINTR))
    c->readable = false; /* told of changes only: that was all */
  return n;
}

static enum moved put_out(struct pair *c, const struct block *b, size_t size) {
  size_t n;
  if (!relay_put(c, bytes_of(b->data, size), &n) || n < size) {
    relay_cut(c);
    return MOVED_OVER;
  }
  return MOVED_SOME;
}

/* n as of recv(), with errno e. */
static enum moved came(struct pair *c, ssize_t n, int e) {
  if (n < 0 && e == EAGAIN)
    return MOVED_NOTHING;
  if (n < 0 && e != EINTR)
    return broken(c, strerror(e));
  c->out.ended = n == 0;
  return push_out(c, MOVED_SOME);
}

static enum moved copy_out(struct pair *c) {
  struct block got = { 0 };
  if (!block_take(&c->loop->blocks, &got))
    return broken(c, "out of memory");
  ssize_t n = read_plain(c, &got);
  int e = n < 0 ? errno : 0;
  enum moved m = n > 0 ? put_out(c, &got, (size_t)n) : MOVED_NOTHING;
  block_drop(&c->loop->blocks, &got);
  return m == MOVED_OVER ? m : came(c, n, e);
}

/* How much came says nothing here: what a pipe holds depends on the pieces. */
static enum moved splice_out(struct pair *c) {
  ssize_t n = pipe_fill(&c->pipe, c->plain);
  int e = n < 0 ? errno : 0;
  if (e == EAGAIN)
    c->readable = false;
  if (n > 0) {
    c->out.bytes += (size_t)n;
    COUNT(c->loop->counts.sent, (size_t)n);
  }
  return came(c, n, e);
}

static enum moved move_out(struct pair *c) {
  struct flow *f = &c->out;
  if (f->done)
    return MOVED_NOTHING;
  if (block_size(&f->block) || c->pipe.waits || f->ended) {
    enum moved m = push_out(c, MOVED_SOME);
    if (m != MOVED_SOME || f->done)
      return m;
  }
  if (!c->readable)
    return MOVED_NOTHING;
  return c->io.kernel && pipe_take(&c->loop->pipes, &c->pipe) ? splice_out(c) : copy_out(c);
}

/* Both. */

static void give_back(struct pair *c) {
  block_give(&c->loop->blocks, &c->in.block);
  block_give(&c->loop->blocks, &c->out.block);
  pipe_give(&c->loop->pipes, &c->pipe);
}

/* TLS has buffers of its own, 85 KiB, while something moves. They are kept for what comes next at
 * once, and not longer: many connections that do something now and then shall not hold them all. */
void relay_cool(struct loop *l) {
  while (!list_empty(&l->warm)) {
    struct pair *c = LIST_ITEM(l->warm.next, struct pair, warm);
    if (l->now_ms - c->rests_ms < WARM_MS)
      return;
    list_remove(&c->warm);
    tls_io_trim(&c->io);
  }
}

static bool is_half(const struct pair *c) {
  return c->in.done || c->out.done;
}

static enum step_result rest(struct pair *c) {
  const struct proxy_limits *limits = &c->loop->proxy->limits;
  give_back(c);
  c->rests_ms = c->loop->now_ms;
  list_move_last(&c->warm, &c->loop->warm);
  pair_deadline(c, is_half(c) ? limits->half_ms : limits->idle_ms);
  return STEP_WAIT;
}

/* A peer that only changes keys makes work and brings nothing: it waits for its turn. */
enum step_result step_relay(struct pair *c) {
  uint64_t before = UINT64_MAX;
  for (int i = 0; i < ROUNDS && before != c->in.bytes + c->out.bytes; i++) {
    before = c->in.bytes + c->out.bytes;
    enum moved in = move_in(c), out = in == MOVED_OVER ? in : move_out(c);
    if (out == MOVED_OVER)
      return STEP_OVER;
    if (c->in.done && c->out.done)
      return c->torn ? pair_torn(c, "the plain side took nothing more")
                     : pair_end(c, PROXY_END_DONE, "");
    if (in == MOVED_NOTHING && out == MOVED_NOTHING)
      return rest(c);
  }
  pair_later(c);
  return rest(c);
}

/* Nothing has moved for as long as is allowed. */
void relay_timeout(struct pair *c) {
  pair_end(c, PROXY_END_IDLE, is_half(c) ? "one direction had ended" : "");
}
