/* From a finished response to bytes on the wire: holding, writing, refusing. */
#include "base/log.h"
#include "net/message.h"
#include "net/serve.h"

static bool sendable(const struct http_response *r) {
  return r->status >= 200 && r->status <= 599 && !r->headers.failed && !r->body.failed;
}

static bool closes(const struct http_conn *c) {
  const struct exchange *x = c->x;
  return x->pub.res.close || x->frame.close || !conn_can_drain(c) ||
         atomic_load(&c->loop->server->stopping);
}

/* Head and body go out as one record where they fit in one: the front of the body is copied behind
 * the head, the rest is written from where it is. */
void conn_send(struct http_conn *c) {
  struct exchange *x = c->x;
  struct http_response *r = &x->pub.res;
  bool none = http_bodyless(r->status), head = x->pub.req.method == HTTP_HEAD;
  if (!sendable(r)) {
    conn_close(c);
    return;
  }
  c->last = closes(c);
  if (!c->out.data)
    c->out = spare_buf(c->loop);
  http_put_head(&c->out, r, none ? HTTP_BODY_NONE : HTTP_BODY_LENGTH,
                head && r->has_length ? r->length : r->body.size, c->last);
  x->body_sent = r->body.size;
  if (!none && !head) {
    size_t room = c->out.size < READ_ROOM ? READ_ROOM - c->out.size : 0;
    x->body_sent = r->body.size < room ? r->body.size : room;
    buf_put(&c->out, r->body.data, x->body_sent);
  }
  if (buf_ok(&c->out) != OK) {
    conn_close(c);
    return;
  }
  c->state = CONN_WRITE;
  conn_flush(c);
}

void conn_flush(struct http_conn *c) {
  struct exchange *x = c->x;
  struct buf *body = &x->pub.res.body;
  for (;;) {
    bool from_out = c->sent < c->out.size;
    struct bytes rest = from_out ? bytes_of(c->out.data + c->sent, c->out.size - c->sent)
                                 : bytes_of(body->data + x->body_sent, body->size - x->body_sent);
    if (rest.size == 0) {
      conn_next(c);
      return;
    }
    size_t n = 0;
    enum tls_io_result r = tls_io_write(&c->io, rest.data, rest.size, &n);
    *(from_out ? &c->sent : &x->body_sent) += n;
    if (r == TLS_IO_OK)
      continue;
    if (r == TLS_IO_WANT_WRITE || r == TLS_IO_WANT_READ) {
      conn_wait(c, r);
      conn_deadline(c, c->loop->server->conf.write_ms);
    } else {
      conn_close(c);
    }
    return;
  }
}

/* In the order of their numbers: they come nearly sorted, so the place is found from the end. */
static void park(struct http_conn *c) {
  struct loop *l = c->loop;
  struct list *at = l->held.prev;
  while (at != &l->held &&
         LIST_ITEM(at, struct http_conn, line)->x->pub.res.hold > c->x->pub.res.hold)
    at = at->prev;
  c->state = CONN_HELD;
  timer_stop(&l->wheel, &c->timer);
  list_move_behind(&c->line, at);
}

static void refuse(struct http_conn *c, err_t e, bool close) {
  struct http_app *app = &c->loop->server->app;
  struct http_response *r = &c->x->pub.res;
  close = close || r->close; /* where the next request starts may not be known */
  buf_clear(&r->headers);
  buf_clear(&r->body);
  *r = (struct http_response){ .headers = r->headers, .body = r->body };
  atomic_fetch_add_explicit(&c->loop->refused, 1, memory_order_relaxed);
  app->refuse(app->ctx, &c->x->pub, e);
  r->close = r->close || close;
}

static void hold_or_send(struct http_conn *c) {
  struct http_gate *g = c->loop->server->gate;
  uint64_t number = c->x->pub.res.hold;
  bool passed = true;
  if (g && number) {
    err_t e = gate_check(g, number, &passed);
    if (e != OK)
      refuse(c, e, false);
  }
  if (passed)
    conn_send(c);
  else
    park(c);
}

void conn_let_go(struct http_conn *c) {
  list_remove(&c->line);
  hold_or_send(c);
}

void conn_answer(struct http_conn *c) {
  const struct http_response *r = &c->x->pub.res;
  if (r->headers.failed || r->body.failed) {
    refuse(c, MAKE_ERR(ERR_NOMEM, "no memory for the response"), false);
  } else if (!sendable(r)) {
    log_error("net", "a handler left no status that can be sent");
    refuse(c, MAKE_ERR(ERR_INTERNAL, "no status"), false);
  }
  hold_or_send(c);
}

void conn_refuse(struct http_conn *c, err_t e, bool close) {
  refuse(c, e, close);
  hold_or_send(c);
}
