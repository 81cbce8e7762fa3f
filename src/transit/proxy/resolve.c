#include "transit/proxy/resolve.h"

#include "base/log.h"
#include "net/list.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/un.h>
#include <time.h>

#define LOOK_S 30
#define AGAIN_S 1 /* while a target has no address at all */
#define HOST_MAX 256

struct place {
  char *host; /* NULL: its addresses never change */
  unsigned port;
  struct addresses known; /* what the last good answer was */
};

struct target {
  struct place *places;
  size_t count;
  struct addresses *now; /* of all places, in their order; NULL: none */
};

struct resolver {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct target *targets;
  unsigned count;
  bool names, stopping;
  unsigned shares; /* the owner's and the thread's */
  void (*changed)(void *ctx);
  void *ctx;
};

void addresses_free(struct addresses *a) {
  if (a && atomic_fetch_sub(&a->refs, 1) == 1)
    mem_free(a);
}

bool address_is_local(const struct net_address *a) {
  const struct sockaddr_storage *s = &a->socket;
  if (s->ss_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)s)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  if (s->ss_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)s)->sin6_addr);
  return s->ss_family == AF_UNIX;
}

err_t resolver_new(struct resolver **out) {
  struct resolver *r = mem_zalloc(sizeof *r);
  pthread_condattr_t monotonic;
  if (!r)
    return ERR_NOMEM;
  pthread_mutex_init(&r->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&r->wake, &monotonic);
  pthread_condattr_destroy(&monotonic);
  r->shares = 1;
  *out = r;
  return OK;
}

static void target_free(struct target *t) {
  for (size_t i = 0; i < t->count; i++)
    mem_free(t->places[i].host);
  mem_free(t->places);
  addresses_free(t->now);
}

static void destroy(struct resolver *r) {
  for (unsigned i = 0; i < r->count; i++)
    target_free(&r->targets[i]);
  mem_free(r->targets);
  pthread_cond_destroy(&r->wake);
  pthread_mutex_destroy(&r->lock);
  mem_free(r);
}

/* Whoever leaves last tidies up. */
static void leave(struct resolver *r) {
  pthread_mutex_lock(&r->lock);
  r->stopping = true;
  bool last = --r->shares == 0;
  pthread_cond_signal(&r->wake);
  pthread_mutex_unlock(&r->lock);
  if (last)
    destroy(r);
}

void resolver_free(struct resolver *r) {
  if (r)
    leave(r);
}

/* What backends are written as. */

static void add_address(struct addresses *a, const struct net_address *one) {
  if (a->count < ADDRESSES_MAX)
    a->items[a->count++] = *one;
}

static err_t parse_path(const char *text, struct place *out) {
  struct net_address a = { .size = sizeof(struct sockaddr_un) };
  struct sockaddr_un *u = (struct sockaddr_un *)&a.socket;
  u->sun_family = AF_UNIX;
  if (bytes_to_cstr(bytes_str(text), u->sun_path, sizeof u->sun_path) != OK)
    FAIL(ERR_CONFIG, "the socket's path '%s' is longer than %zu bytes", text,
         sizeof u->sun_path - 1);
  add_address(&out->known, &a);
  return OK;
}

static void add_localhost(struct place *out) {
  static const uint8_t v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };
  struct net_address a;
  net_address_make(AF_INET, v4, out->port, &a);
  add_address(&out->known, &a);
  net_address_make(AF_INET6, v6, out->port, &a);
  add_address(&out->known, &a);
}

static bool is_name(struct bytes host) {
  for (size_t i = 0; i < host.size; i++) {
    uint8_t c = host.data[i];
    if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '-' &&
        c != '.' && c != '_')
      return false;
  }
  return host.size > 0 && host.size < HOST_MAX;
}

static err_t parse_name(const char *text, struct place *out) {
  struct bytes host, port = bytes_split(bytes_str(text), ':', &host);
  uint64_t number = 0;
  if (port.data && *text != '[' && memchr(port.data, ':', port.size))
    FAIL(ERR_CONFIG, "'%s': an IPv6 address needs brackets, such as [::1]:443", text);
  if (!port.data || bytes_to_u64(port, 65535, &number) != OK || number == 0 || !is_name(host))
    FAIL(ERR_CONFIG, "'%s' is neither an address and port nor the path of a socket", text);
  out->port = (unsigned)number;
  if (bytes_equal_nocase(host, "localhost")) {
    add_localhost(out);
    return OK;
  }
  if (!(out->host = mem_zalloc(host.size + 1)))
    return ERR_NOMEM;
  memcpy(out->host, host.data, host.size);
  return OK;
}

static err_t parse(const char *text, bool local_only, struct place *out) {
  struct net_address a;
  const char *colon = strrchr(text, ':');
  if (text[0] == '/')
    return parse_path(text, out);
  if (!colon || !net_address_parse(text, 0, &a)) {
    TRY(parse_name(text, out));
    if (out->host && local_only)
      FAIL(ERR_CONFIG, "'%s' is not on this machine: it would be reached in plain text", text);
    return OK;
  }
  if (local_only && !address_is_local(&a))
    FAIL(ERR_CONFIG, "'%s' is not on this machine: it would be reached in plain text", text);
  add_address(&out->known, &a);
  return OK;
}

/* Puts what its places have together. */
static err_t assemble(const struct target *t, struct addresses **out) {
  struct addresses *all = mem_zalloc(sizeof *all);
  if (!all)
    return ERR_NOMEM;
  atomic_init(&all->refs, 1);
  for (size_t i = 0; i < t->count; i++)
    for (size_t j = 0; j < t->places[i].known.count; j++)
      add_address(all, &t->places[i].known.items[j]);
  *out = all;
  return OK;
}

static err_t fill(struct target *t, const char *const *texts, size_t count, bool local_only) {
  if (!(t->places = mem_zalloc((count ? count : 1) * sizeof *t->places)))
    return ERR_NOMEM;
  for (; t->count < count; t->count++) {
    struct place *p = &t->places[t->count];
    err_t e = parse(texts[t->count], local_only, p);
    if (e != OK) {
      mem_free(p->host);
      return e;
    }
  }
  return assemble(t, &t->now);
}

err_t resolver_add(struct resolver *r, const char *const *texts, size_t count, bool local_only,
                   unsigned *target) {
  if (count == 0)
    FAIL(ERR_CONFIG, "a route without a backend");
  struct target *more = mem_realloc(r->targets, (r->count + 1) * sizeof *more);
  if (!more)
    return ERR_NOMEM;
  r->targets = more;
  struct target *t = &more[r->count];
  *t = (struct target){ 0 };
  err_t e = fill(t, texts, count, local_only);
  if (e != OK) {
    target_free(t);
    return e;
  }
  *target = r->count++;
  for (size_t i = 0; i < t->count; i++)
    r->names |= t->places[i].host != NULL;
  return OK;
}

struct addresses *resolver_get(struct resolver *r, unsigned target) {
  pthread_mutex_lock(&r->lock);
  struct addresses *a = r->targets[target].now;
  if (a->count)
    atomic_fetch_add(&a->refs, 1);
  else
    a = NULL;
  pthread_mutex_unlock(&r->lock);
  return a;
}

/* The thread. */

static bool look_up(struct place *p) {
  struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *list = NULL;
  char port[8];
  snprintf(port, sizeof port, "%u", p->port);
  int e = getaddrinfo(p->host, port, &want, &list);
  if (e != 0) {
    log_warn("proxy", "%s is not found: %s", p->host,
             e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
    return false;
  }
  p->known.count = 0;
  for (const struct addrinfo *i = list; i; i = i->ai_next) {
    struct net_address a = { .size = i->ai_addrlen };
    memcpy(&a.socket, i->ai_addr, i->ai_addrlen);
    add_address(&p->known, &a);
  }
  freeaddrinfo(list);
  return true;
}

/* Places are the thread's alone once it runs. True when this was what somebody may wait for. */
static bool look(struct resolver *r, struct target *t) {
  struct addresses *fresh = NULL;
  bool found = false;
  for (size_t i = 0; i < t->count; i++)
    found |= t->places[i].host && look_up(&t->places[i]);
  if (!found || assemble(t, &fresh) != OK)
    return false;
  pthread_mutex_lock(&r->lock);
  struct addresses *old = t->now;
  t->now = fresh;
  pthread_mutex_unlock(&r->lock);
  bool first = old->count == 0;
  addresses_free(old);
  return first;
}

static bool any_empty(struct resolver *r) {
  for (unsigned i = 0; i < r->count; i++)
    if (r->targets[i].now->count == 0)
      return true;
  return false;
}

/* With the lock held, also when it comes back; false: the resolver stops. */
static bool rest(struct resolver *r) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += any_empty(r) ? AGAIN_S : LOOK_S;
  while (!r->stopping && pthread_cond_timedwait(&r->wake, &r->lock, &until) == 0)
    ;
  return !r->stopping;
}

static void *resolver_main(void *arg) {
  struct resolver *r = arg;
  bool go_on = true;
  pthread_setname_np(pthread_self(), "resolver");
  while (go_on) {
    bool news = false;
    for (unsigned i = 0; i < r->count; i++)
      news |= look(r, &r->targets[i]);
    pthread_mutex_lock(&r->lock);
    if (news && !r->stopping)
      r->changed(r->ctx); /* under the lock: nobody is told after resolver_free() */
    go_on = rest(r);
    pthread_mutex_unlock(&r->lock);
  }
  leave(r);
  return NULL;
}

err_t resolver_start(struct resolver *r, void (*changed)(void *ctx), void *ctx) {
  pthread_t thread;
  if (!r->names)
    return OK;
  r->changed = changed;
  r->ctx = ctx;
  r->shares++;
  if (pthread_create(&thread, NULL, resolver_main, r) != 0) {
    r->shares--;
    FAIL(ERR_NOMEM, "cannot start a thread");
  }
  pthread_detach(thread);
  return OK;
}
