/* A connection's life, as its loop sees it: handshake, head, body, hand-over, drain, close. */
#include "base/log.h"
#include "net/serve.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Recorded like any other, so that what an earlier error said is not told to this client. */
#define MAKE_ERR(e, why) err_fail((e), __FILE__, __LINE__, "%s", (why))
#define WATCH_GONE UINT32_MAX /* epoll does not know the socket any more */

struct http_conn *conn_new(struct loop *l, int fd, const char *peer) {
  struct http_conn *c = mem_zalloc(sizeof *c);
  if (!c) {
    close(fd);
    return NULL;
  }
  c->source.kind = SOURCE_CONN;
  c->loop = l;
  list_init(&c->all);
  list_init(&c->line);
  timer_init(&c->timer);
  c->io = TLS_IO_CLOSED;
  c->io.fd = fd;
  snprintf(c->peer, sizeof c->peer, "%s", peer);
  atomic_fetch_add(&l->load, 1);
  atomic_fetch_add(&l->server->connections, 1);
  return c;
}

void conn_free(struct http_conn *c) {
  list_remove(&c->all);
  list_remove(&c->line);
  timer_stop(&c->loop->wheel, &c->timer);
  tls_io_close(&c->io);
  atomic_fetch_sub(&c->loop->server->connections, 1);
  atomic_fetch_sub(&c->loop->load, 1);
  mem_free(c);
}

/* The exchange is over, answered or broken off. */
static void end_exchange(struct http_conn *c) {
  struct exchange *x = TAKE(c->x);
  if (!x)
    return;
  struct http_app *app = &c->loop->server->app;
  if (x->headed)
    app->done(app->ctx, &x->pub);
  spare_exchange_back(c->loop, x);
}

/* Events of this round may still point to it: it is freed at the round's end. */
void conn_close(struct http_conn *c) {
  if (c->state == CONN_CLOSED)
    return;
  c->state = CONN_CLOSED;
  end_exchange(c);
  spare_buf_back(c->loop, &c->in);
  spare_buf_back(c->loop, &c->out);
  timer_stop(&c->loop->wheel, &c->timer);
  tls_io_close(&c->io);
  list_move_last(&c->line, &c->loop->dead);
}

void conn_watch(struct http_conn *c, uint32_t events) {
  struct epoll_event e = { .events = events, .data.ptr = c };
  if (c->events == events || c->events == WATCH_GONE)
    return;
  epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->io.fd, &e);
  c->events = events;
}

void conn_deadline(struct http_conn *c, unsigned ms) {
  timer_set(&c->loop->wheel, &c->timer, c->loop->now_ms, ms);
}

void conn_wait(struct http_conn *c, enum tls_io_result want) {
  conn_watch(c, want == TLS_IO_WANT_WRITE ? EPOLLOUT : EPOLLIN);
}

/* The input buffer. */

struct bytes conn_input(const struct http_conn *c) {
  return c->in.data ? bytes_of(c->in.data + c->used, c->in.size - c->used) : (struct bytes){ 0 };
}

void conn_consume(struct http_conn *c, size_t n) {
  c->used += n;
  if (c->used == c->in.size) {
    c->used = 0;
    buf_clear(&c->in);
  }
}

enum tls_io_result conn_fill(struct http_conn *c) {
  if (c->used > 0) {
    memmove(c->in.data, c->in.data + c->used, c->in.size - c->used);
    c->in.size -= c->used;
    c->used = 0;
  }
  size_t n;
  if (!buf_reserve(&c->in, READ_ROOM))
    return TLS_IO_FAILED;
  enum tls_io_result r = tls_io_read(&c->io, c->in.data + c->in.size, c->in.room - c->in.size, &n);
  if (r == TLS_IO_OK)
    c->in.size += n;
  return r;
}

/* Its turn comes after the others' of this round: what it has sent ahead gives it no precedence. */
static void later(struct http_conn *c) {
  list_move_last(&c->line, &c->loop->again);
}

/* All input was looked at. Bytes that TLS has already would not wake epoll. */
static void await_input(struct http_conn *c) {
  if (tls_io_pending(&c->io))
    later(c);
}

/* From head to handler. */

static bool new_exchange(struct http_conn *c) {
  c->x = spare_exchange(c->loop);
  if (!c->x) {
    conn_close(c);
    return false;
  }
  c->x->pub.conn = c;
  memcpy(c->x->pub.req.peer, c->peer, sizeof c->peer);
  return true;
}

static void to_worker(struct http_conn *c) {
  c->state = CONN_AWAY;
  list_remove(&c->line);
  timer_stop(&c->loop->wheel, &c->timer);
  if (!workers_put(c->loop->server->workers, c))
    conn_refuse(c, MAKE_ERR(ERR_BUSY, "too many requests wait for a worker"), false);
}

static void dispatch(struct http_conn *c) {
  struct http_app *app = &c->loop->server->app;
  if (c->x->pub.lane == HTTP_FAST) {
    app->handle(app->ctx, &c->x->pub);
    conn_answer(c);
  } else {
    to_worker(c);
  }
}

/* Moves what has come of the body to where it is gathered. */
static err_t gather(struct http_conn *c) {
  struct exchange *x = c->x;
  struct bytes in = conn_input(c), data;
  size_t before = in.size;
  if (!x->body.data)
    x->body = spare_buf(c->loop);
  while (in.size && !c->body.done) {
    TRY(http_body_next(&c->body, &in, &data));
    if (data.size > x->pub.body_max - x->body.size)
      FAIL(ERR_TOO_LARGE, "a body of more than %zu bytes", x->pub.body_max);
    buf_put_bytes(&x->body, data);
    TRY(buf_ok(&x->body));
  }
  conn_consume(c, before - in.size);
  return OK;
}

static void advance_body(struct http_conn *c) {
  err_t e = gather(c);
  if (e != OK) {
    conn_refuse(c, e, true);
  } else if (c->body.done) {
    c->x->pub.req.body = buf_bytes(&c->x->body);
    dispatch(c);
  } else {
    await_input(c);
  }
}

/* A client that waits for it has read all that was sent before: the few bytes find room, or the
 * client is not one to be served. */
static bool send_continue(struct http_conn *c) {
  static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
  size_t n;
  return tls_io_write(&c->io, line, sizeof line - 1, &n) == TLS_IO_OK && n == sizeof line - 1;
}

static void await_body(struct http_conn *c) {
  struct exchange *x = c->x;
  if (x->frame.length > x->pub.body_max) {
    conn_refuse(c, MAKE_ERR(ERR_TOO_LARGE, "the declared body is too large"), true);
    return;
  }
  if (c->body.done) {
    dispatch(c);
    return;
  }
  c->state = CONN_BODY;
  conn_deadline(c, c->loop->server->conf.body_ms);
  if (x->frame.expect && conn_input(c).size == 0 && !tls_io_pending(&c->io) && !send_continue(c)) {
    conn_close(c);
    return;
  }
  x->frame.expect = false;
  advance_body(c);
}

/* The head becomes the exchange's, with all that came behind it: *rest. */
static err_t take_head(struct http_conn *c, size_t size, struct bytes *rest) {
  struct exchange *x = c->x;
  struct bytes in = conn_input(c), head = bytes_of(in.data, size);
  *rest = bytes_of(in.data + size, in.size - size);
  x->head = c->in;
  c->in = BUF_EMPTY;
  c->used = 0;
  c->scan = (struct http_scan){ 0 };
  TRY(http_parse_head(head, &x->pub.req, &x->frame));
  http_body_init(&c->body, &x->frame);
  return OK;
}

/* A body that is there already and in one piece stays where it is; what is behind the head
 * otherwise becomes the input. */
static err_t take_rest(struct http_conn *c, struct bytes rest) {
  struct exchange *x = c->x;
  if (x->pub.lane != HTTP_STREAM && !x->frame.chunked && x->frame.length <= rest.size)
    TRY(http_body_next(&c->body, &rest, &x->pub.req.body));
  if (rest.size) {
    c->in = spare_buf(c->loop);
    buf_put_bytes(&c->in, rest);
  }
  return buf_ok(&c->in);
}

static void begin_exchange(struct http_conn *c, size_t head_size) {
  struct http_server *s = c->loop->server;
  struct bytes rest;
  if (!new_exchange(c))
    return;
  struct http_exchange *pub = &c->x->pub;
  err_t e = take_head(c, head_size, &rest);
  if (e == OK) {
    atomic_fetch_add_explicit(&c->loop->requests, 1, memory_order_relaxed);
    c->x->headed = true;
    pub->lane = s->app.head(s->app.ctx, pub);
    e = take_rest(c, rest);
  }
  if (e != OK)
    conn_refuse(c, e, true);
  else if (pub->lane == HTTP_ANSWERED)
    conn_answer(c);
  else if (pub->lane == HTTP_STREAM)
    to_worker(c);
  else
    await_body(c);
}

static void await_head(struct http_conn *c) {
  struct http_server_conf *conf = &c->loop->server->conf;
  if (c->state == CONN_IDLE && c->in.size > 0) {
    c->state = CONN_HEAD;
    conn_deadline(c, conf->head_ms);
  } else if (c->state == CONN_IDLE) {
    spare_buf_back(c->loop, &c->in);
    conn_deadline(c, c->trimmed ? conf->idle_ms : TRIM_MS);
  }
  await_input(c);
}

/* There is no exchange yet that could be answered. */
static void refuse_head(struct http_conn *c, err_t e) {
  if (new_exchange(c))
    conn_refuse(c, e, true);
}

static void advance_head(struct http_conn *c) {
  size_t head_size = 0;
  err_t e = http_scan_head(&c->scan, conn_input(c), c->loop->server->conf.head_max, &head_size);
  if (e == OK && head_size == 0) {
    await_head(c);
  } else if (e == OK) {
    begin_exchange(c, head_size);
  } else {
    refuse_head(c, e);
  }
}

/* From answer to next request, or to the end. */

/* The client may still be sending: closing at once would make its kernel drop the answer. */
static void linger(struct http_conn *c) {
  tls_io_shutdown(&c->io);
  c->state = CONN_LINGER;
  c->over = 0;
  conn_watch(c, EPOLLIN);
  conn_deadline(c, LINGER_MS);
}

static void advance_linger(struct http_conn *c) {
  size_t n = 0;
  enum tls_io_result r = tls_io_discard(&c->io, &n);
  c->over += n;
  if ((r != TLS_IO_OK && r != TLS_IO_WANT_READ) || c->over > LINGER_MAX)
    conn_close(c);
}

bool conn_can_drain(const struct http_conn *c) {
  if (c->body.done)
    return true;
  return !c->x->frame.expect && (c->body.chunked || c->body.left <= DRAIN_MAX);
}

static void become_idle(struct http_conn *c) {
  c->state = CONN_IDLE;
  if (atomic_load(&c->loop->server->stopping))
    linger(c);
  else if (c->in.size > 0)
    later(c);
  else
    await_head(c);
}

static void advance_drain(struct http_conn *c) {
  struct bytes in = conn_input(c), data;
  size_t before = in.size;
  err_t e = OK;
  while (e == OK && in.size && !c->body.done)
    e = http_body_next(&c->body, &in, &data);
  conn_consume(c, before - in.size);
  c->over += before - in.size;
  if (e != OK || c->over > 2 * DRAIN_MAX)
    linger(c);
  else if (c->body.done)
    become_idle(c);
  else
    await_input(c);
}

void conn_next(struct http_conn *c) {
  end_exchange(c);
  c->sent = 0;
  spare_buf_back(c->loop, &c->out);
  if (c->last) {
    linger(c);
    return;
  }
  conn_watch(c, EPOLLIN);
  if (c->body.done) {
    become_idle(c);
    return;
  }
  c->state = CONN_DRAIN;
  c->over = 0;
  conn_deadline(c, c->loop->server->conf.body_ms);
  advance_drain(c);
}

/* Events. */

static void advance(struct http_conn *c) {
  if (c->state == CONN_BODY)
    advance_body(c);
  else if (c->state == CONN_DRAIN)
    advance_drain(c);
  else
    advance_head(c);
}

static void read_more(struct http_conn *c) {
  if (!c->in.data)
    c->in = spare_buf(c->loop);
  enum tls_io_result r = conn_fill(c);
  if (r == TLS_IO_OK) {
    c->trimmed = false;
    conn_watch(c, EPOLLIN);
    advance(c);
  } else if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE) {
    if (c->in.size == 0)
      spare_buf_back(c->loop, &c->in);
    conn_wait(c, r);
  } else {
    conn_close(c);
  }
}

void conn_again(struct http_conn *c) {
  list_remove(&c->line);
  if (c->state == CONN_IDLE && c->in.size > 0)
    advance_head(c);
  else
    read_more(c);
}

static void advance_handshake(struct http_conn *c) {
  enum tls_io_result r = tls_io_handshake(&c->io);
  if (r == TLS_IO_OK) {
    tls_io_trim(&c->io);
    c->trimmed = true;
    conn_watch(c, EPOLLIN);
    become_idle(c);
  } else if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE) {
    conn_wait(c, r);
  } else {
    atomic_fetch_add_explicit(&c->loop->handshake_failures, 1, memory_order_relaxed);
    conn_close(c);
  }
}

/* What comes while nobody may read it only tells whether the client is still there. */
static void not_now(struct http_conn *c, uint32_t events) {
  if (!(events & (EPOLLHUP | EPOLLERR))) {
    conn_watch(c, 0);
  } else if (c->state == CONN_HELD) {
    conn_close(c);
  } else {
    c->gone = true;
    epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, c->io.fd, NULL);
    c->events = WATCH_GONE;
  }
}

void conn_event(struct http_conn *c, uint32_t events) {
  switch (c->state) {
  case CONN_CLOSED:
    break;
  case CONN_HANDSHAKE:
    advance_handshake(c);
    break;
  case CONN_AWAY:
  case CONN_HELD:
    not_now(c, events);
    break;
  case CONN_WRITE:
    conn_flush(c);
    break;
  case CONN_LINGER:
    advance_linger(c);
    break;
  default:
    list_remove(&c->line);
    read_more(c);
  }
}

static void open_conn(struct http_conn *c) {
  struct loop *l = c->loop;
  struct http_server *s = l->server;
  struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
  pthread_mutex_lock(&s->tls_lock);
  AUTO(tls) struct tls *tls = tls_ref(s->tls);
  pthread_mutex_unlock(&s->tls_lock);
  list_move_last(&c->all, &l->conns);
  if (atomic_load(&s->stopping) || tls_io_accept(&c->io, tls, c->io.fd) != OK ||
      epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->io.fd, &e) != 0) {
    conn_close(c);
    return;
  }
  c->events = EPOLLIN;
  conn_deadline(c, s->conf.handshake_ms);
}

void conn_arrive(struct http_conn *c) {
  struct exchange *x = c->x;
  if (c->state == CONN_HANDSHAKE)
    open_conn(c);
  else if (c->gone || atomic_load(&c->cut) || x->stream == STREAM_BROKEN)
    conn_close(c);
  else if (x->stream == STREAM_NONE)
    conn_answer(c);
  else
    conn_next(c);
}

void conn_timeout(struct timer *t) {
  struct http_conn *c = LIST_ITEM(t, struct http_conn, timer);
  if (c->state == CONN_IDLE && !c->trimmed) {
    tls_io_trim(&c->io);
    c->trimmed = true;
    conn_deadline(c, c->loop->server->conf.idle_ms);
  } else if (c->state == CONN_IDLE) {
    conn_stop(c, false);
  } else if (c->state == CONN_BODY) {
    conn_refuse(c, MAKE_ERR(ERR_TIMEOUT, "the body did not come in time"), true);
  } else if (c->state == CONN_HEAD) {
    refuse_head(c, MAKE_ERR(ERR_TIMEOUT, "the head did not come in time"));
  } else {
    conn_close(c);
  }
}

/* Idle connections are told; those with something under way are not touched unless cut off. */
void conn_stop(struct http_conn *c, bool cut) {
  if (c->state == CONN_IDLE && c->in.size == 0) {
    tls_io_shutdown(&c->io);
    conn_close(c);
  } else if (c->state == CONN_AWAY && cut) {
    atomic_store(&c->cut, true);
    shutdown(c->io.fd, SHUT_RDWR);
  } else if (cut || c->state == CONN_HANDSHAKE) {
    conn_close(c);
  }
}
