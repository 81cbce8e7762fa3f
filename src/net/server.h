/*
 * The HTTPS server: one epoll loop a core, a pool of workers for the slow lane. The first loop
 * accepts and deals connections evenly; beyond that loops share nothing. Limits on everything that
 * a client can make grow; deadlines on everything that a client can delay.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include "net/http.h"
#include "net/tls.h"

/*
 * A gate settles numbers in order: each has passed or failed. Responses that are held for a number
 * are let go once it has passed and are answered through app->refuse() when it failed. Thread-safe.
 */
struct http_gate;
err_t http_gate_new(struct http_gate **out);
void http_gate_free(struct http_gate *g); /* after the server */
CLEANUP(http_gate, struct http_gate *, http_gate_free)
void http_gate_pass(struct http_gate *g,
                    uint64_t number); /* all numbers up to this one have passed */
/* What is held for the numbers from..to is refused with e; they count as settled, later ones may
 * pass. */
void http_gate_fail(struct http_gate *g, err_t e, uint64_t from, uint64_t to);

struct http_server_conf {
  const char *const
    *listen; /* "127.0.0.1:8443", "[::]:8443" (IPv6 only); port 0 takes a free one */
  size_t listen_count;
  unsigned loops, workers;  /* threads; 0: one loop a core, 16 workers */
  unsigned max_connections; /* further ones take the places of idle ones or are closed at accept */
  unsigned max_queue;       /* slow-lane requests waiting for a worker; further ones are answered
                               ERR_BUSY */
  size_t head_max;          /* bytes of request line and headers */
  unsigned handshake_ms, head_ms, body_ms, write_ms, idle_ms; /* deadlines */
  unsigned queue_ms; /* a request that no worker has begun by then is answered ERR_BUSY */
};
#define HTTP_SERVER_CONF_DEFAULT \
  ((struct http_server_conf){ .max_connections = 16384, \
                              .max_queue = 1024, \
                              .head_max = 32768, \
                              .handshake_ms = 10000, \
                              .head_ms = 10000, \
                              .body_ms = 30000, \
                              .write_ms = 30000, \
                              .idle_ms = 120000, \
                              .queue_ms = 15000 })

struct http_server;
/* Binds and listens; serves from http_server_start() on. gate may be NULL. */
err_t http_server_new(const struct http_server_conf *conf, const struct http_app *app,
                      struct http_gate *gate, struct tls *tls, struct http_server **out);
err_t http_server_start(struct http_server *s);
unsigned http_server_port(const struct http_server *s, size_t listener); /* the port bound */
/* New connections use tls from now on; open ones live on. */
void http_server_reload(struct http_server *s, struct tls *tls);
/* Accepts no more, finishes what is under way, closes idle connections, cuts off the others after
 * grace_ms, joins all threads. A handler that computes is waited for: threads are not killed. */
void http_server_stop(struct http_server *s, unsigned grace_ms);
void http_server_free(struct http_server *s);
CLEANUP(http_server, struct http_server *, http_server_free)

struct http_server_stats {
  uint64_t connections, requests, refused,
    handshake_failures; /* connections: open now; the others: since the start */
};
void http_server_stats(const struct http_server *s, struct http_server_stats *out);

#endif
