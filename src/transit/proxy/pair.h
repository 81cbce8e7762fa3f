/*
 * The proxy's inside, for the files of this room: loops, and pairs of connections.
 *
 * A *pair* is one connection through the proxy: its TLS side and its plain side, each a socket, and
 * a *flow* in each direction. It belongs to one loop, whose thread alone touches it. It takes
 * *steps* (pair.c has their order): each goes on as far as it can without waiting, and is called
 * again when something has happened on either side.
 *
 * Sockets are watched for changes only (EPOLLET), so that no event costs a system call but the ones
 * that move bytes. What has to hold for nothing to be missed: may_recv and readable stay set until
 * a read has found nothing more; after a step has waited, each flow waits for its input, with the
 * flag cleared, or for room, with EPOLLOUT watched, or the pair is in loop.again.
 */
#ifndef TRANSIT_PROXY_PAIR_H
#define TRANSIT_PROXY_PAIR_H

#include "base/cidr.h"
#include "net/listen.h"
#include "net/timer.h"
#include "net/wake.h"
#include "transit/proxy/limit.h"
#include "transit/proxy/peer.h"
#include "transit/proxy/pipe.h"

#include <pthread.h>

#define WARM_MS 50                   /* that a pair which rests keeps the buffers of TLS */
#define LINGER_MS 2000               /* a refused peer has so long to read why */
#define LINGER_MAX 65536             /* bytes; and so much may come meanwhile */
#define LINGER_SERVED_MAX (8u << 20) /* from a peer that was let in: what is on its way at most */
#define RETRY_MS 50                  /* for a place, and a Unix socket whose backlog is full */

struct front;
struct pair;

enum source_kind { SOURCE_TLS, SOURCE_PLAIN, SOURCE_LISTENER, SOURCE_WAKE };
/* What epoll's events point to: the first member of each kind. */
struct source {
  enum source_kind kind;
};

struct side {
  struct source source;
  bool watched; /* epoll knows the socket */
  bool watches_out;
  bool writable; /* an event said so */
};

/* One direction. */
struct flow {
  struct block block; /* what waits to go out: content, or TLS records towards the TLS side */
  uint64_t bytes;     /* of content */
  bool ended;         /* no more comes in */
  bool done;          /* and that was passed on */
};

/* Dialling; afterwards list and at say what was reached. */
struct dialling {
  struct addresses *list;
  uint8_t at, tried;
  bool connecting;
  bool full;         /* a Unix socket's backlog: to be tried again */
  bool queues;       /* until there is a place for one more that is not proven */
  uint64_t until_ms; /* of this address */
};

/* What is shown to a front end, and what it says (starttls.c). */
struct prelude {
  struct front *front;
  struct buf from_tls, from_plain, to_tls, to_plain;
  bool inside;  /* TLS is there */
  bool entered; /* and so is the server: the front end knows of it */
};

enum step { STEP_HEADER, STEP_DIAL, STEP_FRONT, STEP_HANDSHAKE, STEP_INSIDE, STEP_RELAY };
enum step_result {
  STEP_DONE, /* the next one */
  STEP_WAIT,
  STEP_OVER /* the pair has ended or is about to: it may be gone */
};

struct pair {
  struct side tls_side, plain_side;
  struct loop *loop;
  struct list all;  /* loop.pairs */
  struct list line; /* one of loop.again, dead, asking, mail */
  struct list warm; /* loop.warm */
  uint64_t rests_ms;
  struct timer timer;
  struct tls_io io;    /* the TLS side's socket, also before TLS begins */
  int plain;           /* the other's; -1 */
  bool readable, gone; /* the plain side's; the TLS side's are in io */
  uint8_t at;          /* of the order of steps */
  bool header;         /* it begins with a header of the PROXY protocol */
  bool lingering, closed, reported;
  bool said;     /* close_notify was put into the block */
  bool told;     /* the client knows why it is refused */
  bool torn;     /* the plain side takes nothing more, but may have something to say */
  bool unproven; /* has a place in proxy.unproven */
  const struct route *route;
  struct flow in, out; /* from the TLS side to the plain one, and back */
  struct pipe pipe;    /* of out, behind its block: content for the kernel's TLS */
  struct dialling dial;
  struct prelude *prelude;
  struct limit_source *source;
  struct net_host { /* who connected: a struct net_address is six times as large */
    uint8_t address[16];
    uint8_t size; /* 4, 16; 0: a Unix socket */
    uint16_t port;
  } from;
  char *identity;    /* NULL: none yet */
  unsigned over;     /* bytes thrown away while lingering */
  uint64_t reset_ms; /* lingers before it is reset, until then; 0: it was refused, or has ended */
  uint64_t start_us; /* monotonic */
};

struct loop_counts {
  _Atomic uint64_t handshakes, kernel, received, sent;
  _Atomic uint64_t failures[TLS_FAILURE_COUNT], ends[PROXY_END_COUNT];
};
#define COUNT(place, n) atomic_fetch_add_explicit(&(place), (n), memory_order_relaxed)

struct loop {
  struct proxy *proxy;
  pthread_t thread;
  bool started;
  int epoll;
  struct wake wake;
  struct source wake_source;
  uint64_t now_ms;
  uint64_t accept_at_ms; /* accepting pauses until then; 0: it does not */
  uint64_t rechecked;    /* proxy.recheck that was done */
  struct timer_wheel wheel;
  struct list pairs, again, dead;
  struct list asking; /* wait for the resolver */
  struct blocks blocks;
  struct pipes pipes;
  struct list warm; /* pairs that rest, since when they do: relay_cool() */
  struct peer_cache peers;
  pthread_mutex_t mail_lock;
  struct list mail;      /* new pairs */
  _Atomic unsigned load; /* pairs that it has, or that are on the way to it */
  struct loop_counts counts;
};

struct listener {
  struct source source;
  int fd;
  unsigned port; /* 0: none */
  char *path;    /* of a Unix socket that was made here */
};

struct proxy {
  char *service;
  enum proxy_mode mode;
  struct proxy_limits limits;
  bool header_to;
  const struct front_kind *front;
  void (*ended)(void *ctx, const struct proxy_ended *e);
  void *ctx;
  struct cidr *balancers;
  size_t balancer_count;
  struct routes routes;
  struct resolver *resolver;
  struct limit *limit;
  const enum step *steps;
  bool dials_first; /* before it knows who the client is */
  pthread_mutex_t tls_lock;
  struct tls *tls;
  struct listener *listeners;
  size_t listener_count;
  struct loop *loops;
  unsigned loop_count;
  _Atomic unsigned open;
  _Atomic unsigned unproven; /* backends dialled for clients whose handshake is not done */
  _Atomic bool draining, accepting, stopping;
  _Atomic uint64_t stop_at_ms; /* written before stopping */
  _Atomic uint64_t recheck;    /* how often it was asked for */
  _Atomic uint64_t accepted, refused_full, refused_source, refused_rate;
};

/* loop.c */
err_t proxy_loop_open(struct loop *l, struct proxy *p);
err_t proxy_loop_start(struct loop *l);
void proxy_loop_close(struct loop *l); /* after its thread has ended */
void proxy_loop_post(struct loop *l, struct pair *c);

/* door.c: listeners and what comes in by them */
err_t door_open(struct proxy *p, const struct proxy_options *o);
err_t door_start(struct proxy *p);
/* Charges c to an address. Why it may not have one more connection; NULL: it may. */
const char *door_admit(struct pair *c, const struct net_address *from);
void door_event(struct loop *l, struct listener *from);
void door_resume(struct loop *l);
void door_shut(struct loop *l); /* by the first loop */
void door_free(struct proxy *p);

/* pair.c */
struct pair *pair_new(struct loop *l, int fd, const struct net_address *from); /* takes fd over */
void pair_arrive(struct pair *c);
void pair_event(struct source *s, uint32_t events);
void pair_run(struct pair *c);
void pair_timeout(struct timer *t);
void pair_free(struct pair *c);
void pair_deadline(struct pair *c, unsigned ms); /* 0: none */
/* Its turn comes again after the others' of this round. */
void pair_later(struct pair *c);
/* Watches a side's socket; out: for room as well, from now on. False: it can't be watched. */
bool pair_watch(struct pair *c, struct side *s, bool out);
/* Closes a side's socket, which may be closed already. In a dialled side TLS has not begun. */
void pair_leave(struct pair *c, struct side *s);
/* Ends it at once. Unless it is done, both sockets are reset. */
enum step_result pair_end(struct pair *c, enum proxy_end end, const char *why);
/* The plain side broke off. What a backend has said before has time to arrive: a reset at once
 * could take it back. */
enum step_result pair_torn(struct pair *c, const char *why);
/* The same as pair_end(), for a reason of TLS. */
enum step_result pair_break(struct pair *c, enum proxy_end end, enum tls_failure failure,
                            const char *why);
/* A line, seldom enough, for what went wrong in TLS. */
void pair_log(const struct pair *c, enum tls_failure failure, const char *detail);
/* Refuses whoever is on the TLS side, who is given time to read what was sent. */
enum step_result pair_refuse(struct pair *c, enum proxy_end end, enum tls_failure failure,
                             const char *why);
bool net_host_make(const struct net_address *a, struct net_host *out);
void net_host_address(const struct net_host *h, struct net_address *out);
void net_host_text(const struct net_host *h, char *out, size_t size);

/* The steps. */
enum step_result step_header(struct pair *c);    /* header.c */
enum step_result step_dial(struct pair *c);      /* dial.c */
enum step_result step_front(struct pair *c);     /* starttls.c */
enum step_result step_handshake(struct pair *c); /* handshake.c */
enum step_result step_inside(struct pair *c);    /* starttls.c */
enum step_result step_relay(struct pair *c);     /* relay.c */

/* dial.c */
void dial_timeout(struct pair *c);
void dial_give_place(struct pair *c); /* the client is proven, or its backend left; again is fine */
/* starttls.c */
void prelude_free(struct prelude *p);
void prelude_secured(struct pair *c); /* after the handshake */
/* Tells the client in words of its protocol why nothing comes of it; false: it can't be told. */
bool prelude_tell(struct pair *c, const char *why);

err_t header_put(const struct pair *c, struct buf *out); /* header.c: for the backend */
/* relay.c */
void relay_timeout(struct pair *c);
void relay_cool(struct loop *l); /* in each round */
enum pushed { PUSHED_ALL, PUSHED_SOME, PUSHED_BROKEN };
/* Sends what waits in a flow; if there is no room for all, its socket is watched. */
enum pushed relay_push(struct pair *c, struct flow *f);
/* Puts content into records for the TLS side, or as it is where the kernel makes them; *n of it was
 * taken. False: it failed. */
bool relay_put(struct pair *c, struct bytes content, size_t *n);
/* Reads content from the TLS side; what TLS itself has to say goes into the block of c->out. After
 * TLS_IO_WANT_READ there may be more: c->io.may_recv. */
enum tls_io_result relay_read(struct pair *c, void *to, size_t room, size_t *n);
/* After TLS_IO_FAILED. */
enum step_result relay_cut(struct pair *c);
bool relay_broken(const struct pair *c, bool tls);

/* proxy.c: a share of the present context. */
struct tls *proxy_tls(struct proxy *p);

#endif
