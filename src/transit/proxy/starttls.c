/* Driving a front end (front.h): what it is shown, what it says, before TLS and inside it. */
#include "transit/proxy/front.h"
#include "transit/proxy/pair.h"

#include <errno.h>

#define PIECE 16384 /* bytes that are read at a time */
#define ROUNDS 16   /* pieces that are heard before others get their turn */

enum heard {
  HEARD_NOTHING,
  HEARD_SOME,
  HEARD_OVER /* the pair has ended */
};

void prelude_free(struct prelude *p) {
  if (!p)
    return;
  front_free(p->front);
  buf_free(&p->from_tls);
  buf_free(&p->from_plain);
  buf_free(&p->to_tls);
  buf_free(&p->to_plain);
  mem_free(p);
}

/* The client of a server proxy is on the TLS side, that of a client proxy on the plain one. */
static bool client_has_tls(const struct pair *c) {
  return c->loop->proxy->mode == PROXY_SERVER;
}

static struct buf *to_client(struct pair *c) {
  return client_has_tls(c) ? &c->prelude->to_tls : &c->prelude->to_plain;
}

static struct buf *to_server(struct pair *c) {
  return client_has_tls(c) ? &c->prelude->to_plain : &c->prelude->to_tls;
}

/* tls: where it came from. */
static err_t show(struct pair *c, bool tls, struct bytes in, size_t *used) {
  struct front *f = c->prelude->front;
  *used = 0;
  return tls == client_has_tls(c) ? front_from_client(f, in, used, to_client(c), to_server(c))
                                  : front_from_server(f, in, used, to_client(c), to_server(c));
}

static enum heard over(struct pair *c, enum proxy_end end, const char *why) {
  pair_end(c, end, why);
  return HEARD_OVER;
}

/* Shows what has come from a side and was not used. */
static enum heard show_buf(struct pair *c, bool tls) {
  struct buf *b = tls ? &c->prelude->from_tls : &c->prelude->from_plain;
  size_t used = 0;
  if (b->size == 0)
    return HEARD_NOTHING;
  if (show(c, tls, buf_bytes(b), &used) != OK)
    return over(c, PROXY_END_MEMORY, "");
  buf_drop(b, used);
  return HEARD_SOME;
}

static enum heard hear_plain(struct pair *c) {
  struct buf *b = &c->prelude->from_plain;
  if (c->plain < 0 || !c->readable || b->size >= FRONT_MAX)
    return HEARD_NOTHING;
  if (!buf_reserve(b, PIECE))
    return over(c, PROXY_END_MEMORY, "");
  ssize_t n = recv(c->plain, b->data + b->size, PIECE, 0);
  if (n < 0 && errno == EAGAIN) {
    c->readable = false;
    return HEARD_NOTHING;
  }
  if (n <= 0)
    return over(c, PROXY_END_RESET, n < 0 ? strerror(errno) : "it ended early");
  b->size += (size_t)n;
  return show_buf(c, false);
}

/* Before TLS: only what the front end uses is taken. */
static enum heard look(struct pair *c, struct block *b) {
  size_t used = 0;
  ssize_t n = recv(c->io.fd, b->data, FRONT_MAX, MSG_PEEK);
  if (n < 0 && errno == EAGAIN) {
    c->io.may_recv = false;
    return HEARD_NOTHING;
  }
  if (n <= 0)
    return over(c, PROXY_END_CUT, "before TLS");
  if (show(c, true, bytes_of(b->data, (size_t)n), &used) != OK)
    return over(c, PROXY_END_MEMORY, "");
  if (used > 0 && recv(c->io.fd, b->data, used, 0) != (ssize_t)used)
    return over(c, PROXY_END_CUT, "before TLS");
  if (used > 0 || front_state(c->prelude->front) != FRONT_PLAIN)
    return HEARD_SOME;
  if (n == FRONT_MAX)
    return over(c, PROXY_END_FRONT, "a message is too long");
  c->io.may_recv = false; /* until there is more than this */
  return HEARD_NOTHING;
}

static enum heard look_tls(struct pair *c) {
  struct block b = { 0 };
  if (c->io.fd < 0 || !c->io.may_recv)
    return HEARD_NOTHING;
  if (!block_take(&c->loop->blocks, &b))
    return over(c, PROXY_END_MEMORY, "");
  enum heard h = look(c, &b);
  block_drop(&c->loop->blocks, &b);
  return h;
}

static enum heard hear_tls(struct pair *c) {
  struct buf *b = &c->prelude->from_tls;
  size_t n;
  if (b->size >= FRONT_MAX)
    return HEARD_NOTHING;
  if (!buf_reserve(b, PIECE))
    return over(c, PROXY_END_MEMORY, "");
  enum tls_io_result r = relay_read(c, b->data + b->size, PIECE, &n);
  if (r == TLS_IO_WANT_READ && c->io.may_recv)
    pair_later(c);
  if (r == TLS_IO_WANT_READ)
    return HEARD_NOTHING;
  if (r != TLS_IO_OK) {
    relay_cut(c);
    return HEARD_OVER;
  }
  b->size += n;
  return show_buf(c, true);
}

/* Sending. PUSHED_SOME: the rest when there is room. */

static enum pushed push_raw(struct pair *c, struct buf *b, int fd, struct side *s) {
  while (b->size && fd >= 0) {
    ssize_t n = send(fd, b->data, b->size, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
      return pair_watch(c, s, true) ? PUSHED_SOME : PUSHED_BROKEN;
    if (n < 0 && errno != EINTR)
      return PUSHED_BROKEN;
    buf_drop(b, n > 0 ? (size_t)n : 0);
  }
  return PUSHED_ALL;
}

static enum pushed push_tls(struct pair *c) {
  struct buf *b = &c->prelude->to_tls;
  enum pushed p = PUSHED_ALL;
  while (p == PUSHED_ALL && b->size) {
    size_t n;
    if (!relay_put(c, buf_bytes(b), &n))
      return PUSHED_BROKEN;
    buf_drop(b, n);
    p = relay_push(c, &c->out);
  }
  return p == PUSHED_ALL ? relay_push(c, &c->out) : p;
}

static enum pushed push_all(struct pair *c, bool inside) {
  struct prelude *p = c->prelude;
  enum pushed plain = push_raw(c, &p->to_plain, c->plain, &c->plain_side);
  enum pushed tls = inside ? push_tls(c) : push_raw(c, &p->to_tls, c->io.fd, &c->tls_side);
  if (plain == PUSHED_BROKEN)
    pair_end(c, PROXY_END_RESET, "in the prelude");
  else if (tls == PUSHED_BROKEN)
    pair_end(c, PROXY_END_CUT, "in the prelude");
  return plain > tls ? plain : tls;
}

static enum step_result refuse(struct pair *c) {
  c->told = true; /* by what was sent */
  return pair_refuse(c, PROXY_END_FRONT, TLS_FAILURE_NONE, front_why(c->prelude->front));
}

static enum step_result wrong(struct pair *c) {
  return pair_end(c, PROXY_END_FRONT, "it goes on without TLS");
}

static err_t begin(struct pair *c) {
  bool server = c->loop->proxy->mode == PROXY_SERVER;
  if (!(c->prelude = mem_zalloc(sizeof *c->prelude)))
    return ERR_NOMEM;
  return front_new(c->loop->proxy->front, server ? FRONT_SERVER : FRONT_CLIENT, &c->prelude->front);
}

void prelude_secured(struct pair *c) {
  if (c->prelude)
    c->prelude->inside = true;
}

/* As far as it goes out at once. The front end still thinks that TLS is to begin. */
bool prelude_tell(struct pair *c, const char *why) {
  if (!c->loop->proxy->front || (!c->prelude && begin(c) != OK) ||
      front_refuse(c->prelude->front, why, to_client(c)) != OK)
    return false;
  if (!client_has_tls(c))
    push_raw(c, &c->prelude->to_plain, c->plain, &c->plain_side);
  else if (!c->prelude->inside)
    push_raw(c, &c->prelude->to_tls, c->io.fd, &c->tls_side);
  else if (push_tls(c) == PUSHED_ALL && block_take(&c->loop->blocks, &c->out.block)) {
    tls_io_finish(&c->io);
    relay_push(c, &c->out);
  }
  return true;
}

/* What is for a server that is not connected yet waits. */
enum step_result step_front(struct pair *c) {
  if (!c->loop->proxy->front)
    return STEP_DONE;
  if (!c->prelude && begin(c) != OK)
    return pair_end(c, PROXY_END_MEMORY, "");
  for (int i = 0; i < ROUNDS; i++) {
    enum pushed p = push_all(c, false);
    enum front_state s = front_state(c->prelude->front);
    if (p != PUSHED_ALL)
      return p == PUSHED_SOME ? STEP_WAIT : STEP_OVER;
    if (s != FRONT_PLAIN)
      return s == FRONT_TLS ? STEP_DONE : s == FRONT_REFUSED ? refuse(c) : wrong(c);
    enum heard h = look_tls(c);
    if (h == HEARD_NOTHING)
      h = hear_plain(c);
    if (h != HEARD_SOME)
      return h == HEARD_NOTHING ? STEP_WAIT : STEP_OVER;
  }
  pair_later(c);
  return STEP_WAIT;
}

/* Once both sides are there. What came before TLS and was kept is shown again now. */
static enum heard enter(struct pair *c) {
  struct prelude *p = c->prelude;
  if (p->entered)
    return HEARD_SOME;
  p->entered = true;
  front_secured(p->front);
  return front_state(p->front) == FRONT_INSIDE ? show_buf(c, false) : HEARD_SOME;
}

/* What was not used goes on as it is. */
static void pass_on(struct pair *c) {
  struct prelude *p = c->prelude;
  buf_put_bytes(&p->to_plain, buf_bytes(&p->from_tls));
  buf_put_bytes(&p->to_tls, buf_bytes(&p->from_plain));
  buf_clear(&p->from_tls);
  buf_clear(&p->from_plain);
}

static enum heard hear(struct pair *c) {
  enum heard h = hear_tls(c);
  return h == HEARD_NOTHING ? hear_plain(c) : h;
}

static enum step_result finish(struct pair *c) {
  prelude_free(TAKE(c->prelude));
  return STEP_DONE;
}

enum step_result step_inside(struct pair *c) {
  if (!c->prelude)
    return STEP_DONE;
  if (enter(c) == HEARD_OVER)
    return STEP_OVER;
  for (int i = 0; i < ROUNDS; i++) {
    enum front_state s = front_state(c->prelude->front);
    if (s == FRONT_THROUGH)
      pass_on(c);
    if (buf_ok(&c->prelude->to_tls) != OK || buf_ok(&c->prelude->to_plain) != OK)
      return pair_end(c, PROXY_END_MEMORY, "");
    enum pushed p = push_all(c, true);
    if (p != PUSHED_ALL)
      return p == PUSHED_SOME ? STEP_WAIT : STEP_OVER;
    if (s != FRONT_INSIDE)
      return s == FRONT_THROUGH ? finish(c) : s == FRONT_REFUSED ? refuse(c) : wrong(c);
    enum heard h = hear(c);
    if (h != HEARD_SOME)
      return h == HEARD_NOTHING ? STEP_WAIT : STEP_OVER;
  }
  pair_later(c);
  return STEP_WAIT;
}
