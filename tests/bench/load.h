/*
 * The load generator: kept TLS connections, each of which sends the same request again as soon as
 * its answer is in. One thread, epoll, one read and one write an operation. Every answer's status
 * is checked, and that it holds what is expected: one that does not ends the run with an error.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "server.h"

struct load_spec {
  unsigned connections;
  struct bytes request; /* whole, from request line to body */
  size_t number_at;     /* where in it NUMBER_SIZE digits count the requests; 0: nowhere */
  int status;
  const char *expect; /* that the answer contains; "" for nothing in particular */
};
#define NUMBER_SIZE 10

struct load_result {
  uint64_t count;
  double seconds;
  double p50_us, p99_us;
};

struct load;
/* Connects and shakes hands, one connection after the other. */
err_t load_open(const struct server *s, unsigned connections, struct load **out);
void load_close(struct load *l);
CLEANUP(load, struct load *, load_close)

/* From the first request until the last answer after that many seconds; seconds 0: one request on
 * each connection. */
err_t load_run(struct load *l, const struct load_spec *spec, double seconds,
               struct load_result *out);
/* Connects, shakes hands and closes again and again. */
err_t load_handshakes(const struct server *s, double seconds, uint64_t *count);

#endif
