/*
 * A scene for tests of the proxy: an authority, a backend in this process, a proxy in front of it,
 * and peers that do exactly what a test says. Everything waits at most ten seconds; what goes wrong
 * fails the test.
 */
#ifndef TESTS_TRANSIT_SCENE_H
#define TESTS_TRANSIT_SCENE_H

#include "../../asserts.h"
#include "pki.h"

#include "transit/proxy/proxy.h"

#include <pthread.h>

#define ENDS_MAX 512

/* What was told of connections that ended, in their order. */
struct told {
  enum proxy_end end;
  enum tls_failure failure;
  char identity[256], sni[256], backend[128], from[64], why[128];
  uint64_t received, sent;
};

struct scene {
  struct pki pki, foreign;
  struct identity server, client; /* "server.example", "client.example" */
  struct tls *server_tls, *client_tls;
  int backend; /* listens */
  char backend_path[64], backend_address[80];
  struct proxy *proxy;
  unsigned port;
  pthread_mutex_t lock;
  struct told ends[ENDS_MAX];
  size_t end_count;
};

void scene_crypto(void);          /* once, for tests without a scene */
void scene_init(struct scene *s); /* certificates and a backend on 127.0.0.1 */
void scene_free(struct scene *s);
/* A server proxy to the backend that admits client.example; change may alter its options. */
void scene_start(struct scene *s, void (*change)(struct proxy_options *o));
void scene_stop(struct scene *s);
size_t scene_ends(struct scene *s);               /* how many there were */
struct told scene_end(struct scene *s, size_t i); /* waits for the i-th end */
struct proxy_stats scene_stats(const struct scene *s);

/* Sockets in the plain: they block, with a timeout. */
int plain_listen_unix(const char *path);
int plain_connect(unsigned port);
bool plain_can_connect(unsigned port);
int plain_connect_unix(const char *path);
int plain_accept(int listener);
bool plain_waits(int listener, unsigned ms); /* whether somebody connects */
void plain_say(int fd, const char *text);
void plain_expect(int fd, const char *text);
void plain_expect_end(int fd);   /* a clean one */
void plain_expect_reset(int fd); /* an error */
/* Sends a pattern and reads it back, at once; fails the test by its result only: any thread. */
bool plain_pump(int fd, size_t size);
/* Accepts and echoes, each connection on a thread, until the listener is shut down. */
void *plain_echo(void *listener);

struct peer {
  struct tls_io io;
};
/* Connects and shakes hands; name may be NULL. False: the handshake failed. */
bool peer_open(struct peer *p, unsigned port, struct tls *tls, const char *name);
/* The same over a connection that is there. */
bool peer_over(struct peer *p, int fd, struct tls *tls, const char *name);
void peer_say(struct peer *p, const char *text);
void peer_expect(struct peer *p, const char *text);
void peer_expect_end(struct peer *p); /* a clean one */
void peer_expect_cut(struct peer *p); /* an end without close_notify, an alert or a reset */
void peer_close(struct peer *p);
#define AUTO_PEER __attribute__((cleanup(peer_close))) struct peer

#endif
