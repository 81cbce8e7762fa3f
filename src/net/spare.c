/* The loop's spares: what requests need, kept warm between them. Only the loop's thread. */
#include "net/serve.h"

#define SPARE_ROOM 32768 /* bigger ones are not kept */

struct buf spare_buf(struct loop *l) {
  return l->spare_buf_count ? l->spare_bufs[--l->spare_buf_count] : BUF_EMPTY;
}

void spare_buf_back(struct loop *l, struct buf *b) {
  if (b->data && b->room <= SPARE_ROOM && l->spare_buf_count < SPARES) {
    buf_clear(b);
    l->spare_bufs[l->spare_buf_count++] = *b;
    *b = BUF_EMPTY;
  } else {
    buf_free(b);
  }
}

struct exchange *spare_exchange(struct loop *l) {
  if (list_empty(&l->spare_exchanges)) {
    struct exchange *x = mem_zalloc(sizeof *x);
    if (x)
      list_init(&x->link);
    return x;
  }
  struct exchange *x = LIST_ITEM(l->spare_exchanges.next, struct exchange, link);
  list_remove(&x->link);
  l->spare_exchange_count--;
  return x;
}

static void trim(struct buf *b) {
  if (b->room > SPARE_ROOM)
    buf_free(b);
  else
    buf_clear(b);
}

/* Back to zeros, but for the headers, which header_count guards, and the response's memory. */
static void reset(struct exchange *x) {
  struct http_request *q = &x->pub.req;
  struct http_response *r = &x->pub.res;
  q->method = HTTP_GET;
  q->path = q->query = q->host = q->body = (struct bytes){ 0 };
  q->header_count = 0;
  q->peer[0] = '\0';
  trim(&r->headers);
  trim(&r->body);
  *r = (struct http_response){ .headers = r->headers, .body = r->body };
  x->pub.lane = HTTP_ANSWERED;
  x->pub.body_max = 0;
  x->pub.user = NULL;
  x->pub.conn = NULL;
  x->frame = (struct http_frame){ 0 };
  x->headed = false;
  x->body_sent = 0;
  x->stream = STREAM_NONE;
  x->stream_left = x->read = x->read_budget_us = x->written = x->write_budget_us = 0;
}

static void exchange_free(struct exchange *x) {
  buf_free(&x->pub.res.headers);
  buf_free(&x->pub.res.body);
  mem_free(x);
}

void spare_exchange_back(struct loop *l, struct exchange *x) {
  spare_buf_back(l, &x->head);
  spare_buf_back(l, &x->body);
  if (l->spare_exchange_count == SPARES) {
    exchange_free(x);
    return;
  }
  reset(x);
  list_move_last(&x->link, &l->spare_exchanges);
  l->spare_exchange_count++;
}

void spare_free(struct loop *l) {
  while (l->spare_buf_count)
    buf_free(&l->spare_bufs[--l->spare_buf_count]);
  while (!list_empty(&l->spare_exchanges)) {
    struct exchange *x = LIST_ITEM(l->spare_exchanges.next, struct exchange, link);
    list_remove(&x->link);
    exchange_free(x);
  }
}
