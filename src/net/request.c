/* A request's way from its first byte to its handler. */
#include "net/serve.h"

static bool new_exchange(struct http_conn *c) {
  c->x = spare_exchange(c->loop);
  if (!c->x) {
    conn_close(c);
    return false;
  }
  c->body = (struct http_body){ 0 };
  c->x->pub.conn = c;
  memcpy(c->x->pub.req.peer, c->peer, sizeof c->peer);
  return true;
}

static void to_worker(struct http_conn *c) {
  c->state = CONN_AWAY;
  list_remove(&c->line);
  conn_deadline(c, c->loop->server->conf.queue_ms);
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

void request_body(struct http_conn *c) {
  err_t e = gather(c);
  if (e != OK) {
    conn_refuse(c, e, true);
  } else if (c->body.done) {
    c->x->pub.req.body = buf_bytes(&c->x->body);
    dispatch(c);
  } else {
    conn_await_input(c);
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
  request_body(c);
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
  else if (c->x->frame.length > pub->body_max)
    conn_refuse(c, MAKE_ERR(ERR_TOO_LARGE, "the declared body is too large"), true);
  else if (pub->lane == HTTP_STREAM)
    to_worker(c);
  else
    await_body(c);
}

/* There is no exchange yet that could be answered. */
void request_refuse(struct http_conn *c, err_t e) {
  if (new_exchange(c))
    conn_refuse(c, e, true);
}

void request_head(struct http_conn *c) {
  size_t head_size = 0;
  err_t e = http_scan_head(&c->scan, conn_input(c), c->loop->server->conf.head_max, &head_size);
  if (e == OK && head_size == 0) {
    conn_await_head(c);
  } else if (e == OK) {
    begin_exchange(c, head_size);
  } else {
    request_refuse(c, e);
  }
}
