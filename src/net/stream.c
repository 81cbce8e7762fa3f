/*
 * The streaming lane: a worker owns the connection and waits in poll() where a loop would go on.
 * A transfer may last as long as it likes but must move: for each PROGRESS bytes, the time spent
 * waiting for the peer (not that of the handler) may be the server's deadline.
 */
#include "net/message.h"
#include "net/serve.h"

#define PROGRESS 65536
#define GATE_TURN_MS 100
#define CHUNK_ROOM 16 /* its size line and the CRLF behind it */

static err_t peer_error(enum tls_io_result r) {
  FAIL(ERR_CLOSED, r == TLS_IO_EOF ? "the client closed" : "the connection broke");
}

static void moved(uint64_t *count, size_t n, uint64_t *budget_us, unsigned ms) {
  if (*count / PROGRESS != (*count + n) / PROGRESS)
    *budget_us = (uint64_t)ms * 1000;
  *count += n;
}

/* Writing. */

static err_t flush(struct http_conn *c) {
  struct exchange *x = c->x;
  size_t sent = 0;
  while (sent < c->out.size) {
    size_t n = 0;
    enum tls_io_result r = tls_io_write(&c->io, c->out.data + sent, c->out.size - sent, &n);
    sent += n;
    moved(&x->written, n, &x->write_budget_us, c->loop->server->conf.write_ms);
    if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE)
      TRY(tls_io_wait(&c->io, r, &x->write_budget_us));
    else if (r != TLS_IO_OK)
      return peer_error(r);
  }
  buf_clear(&c->out);
  return OK;
}

/* In short turns, so that a server that stops does not wait for a gate that does not move. */
static err_t await_gate(struct http_conn *c) {
  struct http_server *s = c->loop->server;
  for (unsigned waited = 0; waited < s->conf.write_ms; waited += GATE_TURN_MS) {
    err_t e = gate_wait(s->gate, c->x->pub.res.hold, GATE_TURN_MS);
    if (e != ERR_TIMEOUT)
      return e;
    if (atomic_load(&c->cut))
      FAIL(ERR_CLOSED, "the server stops");
  }
  FAIL(ERR_TIMEOUT, "the gate did not pass in time");
}

/* Puts the head into the output buffer. */
static err_t begin(struct exchange *x) {
  struct http_conn *c = x->pub.conn;
  struct http_server *s = c->loop->server;
  struct http_response *r = &x->pub.res;
  if (r->status < 200 || buf_ok(&r->headers) != OK)
    FAIL(ERR_INTERNAL, "http_write() without a status");
  if (s->gate && r->hold)
    TRY(await_gate(c));
  enum http_framing framing = r->has_length ? HTTP_BODY_LENGTH : HTTP_BODY_CHUNKED;
  if (http_bodyless(r->status))
    framing = HTTP_BODY_NONE;
  /* Whether the rest of the request can be drained is not known yet; the client finds out. */
  c->last = r->close || x->frame.close || atomic_load(&s->stopping);
  http_put_head(&c->out, r, framing, r->length, c->last);
  TRY(buf_ok(&c->out));
  x->stream_left = r->length;
  x->stream = framing == HTTP_BODY_CHUNKED ? STREAM_CHUNKED : STREAM_LENGTH;
  if (framing == HTTP_BODY_NONE || x->pub.req.method == HTTP_HEAD)
    x->stream = STREAM_BODYLESS;
  return OK;
}

/* One record: a chunk, or as much of the body of known length. */
static err_t put_piece(struct http_conn *c, struct bytes piece) {
  struct exchange *x = c->x;
  if (x->stream == STREAM_CHUNKED)
    buf_printf(&c->out, "%zx\r\n", piece.size);
  buf_put_bytes(&c->out, piece);
  if (x->stream == STREAM_CHUNKED)
    buf_put(&c->out, "\r\n", 2);
  else
    x->stream_left -= piece.size;
  TRY(buf_ok(&c->out));
  return flush(c);
}

static err_t write_all(struct exchange *x, struct bytes data) {
  struct http_conn *c = x->pub.conn;
  if (x->stream == STREAM_BODYLESS)
    data.size = 0;
  if (x->stream == STREAM_LENGTH && data.size > x->stream_left)
    FAIL(ERR_INTERNAL, "more was written than Content-Length says");
  while (data.size) {
    size_t room = READ_ROOM - CHUNK_ROOM, head = c->out.size < room ? c->out.size : 0;
    size_t n = data.size < room - head ? data.size : room - head;
    TRY(put_piece(c, bytes_of(data.data, n)));
    data = bytes_of(data.data + n, data.size - n);
  }
  return flush(c); /* the head alone, where there was no data */
}

err_t http_write(struct http_exchange *pub, struct bytes data) {
  struct exchange *x = (struct exchange *)pub;
  if (x->stream == STREAM_BROKEN)
    FAIL(ERR_CLOSED, "the answer was broken off");
  if (x->stream == STREAM_NONE)
    TRY(begin(x));
  err_t e = write_all(x, data);
  if (e != OK)
    x->stream = STREAM_BROKEN;
  return e;
}

/* Reading. */

static err_t say_continue(struct http_conn *c) {
  struct exchange *x = c->x;
  if (!x->frame.expect || x->stream != STREAM_NONE)
    return OK;
  x->frame.expect = false;
  buf_put_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
  TRY(buf_ok(&c->out));
  return flush(c);
}

static err_t fill(struct http_conn *c) {
  struct exchange *x = c->x;
  if (!tls_io_pending(&c->io))
    TRY(say_continue(c));
  for (;;) {
    enum tls_io_result r = conn_fill(c);
    if (r == TLS_IO_OK)
      return OK;
    if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE)
      return peer_error(r);
    TRY(tls_io_wait(&c->io, r, &x->read_budget_us));
  }
}

static err_t read_some(struct exchange *x, void *out, size_t room, size_t *n) {
  struct http_conn *c = x->pub.conn;
  *n = 0;
  while (room > 0 && *n == 0 && !c->body.done) {
    struct bytes in = conn_input(c), data;
    if (in.size == 0) {
      TRY(fill(c));
      continue;
    }
    in.size = in.size < room ? in.size : room;
    size_t before = in.size;
    TRY(http_body_next(&c->body, &in, &data));
    if (data.size > x->pub.body_max - x->read)
      FAIL(ERR_TOO_LARGE, "a body of more than %zu bytes", x->pub.body_max);
    if (data.size)
      memcpy(out, data.data, data.size);
    *n = data.size;
    moved(&x->read, data.size, &x->read_budget_us, c->loop->server->conf.body_ms);
    conn_consume(c, before - in.size);
  }
  return OK;
}

err_t http_read(struct http_exchange *pub, void *out, size_t room, size_t *n) {
  struct exchange *x = (struct exchange *)pub;
  size_t got;
  err_t e = read_some(x, out, room, &got);
  if (e != OK)
    pub->res.close = true; /* where the next request would start is not known */
  else
    *n = got;
  return e;
}

static bool finish(struct http_conn *c) {
  struct exchange *x = c->x;
  if (x->stream == STREAM_BROKEN || x->pub.res.broken)
    return false;
  if (x->stream == STREAM_LENGTH && x->stream_left > 0)
    return false;
  if (x->stream == STREAM_CHUNKED)
    buf_put_str(&c->out, "0\r\n\r\n");
  c->last = c->last || x->pub.res.close || !conn_can_drain(c);
  return buf_ok(&c->out) == OK && flush(c) == OK;
}

void stream_run(struct http_conn *c) {
  struct http_server *s = c->loop->server;
  struct exchange *x = c->x;
  x->read_budget_us = (uint64_t)s->conf.body_ms * 1000;
  x->write_budget_us = (uint64_t)s->conf.write_ms * 1000;
  s->app.handle(s->app.ctx, &x->pub);
  if (x->stream != STREAM_NONE && !finish(c))
    x->stream = STREAM_BROKEN;
}
