/*
 * The proxy beside others, in one run: throughput, new connections, latency, memory. All of them
 * stand before the same service, show the same certificate and ask for the client's. The rounds are
 * interleaved, so that what else the machine does meets all of them. The client and the service
 * share the machine's cores with the proxy that is measured; they cost the same for each.
 */
#include "echo.h"
#include "proxies.h"
#include "tunnel.h"

#include "base/file.h"
#include "client/use_ca.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ROUNDS 15
#define STREAM_S 0.5
#define WARM_US 200000
#define PAUSE_US 50000 /* what was cut off is cleared away */
#define MANY 100
#define CONNECT_S 1.0
#define CONNECT_THREADS 8
#define PINGS 3000
#define PING_SIZE 64
#define IDLE 2000
#define IDLE_US 5000000
#define FIRST 10 /* connections that come before memory is looked at */
#define MB 1e6

enum what {
  IN_ONE,
  IN_ONE_CPU,
  OUT_ONE,
  OUT_ONE_CPU,
  IN_MANY,
  IN_MANY_CPU,
  OUT_MANY,
  OUT_MANY_CPU,
  CONNECTS,
  CONNECTS_CPU,
  PING_P50,
  PING_P99,
  MEMORY,
  MEMORY_ALL,
  MEMORY_EACH,
  WHAT_COUNT
};
static const struct {
  const char *name, *unit;
  bool more; /* .. is better */
  double limit;
} whats[WHAT_COUNT] = {
  [IN_ONE] = { "to the service, 1 connection", "MB/s", true, 1 },
  [IN_ONE_CPU] = { "  processor time of 1 GB", "ms", false, 0 },
  [OUT_ONE] = { "from the service, 1 connection", "MB/s", true, 1 },
  [OUT_ONE_CPU] = { "  processor time of 1 GB", "ms", false, 0 },
  [IN_MANY] = { "to the service, 100 connections", "MB/s", true, 1 },
  [IN_MANY_CPU] = { "  processor time of 1 GB", "ms", false, 0 },
  [OUT_MANY] = { "from the service, 100 connections", "MB/s", true, 1 },
  [OUT_MANY_CPU] = { "  processor time of 1 GB", "ms", false, 0 },
  [CONNECTS] = { "new connections, full handshakes", "/s", true, 0.9 },
  [CONNECTS_CPU] = { "  processor time of one", "us", false, 0 },
  [PING_P50] = { "64 bytes and back, added: median", "us", false, 0 },
  [PING_P99] = { "64 bytes and back, added: p99", "us", false, 0 },
  [MEMORY] = { "memory of an idle connection", "KiB", false, 1 },
  [MEMORY_ALL] = { "  of the proxy with all 2000", "MiB", false, 0 },
  [MEMORY_EACH] = { "  with a certificate of its own", "KiB", false, 1 },
};

struct side_by_side {
  struct proxy_place place;
  struct server hub;
  struct echo *echo;
  struct tls **clients; /* each with a certificate of its own */
  unsigned client_count;
  struct proxied running[PROXY_KINDS];
  struct series results[WHAT_COUNT][PROXY_KINDS];
  unsigned rounds, idle;
  double share; /* of the time that is measured for */
};

static void side_by_side_free(struct side_by_side *s) {
  for (size_t i = 0; i < PROXY_KINDS; i++)
    proxied_stop(&s->running[i]);
  if (s->echo)
    echo_stop(s->echo);
  for (unsigned i = 0; i < s->client_count; i++)
    tls_free(s->clients[i]);
  mem_free(s->clients);
  server_free(&s->hub);
}
#define AUTO_SIDE_BY_SIDE __attribute__((cleanup(side_by_side_free))) struct side_by_side

static void add(struct side_by_side *s, enum what w, size_t kind, double value) {
  series_add(&s->results[w][kind], value);
}

static struct tunnel_end end_of(const struct side_by_side *s, const struct proxied *p) {
  return (struct tunnel_end){ s->clients[0], p->port };
}

/* --- throughput --- */

static err_t moved(struct side_by_side *s, const struct proxied *p, const struct stream *st,
                   bool in, double *bytes, double *seconds, double *cpu_ns) {
  uint64_t before, after, cpu_before, cpu_after, from;
  usleep(WARM_US);
  TRY(proxied_cpu_ns(p, &cpu_before));
  from = now_ns();
  before = in ? echo_sunk(s->echo) : stream_received(st);
  usleep((unsigned)(STREAM_S * s->share * 1e6));
  after = in ? echo_sunk(s->echo) : stream_received(st);
  *seconds = (double)(now_ns() - from) / 1e9;
  TRY(proxied_cpu_ns(p, &cpu_after));
  *bytes = (double)(after - before);
  *cpu_ns = (double)(cpu_after - cpu_before);
  if (after == before)
    FAIL(ERR_IO, "nothing moves through %s", p->kind->name);
  return OK;
}

/* The figure, and its processor time behind it. */
static err_t measure_stream(struct side_by_side *s, size_t kind, enum what w) {
  bool in = w == IN_ONE || w == IN_MANY, one = w == IN_ONE || w == OUT_ONE;
  const struct proxied *p = &s->running[kind];
  const struct tunnel_end to = end_of(s, p);
  struct stream *st;
  double bytes, seconds, cpu_ns;
  TRY(stream_start(&to, in ? ECHO_SINK : ECHO_SOURCE, one ? 1 : MANY, one ? 1 : 2, &st));
  err_t e = moved(s, p, st, in, &bytes, &seconds, &cpu_ns);
  err_t ended = stream_stop(st);
  TRY(e);
  TRY(ended);
  add(s, w, kind, bytes / seconds / MB);
  add(s, w + 1, kind, cpu_ns / bytes * 1e3);
  usleep(PAUSE_US);
  return OK;
}

/* --- new connections --- */

static err_t measure_connects(struct side_by_side *s, size_t kind) {
  const struct proxied *p = &s->running[kind];
  const struct tunnel_end to = end_of(s, p);
  double seconds = CONNECT_S * s->share;
  uint64_t count, before, after;
  TRY(proxied_cpu_ns(p, &before));
  TRY(tunnel_connects(&to, CONNECT_THREADS, seconds, &count));
  TRY(proxied_cpu_ns(p, &after));
  add(s, CONNECTS, kind, (double)count / seconds);
  add(s, CONNECTS_CPU, kind, (double)(after - before) / 1e3 / (double)count);
  usleep(PAUSE_US);
  return OK;
}

/* --- latency --- */

struct pinged {
  double p50_us, p99_us;
};
typedef err_t ping(void *ctx);

static err_t ping_all(unsigned count, ping *once, void *ctx, struct pinged *out) {
  AUTO_BUF samples = BUF_EMPTY;
  for (unsigned i = 0; i < count; i++) {
    uint64_t from = now_ns();
    TRY(once(ctx));
    uint32_t took = (uint32_t)(now_ns() - from);
    buf_put(&samples, &took, sizeof took);
  }
  TRY(buf_ok(&samples));
  samples_sort(&samples);
  *out = (struct pinged){ samples_us(&samples, 0.5), samples_us(&samples, 0.99) };
  return OK;
}

static err_t ping_tunnel(void *ctx) {
  return tunnel_ping(ctx, PING_SIZE);
}

static err_t ping_direct(void *ctx) {
  char piece[PING_SIZE] = "";
  const int *fd = ctx;
  if (send(*fd, piece, sizeof piece, MSG_NOSIGNAL) != sizeof piece ||
      recv(*fd, piece, sizeof piece, MSG_WAITALL) != sizeof piece)
    FAIL(ERR_IO, "the service does not answer");
  return OK;
}

static err_t measure_direct(struct side_by_side *s, unsigned count, struct pinged *out) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  TRY(bytes_to_cstr(bytes_str(s->place.service), a.sun_path, sizeof a.sun_path));
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      send(fd, (char[]){ ECHO_BACK }, 1, MSG_NOSIGNAL) != 1)
    FAIL(ERR_IO, "the service does not take connections");
  return ping_all(count, ping_direct, &fd, out);
}

static err_t measure_pings(struct side_by_side *s, size_t kind) {
  const struct tunnel_end to = end_of(s, &s->running[kind]);
  unsigned count = (unsigned)(PINGS * s->share);
  struct tunnel t;
  struct pinged direct, through;
  TRY(measure_direct(s, count, &direct));
  TRY(tunnel_open(&to, ECHO_BACK, &t));
  err_t e = ping_all(count, ping_tunnel, &t, &through);
  tunnel_close(&t);
  TRY(e);
  add(s, PING_P50, kind, through.p50_us - direct.p50_us);
  add(s, PING_P99, kind, through.p99_us - direct.p99_us);
  return OK;
}

/* --- memory --- */

static err_t open_idle(const struct tunnel_end *to, struct tunnel *t) {
  TRY(tunnel_open(to, ECHO_BACK, t));
  TRY(tunnel_ping(t, 1));
  tls_io_trim(&t->io);
  return OK;
}

static err_t open_many(struct side_by_side *s, const struct proxied *p, bool each, unsigned from,
                       unsigned until, struct tunnel *tunnels) {
  struct tunnel_end to = end_of(s, p);
  for (unsigned i = from; i < until; i++) {
    to.tls = s->clients[each ? i : 0];
    TRY(open_idle(&to, &tunnels[i]));
  }
  return OK;
}

/* What FIRST have made grow is there for all. */
static err_t idle_growth(struct side_by_side *s, const struct proxied *p, bool each,
                         struct tunnel *tunnels, uint64_t *before, uint64_t *after) {
  TRY(open_many(s, p, each, 0, FIRST, tunnels));
  usleep(IDLE_US / 2);
  TRY(proxied_pss_kib(p, before));
  TRY(open_many(s, p, each, FIRST, s->idle + FIRST, tunnels));
  usleep(IDLE_US);
  return proxied_pss_kib(p, after);
}

/* Of connections that have the same certificate, or one each. */
static err_t measure_memory(struct side_by_side *s, size_t kind, bool each) {
  AUTO_PROXIED p = { 0 };
  uint64_t before, after;
  TRY(proxied_start(&s->place, &proxy_kinds[kind], &p));
  struct tunnel *tunnels = mem_zalloc((s->idle + FIRST) * sizeof *tunnels);
  if (!tunnels)
    return ERR_NOMEM;
  err_t e = idle_growth(s, &p, each, tunnels, &before, &after);
  for (unsigned i = 0; i < s->idle + FIRST; i++)
    tunnel_close(&tunnels[i]);
  mem_free(tunnels);
  TRY(e);
  add(s, each ? MEMORY_EACH : MEMORY, kind, ((double)after - (double)before) / s->idle);
  if (!each)
    add(s, MEMORY_ALL, kind, (double)after / 1024);
  return OK;
}

/* --- setting up --- */

static err_t make_client(struct side_by_side *s, struct bytes ca, struct tls **out) {
  static const char *const names[] = { PROXY_CLIENT_NAME };
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_ANSWER answer = { 0 };
  TRY(key_generate(&spec, &key));
  const struct client_ca_request rq = {
    .profile = "workload", .key = key, .names = names, .name_count = 1
  };
  TRY(client_issue_certificate(s->hub.client, NULL, &rq, &answer));
  struct bytes chain = bytes_str(json_string_value(json_object_get(answer.body, "certificate")));
  const struct tls_mutual o = { .chain_pem = chain, .key = key, .ca_pem = ca };
  return tls_mutual(&o, out);
}

static err_t make_clients(struct side_by_side *s) {
  char path[600];
  AUTO_BUF ca = BUF_EMPTY;
  snprintf(path, sizeof path, "%s/ca.pem", s->place.dir);
  TRY(file_read(path, 65536, &ca));
  if (!(s->clients = mem_zalloc((s->idle + FIRST) * sizeof(struct tls *))))
    return ERR_NOMEM;
  for (; s->client_count < s->idle + FIRST; s->client_count++)
    TRY(make_client(s, buf_bytes(&ca), &s->clients[s->client_count]));
  return OK;
}

static err_t start_all(struct side_by_side *s) {
  unsigned others = 0;
  for (size_t i = 0; i < PROXY_KINDS; i++) {
    const struct proxy_kind *k = &proxy_kinds[i];
    report_note("%-10s %s", k->name, proxy_is_there(k) ? k->note : "is not installed");
    if (!proxy_is_there(k))
      continue;
    TRY(proxied_start(&s->place, k, &s->running[i]));
    others += i > 0;
  }
  if (!others)
    FAIL(ERR_CONFIG, "there is nothing to compare with: tools/deps.sh test");
  return OK;
}

static err_t set_up(const struct bench *b, struct side_by_side *s, char service[static 100]) {
  bool quick = getenv("BENCH_QUICK") != NULL;
  s->rounds = quick ? 1 : ROUNDS;
  s->share = quick ? 0.3 : 1;
  s->idle = quick ? IDLE / 10 : IDLE;
  s->place.bench = b;
  s->place.hub = &s->hub;
  s->place.service = service;
  snprintf(s->place.dir, sizeof s->place.dir, "%s/proxies", b->dir);
  if (snprintf(service, 100, "%s/service.sock", b->dir) >= 100 || mkdir(s->place.dir, 0700) != 0)
    FAIL(ERR_IO, "cannot make %s", s->place.dir);
  TRY(server_start(b, "proxy", &s->hub));
  TRY(echo_start(service, &s->echo));
  TRY(start_all(s));
  return make_clients(s);
}

/* --- all of it --- */

static err_t one_round(struct side_by_side *s, size_t kind) {
  for (enum what w = IN_ONE; w <= OUT_MANY; w += 2)
    TRY(measure_stream(s, kind, w));
  TRY(measure_connects(s, kind));
  return measure_pings(s, kind);
}

static err_t measure(struct side_by_side *s) {
  for (unsigned round = 0; round < s->rounds; round++)
    for (size_t i = 0; i < PROXY_KINDS; i++)
      if (s->running[i].kind)
        TRY(one_round(s, i));
  for (size_t i = 0; i < PROXY_KINDS; i++)
    if (s->running[i].kind) {
      TRY(measure_memory(s, i, false));
      TRY(measure_memory(s, i, true));
    }
  return OK;
}

/* Without numbers if there is no other. */
static const struct series *best_other(const struct side_by_side *s, enum what w) {
  static const struct series none;
  const struct series *best = &none;
  for (size_t i = 1; i < PROXY_KINDS; i++) {
    const struct series *one = &s->results[w][i];
    double lead = best->count ? series_median(one) - series_median(best) : 0;
    if (one->count && (!best->count || (whats[w].more ? lead > 0 : lead < 0)))
      best = one;
  }
  return best;
}

static void report_all(const struct side_by_side *s) {
  for (enum what w = 0; w < WHAT_COUNT; w++) {
    struct figure ours = { .name = whats[w].name,
                           .unit = whats[w].unit,
                           .value = s->results[w][0],
                           .base = *best_other(s, w),
                           .judge = JUDGE_RATIO,
                           .limit = whats[w].limit,
                           .at_least = whats[w].more };
    report(&ours);
    for (size_t i = 1; i < PROXY_KINDS; i++) {
      char name[64];
      snprintf(name, sizeof name, "    %s", proxy_kinds[i].name);
      if (s->results[w][i].count)
        report(&(struct figure){ .name = name, .unit = whats[w].unit, .value = s->results[w][i] });
    }
  }
}

static err_t run(const struct bench *b) {
  AUTO_SIDE_BY_SIDE s = { 0 };
  char service[100];
  report_title("The proxy beside others (base: the best of them)");
  TRY(set_up(b, &s, service));
  TRY(measure(&s));
  report_all(&s);
  return OK;
}

const struct bench_case case_proxy = { "proxy", "the mTLS proxy beside others", run };
