/* A connection as its loop sees it: handshake, input, events, deadlines, end. */
#include "net/serve.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Events of this round may still point to it: it is freed at the round's end. In later rounds there
 * are none, also where a fork has a copy of the socket for a moment, which would be watched on. */
void conn_close(struct http_conn *c) {
  if (c->state == CONN_CLOSED)
    return;
  c->state = CONN_CLOSED;
  if (c->io.fd >= 0)
    epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, c->io.fd, NULL);
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
  buf_drop(&c->in, c->used);
  c->used = 0;
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
void conn_await_input(struct http_conn *c) {
  if (tls_io_pending(&c->io))
    later(c);
}

void conn_await_head(struct http_conn *c) {
  struct http_server_conf *conf = &c->loop->server->conf;
  if (c->state == CONN_IDLE && c->in.size > 0) {
    c->state = CONN_HEAD;
    conn_deadline(c, conf->head_ms);
  } else if (c->state == CONN_IDLE) {
    spare_buf_back(c->loop, &c->in);
    list_move_last(&c->line, &c->loop->idle);
    conn_deadline(c, c->trimmed ? conf->idle_ms : TRIM_MS);
  }
  conn_await_input(c);
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

/* Whether the next request, or some of it, came with the one before. */
static bool has_ahead(const struct http_conn *c) {
  return c->state == CONN_IDLE && c->in.size > 0;
}

static void await_turn(struct http_conn *c) {
  conn_deadline(c, c->loop->server->conf.head_ms);
  later(c);
}

static void become_idle(struct http_conn *c) {
  c->state = CONN_IDLE;
  if (atomic_load(&c->loop->server->stopping))
    linger(c);
  else if (c->in.size > 0)
    await_turn(c);
  else
    conn_await_head(c);
}

static void advance_drain(struct http_conn *c) {
  struct bytes in = conn_input(c), data;
  size_t before = in.size;
  err_t e = OK;
  while (e == OK && in.size && !c->body.done)
    e = http_body_next(&c->body, &in, &data);
  conn_consume(c, before - in.size);
  c->over += before - in.size;
  if (e != OK || c->over > 2 * DRAIN_MAX) /* chunks have their frames too */
    linger(c);
  else if (c->body.done)
    become_idle(c);
  else
    conn_await_input(c);
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
    request_body(c);
  else if (c->state == CONN_DRAIN)
    advance_drain(c);
  else
    request_head(c);
}

static bool reads(const struct http_conn *c) {
  return c->state == CONN_IDLE || c->state == CONN_HEAD || c->state == CONN_BODY ||
         c->state == CONN_DRAIN;
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
    if (c->state == CONN_IDLE)
      list_move_last(&c->line, &c->loop->idle);
    conn_wait(c, r);
  } else {
    conn_close(c);
  }
}

void conn_again(struct http_conn *c) {
  list_remove(&c->line);
  if (has_ahead(c))
    request_head(c);
  else if (reads(c))
    read_more(c); /* otherwise its deadline has come first */
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
  bool broken = events & (EPOLLHUP | EPOLLERR), left = broken || (events & EPOLLRDHUP);
  /* A request that nobody waits for is not begun. */
  bool unbegun = left && c->state == CONN_AWAY && workers_take_back(c->loop->server->workers, c);
  if (unbegun || (broken && c->state == CONN_HELD)) {
    conn_close(c);
  } else if (!broken) {
    conn_watch(c, left ? 0 : EPOLLRDHUP);
  } else {
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
    if (has_ahead(c)) /* its turn comes: more input now could make nobody look at this */
      break;
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
  timer_stop(&c->loop->wheel, &c->timer);
  if (c->state == CONN_HANDSHAKE)
    open_conn(c);
  else if (c->events == WATCH_GONE || atomic_load(&c->cut) || x->stream == STREAM_BROKEN)
    conn_close(c);
  else if (x->stream == STREAM_NONE)
    conn_answer(c);
  else
    conn_next(c);
}

void conn_timeout(struct timer *t) {
  struct http_conn *c = LIST_ITEM(t, struct http_conn, timer);
  if (c->state == CONN_HEAD || has_ahead(c)) {
    request_refuse(c, MAKE_ERR(ERR_TIMEOUT, "the head did not come in time"));
  } else if (c->state == CONN_IDLE && !c->trimmed) {
    tls_io_trim(&c->io);
    c->trimmed = true;
    conn_deadline(c, c->loop->server->conf.idle_ms);
  } else if (c->state == CONN_IDLE) {
    conn_stop(c, false);
  } else if (c->state == CONN_BODY) {
    conn_refuse(c, MAKE_ERR(ERR_TIMEOUT, "the body did not come in time"), true);
  } else if (c->state == CONN_AWAY) {
    if (workers_take_back(c->loop->server->workers, c))
      conn_refuse(c, MAKE_ERR(ERR_BUSY, "no worker came to it in time"), false);
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

bool conn_drop_idle(struct loop *l) {
  struct http_conn *c =
    list_empty(&l->idle) ? NULL : LIST_ITEM(l->idle.next, struct http_conn, line);
  if (!c || !c->trimmed) /* idle for less than TRIM_MS: it is in use */
    return false;
  conn_stop(c, false);
  return true;
}
