/*
 * The service behind the proxies: one thread on a Unix socket. A connection's first byte says what
 * becomes of the rest; nothing else is done with it, so that what is measured is the proxy.
 *
 * echo_start() starts the thread, echo_stop() ends and joins it.
 */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include "bench.h"

#define ECHO_BACK 'e'   /* comes back */
#define ECHO_SINK 'i'   /* is counted and thrown away */
#define ECHO_SOURCE 'o' /* the service sends without end */

struct echo;
err_t echo_start(const char *path, struct echo **out);
void echo_stop(struct echo *e);
CLEANUP(echo, struct echo *, echo_stop)
uint64_t echo_sunk(const struct echo *e); /* bytes, since the start; any thread */

#endif
