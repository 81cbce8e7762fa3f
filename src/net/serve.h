/*
 * The server's inside: what its files share.
 *
 * A connection belongs to exactly one thread at a time. Its loop owns it but for the time of a
 * handler on a worker (CONN_AWAY): then the worker owns its TLS object, its buffers and its
 * exchange; the loop keeps only the links (all, timer), the state and what epoll is told. Handing
 * over goes through a mutex, there and back; the loop may take back what no worker has taken.
 *
 * What a request needs (head, body, response, output) comes from the loop's spares and goes back
 * there with the answer, so that a request allocates nothing in the steady state and an idle
 * connection keeps nothing but its TLS object.
 */
#ifndef NET_SERVE_H
#define NET_SERVE_H

#include "net/gate.h"
#include "net/list.h"
#include "net/parse.h"
#include "net/server.h"
#include "net/timer.h"
#include "net/tls_io.h"
#include "net/wake.h"

#include <pthread.h>

#define DRAIN_MAX 65536      /* unread body that is thrown away to keep the connection */
#define LINGER_MS 2000       /* a last answer has so long to be read */
#define LINGER_MAX 1048576ul /* and so much may come meanwhile */
#define TRIM_MS 1000         /* idle time after which TLS gives its buffers back */
#define SPARES 64

enum source_kind { SOURCE_CONN, SOURCE_LISTENER, SOURCE_WAKE };
/* What epoll's events point to: the first member of each kind. */
struct source {
  enum source_kind kind;
};

enum conn_state {
  CONN_HANDSHAKE,
  CONN_IDLE,   /* nothing of the next request has come */
  CONN_HEAD,   /* some of it has */
  CONN_BODY,   /* reading a body for a handler that wants it in memory */
  CONN_AWAY,   /* queued for a worker, with it, or on its way back */
  CONN_HELD,   /* answered; waits for the gate */
  CONN_WRITE,  /* the answer is going out */
  CONN_DRAIN,  /* throwing away a body that nobody read */
  CONN_LINGER, /* closed for writing; throwing away what comes */
  CONN_CLOSED
};

enum stream_state {
  STREAM_NONE, /* http_write() was not called: the response is written like any other */
  STREAM_CHUNKED,
  STREAM_LENGTH,
  STREAM_BODYLESS,
  STREAM_BROKEN
};

struct exchange {
  struct http_exchange pub; /* first: http_read() and http_write() find the rest behind it */
  struct list link;         /* among the spares */
  struct buf head, body;    /* what req's views look into */
  struct http_frame frame;
  bool headed;      /* app->head() was called, so done() is owed */
  size_t body_sent; /* of res.body, beyond what conn.out took */
  /* The streaming lane. */
  enum stream_state stream;
  uint64_t stream_left; /* STREAM_LENGTH: bytes to come */
  uint64_t read, read_budget_us, written, write_budget_us;
};

struct http_conn {
  struct source source;
  struct loop *loop;
  struct list all;  /* loop.conns */
  struct list line; /* one of loop.idle, again, held, dead, mail, or the workers' queue */
  struct timer timer;
  enum conn_state state;
  uint32_t events; /* what epoll waits for */
  bool queued;     /* for a worker; under the queue's lock */
  bool trimmed;
  _Atomic bool cut; /* the server stops and waits no longer */
  struct tls_io io;
  struct buf in; /* received; looked at up to used */
  size_t used;
  struct http_scan scan;
  struct http_body body; /* of the present request */
  struct exchange *x;    /* from the head's end to the answer's */
  struct buf out;
  size_t sent;
  bool last;   /* close after this answer */
  size_t over; /* thrown away in CONN_DRAIN and CONN_LINGER */
  char peer[64];
};

struct loop {
  struct http_server *server;
  pthread_t thread;
  bool started;
  int epoll;
  struct wake wake;
  struct source wake_source;
  uint64_t now_ms;
  bool accept_paused, cut;
  uint64_t accept_at_ms;
  struct timer_wheel wheel;
  struct list conns, again, held, dead;
  struct list idle; /* longest first */
  struct gate_waiter gate;
  pthread_mutex_t mail_lock;
  struct list mail;      /* new connections, and those that workers are done with */
  _Atomic unsigned load; /* connections that it has, or that are on the way to it */
  _Atomic uint64_t requests, refused, handshake_failures;
  struct list spare_exchanges;
  struct buf spare_bufs[SPARES];
  size_t spare_exchange_count, spare_buf_count;
};

struct listener {
  struct source source;
  int fd;
  unsigned port;
};

struct workers;

struct http_server {
  struct http_server_conf conf; /* listen is not kept */
  struct http_app app;
  struct http_gate *gate;
  pthread_mutex_t tls_lock;
  struct tls *tls;
  struct listener *listeners;
  size_t listener_count;
  struct loop *loops;
  unsigned loop_count;
  struct workers *workers;
  _Atomic unsigned connections;
  _Atomic bool stopping;
  _Atomic bool accepting; /* the first loop has listeners open */
  uint64_t stop_at_ms;    /* written before stopping */
};

/* loop.c */
err_t loop_open(struct loop *l, struct http_server *s);
err_t loop_start(struct loop *l);
void loop_close(struct loop *l); /* after its thread has ended */
void loop_wake(struct loop *l);
/* Hands a connection to its loop, from any thread. */
void loop_post(struct loop *l, struct http_conn *c);

/* spare.c */
struct buf spare_buf(struct loop *l);
void spare_buf_back(struct loop *l, struct buf *b);
struct exchange *spare_exchange(struct loop *l); /* NULL when out of memory */
void spare_exchange_back(struct loop *l, struct exchange *x);
void spare_free(struct loop *l);

/* conn.c */
struct http_conn *conn_new(struct loop *l, int fd, const char *peer); /* takes fd over */
void conn_arrive(struct http_conn *c); /* from the mail: a new one, or one back from a worker */
void conn_event(struct http_conn *c, uint32_t events);
void conn_again(struct http_conn *c);
void conn_timeout(struct timer *t);
void conn_stop(struct http_conn *c, bool cut);
bool conn_drop_idle(
  struct loop *l); /* the one that is idle for longest, a second at least; false: none is */
void conn_close(struct http_conn *c);
void conn_free(struct http_conn *c); /* of loop.dead, or one that never arrived */
void conn_watch(struct http_conn *c, uint32_t events);
void conn_wait(struct http_conn *c, enum tls_io_result want);
void conn_deadline(struct http_conn *c, unsigned ms);
void conn_next(struct http_conn *c); /* the answer is out */
struct bytes conn_input(const struct http_conn *c);
void conn_consume(struct http_conn *c, size_t n);
/* Reads what one call gives behind what is in the buffer. */
enum tls_io_result conn_fill(struct http_conn *c);
/* Whether the rest of the body may be thrown away to keep the connection. */
bool conn_can_drain(const struct http_conn *c);

void conn_await_head(struct http_conn *c);
/* All input was looked at, and more is needed. */
void conn_await_input(struct http_conn *c);

/* request.c */
void request_head(struct http_conn *c);            /* looks for a head in the input */
void request_body(struct http_conn *c);            /* takes what has come of the body */
void request_refuse(struct http_conn *c, err_t e); /* while there is no exchange */
/* Recorded like any other, so that what an earlier error said is not told to this client. */
#define MAKE_ERR(e, why) err_fail((e), __FILE__, __LINE__, "%s", (why))

/* answer.c */
void conn_answer(struct http_conn *c); /* writes the response, or holds it */
void conn_send(struct http_conn *c);   /* writes it */
void conn_flush(struct http_conn *c);
/* A held response whose number is settled. */
void conn_let_go(struct http_conn *c);
/* Answers with an error of the server's own, in place of whatever the response is. */
void conn_refuse(struct http_conn *c, err_t e, bool close);

/* worker.c */
err_t workers_start(unsigned count, unsigned max_queue, struct workers **out);
void workers_stop(struct workers *w);
bool workers_put(struct workers *w, struct http_conn *c); /* false: the queue is full */
/* Takes it back from the queue; false: it was not there (any more). */
bool workers_take_back(struct workers *w, struct http_conn *c);

/* stream.c */
void stream_run(struct http_conn *c);

#endif
