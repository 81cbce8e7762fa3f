/* Putting a proxy together, and taking it apart. */
#include "transit/proxy/front.h"
#include "transit/proxy/pair.h"

#include "base/clock.h"
#include "base/process.h"

#include <signal.h>

static const char *const end_names[] = {
#define X(name, text, meaning) text,
  PROXY_ENDS(X)
#undef X
};

const char *proxy_end_name(enum proxy_end e) {
  return end_names[e];
}

/* In which order a connection takes its steps; what is not asked for is passed over. */
static const enum step server_steps[] = { STEP_HEADER, STEP_FRONT,  STEP_HANDSHAKE,
                                          STEP_DIAL,   STEP_INSIDE, STEP_RELAY };
static const enum step server_first_steps[] = { STEP_HEADER,    STEP_DIAL,   STEP_FRONT,
                                                STEP_HANDSHAKE, STEP_INSIDE, STEP_RELAY };
static const enum step client_steps[] = { STEP_DIAL, STEP_FRONT, STEP_HANDSHAKE, STEP_INSIDE,
                                          STEP_RELAY };

/* A server that speaks first is dialled before the client has said whom it wants. */
static err_t choose_front(struct proxy *p, const struct proxy_options *o) {
  p->steps = o->mode == PROXY_CLIENT ? client_steps : server_steps;
  if (!o->front)
    return OK;
  if (!(p->front = front_find(o->front)))
    FAIL(ERR_CONFIG, "'%s' is not a protocol that begins in plain text", o->front);
  if (o->mode == PROXY_CLIENT || !p->front->server_speaks_first)
    return OK;
  if (p->routes.count > 1 || *p->routes.items[0].name)
    FAIL(ERR_CONFIG, "with %s, whose server speaks first, there is one route, without a name",
         o->front);
  p->steps = server_first_steps;
  p->dials_first = true;
  return OK;
}

static err_t copy_balancers(struct proxy *p, const struct proxy_options *o) {
  if (o->header_from_count == 0)
    return OK;
  if (!(p->balancers = mem_zalloc(o->header_from_count * sizeof *p->balancers)))
    return ERR_NOMEM;
  for (size_t i = 0; i < o->header_from_count; i++)
    if (!cidr_parse(bytes_str(o->header_from[i]), &p->balancers[i]))
      FAIL(ERR_CONFIG, "'%s' is not an address or block of addresses", o->header_from[i]);
  p->balancer_count = o->header_from_count;
  return OK;
}

static unsigned or_default(unsigned value, unsigned fallback) {
  return value ? value : fallback;
}

static void copy_limits(struct proxy *p, const struct proxy_limits *l) {
  const struct proxy_limits defaults = PROXY_LIMITS_DEFAULT;
  p->limits = *l;
  p->limits.handshake_ms = or_default(l->handshake_ms, defaults.handshake_ms);
  p->limits.dial_ms = or_default(l->dial_ms, defaults.dial_ms);
  p->limits.unproven = or_default(l->unproven, defaults.unproven);
  p->limits.half_ms = or_default(l->half_ms, defaults.half_ms);
}

static err_t copy_options(struct proxy *p, const struct proxy_options *o) {
  if (o->mode == PROXY_CLIENT && (o->header_from_count || o->header_to))
    FAIL(ERR_CONFIG, "the PROXY protocol is for server proxies");
  p->mode = o->mode;
  copy_limits(p, &o->limits);
  p->header_to = o->header_to;
  p->ended = o->ended;
  p->ctx = o->ctx;
  if (!(p->service = mem_strdup(o->service ? o->service : "")))
    return ERR_NOMEM;
  TRY(copy_balancers(p, o));
  TRY(resolver_new(&p->resolver));
  TRY(routes_make(o, p->resolver, &p->routes));
  const struct limit_options limits = { o->limits.per_source, o->limits.per_second,
                                        o->limits.burst };
  TRY(limit_new(&limits, &p->limit));
  return choose_front(p, o);
}

static err_t open_loops(struct proxy *p, unsigned count) {
  if (!(p->loops = mem_zalloc(count * sizeof *p->loops)))
    return ERR_NOMEM;
  while (p->loop_count < count)
    TRY(proxy_loop_open(&p->loops[p->loop_count++], p));
  return OK;
}

err_t proxy_new(const struct proxy_options *o, struct tls *tls, struct proxy **out) {
  AUTO(proxy) struct proxy *p = mem_zalloc(sizeof *p);
  if (!p)
    return ERR_NOMEM;
  pthread_mutex_init(&p->tls_lock, NULL);
  p->tls = tls_ref(tls);
  TRY(copy_options(p, o));
  TRY(open_loops(p, o->loops ? o->loops : process_cores()));
  TRY(door_open(p, o));
  *out = TAKE(p);
  return OK;
}

static void wake_all(struct proxy *p) {
  for (unsigned i = 0; i < p->loop_count; i++)
    wake_up(&p->loops[i].wake);
}

static void on_addresses(void *ctx) {
  wake_all(ctx);
}

static err_t start_threads(struct proxy *p) {
  TRY(resolver_start(p->resolver, on_addresses, p));
  for (unsigned i = 0; i < p->loop_count; i++)
    TRY(proxy_loop_start(&p->loops[i]));
  return OK;
}

/* The proxy's threads take no signals: those are for the program's main thread. */
err_t proxy_start(struct proxy *p) {
  sigset_t all, before;
  TRY(door_start(p));
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  err_t e = start_threads(p);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (e != OK)
    proxy_stop(p, 0);
  return e;
}

unsigned proxy_port(const struct proxy *p, size_t listener) {
  return listener < p->listener_count ? p->listeners[listener].port : 0;
}

struct tls *proxy_tls(struct proxy *p) {
  pthread_mutex_lock(&p->tls_lock);
  struct tls *t = tls_ref(p->tls);
  pthread_mutex_unlock(&p->tls_lock);
  return t;
}

void proxy_use_tls(struct proxy *p, struct tls *tls) {
  pthread_mutex_lock(&p->tls_lock);
  struct tls *old = p->tls;
  p->tls = tls_ref(tls);
  pthread_mutex_unlock(&p->tls_lock);
  tls_free(old);
}

void proxy_recheck(struct proxy *p) {
  atomic_fetch_add(&p->recheck, 1);
  wake_all(p);
}

void proxy_drain(struct proxy *p) {
  atomic_store(&p->draining, true);
  wake_all(p);
}

void proxy_stop(struct proxy *p, unsigned grace_ms) {
  atomic_store(&p->stop_at_ms, clock_mono_us() / 1000 + grace_ms);
  atomic_store(&p->draining, true);
  if (!p->loops[0].started)
    atomic_store(&p->accepting, false); /* it never did */
  atomic_store(&p->stopping, true);
  wake_all(p);
  for (unsigned i = 0; i < p->loop_count; i++)
    if (p->loops[i].started) {
      pthread_join(p->loops[i].thread, NULL);
      p->loops[i].started = false;
    }
}

void proxy_free(struct proxy *p) {
  if (!p)
    return;
  if (p->loop_count)
    proxy_stop(p, 0);
  resolver_free(p->resolver);
  door_free(p);
  for (unsigned i = 0; i < p->loop_count; i++)
    proxy_loop_close(&p->loops[i]);
  mem_free(p->loops);
  limit_free(p->limit);
  routes_free(&p->routes);
  mem_free(p->balancers);
  mem_free(p->service);
  tls_free(p->tls);
  pthread_mutex_destroy(&p->tls_lock);
  mem_free(p);
}

static void add(const struct loop_counts *from, struct proxy_stats *to) {
  to->handshakes += atomic_load(&from->handshakes);
  to->kernel += atomic_load(&from->kernel);
  to->received += atomic_load(&from->received);
  to->sent += atomic_load(&from->sent);
  for (unsigned i = 0; i < TLS_FAILURE_COUNT; i++)
    to->failures[i] += atomic_load(&from->failures[i]);
  for (unsigned i = 0; i < PROXY_END_COUNT; i++)
    to->ends[i] += atomic_load(&from->ends[i]);
}

void proxy_stats(const struct proxy *p, struct proxy_stats *out) {
  *out = (struct proxy_stats){
    .open = atomic_load(&p->open),
    .accepted = atomic_load(&p->accepted),
    .refused_full = atomic_load(&p->refused_full),
    .refused_source = atomic_load(&p->refused_source),
    .refused_rate = atomic_load(&p->refused_rate),
  };
  for (unsigned i = 0; i < p->loop_count; i++)
    add(&p->loops[i].counts, out);
}
