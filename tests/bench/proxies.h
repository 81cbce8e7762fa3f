/*
 * The proxies that are measured side by side: ours and those of Debian that do the same. Each is
 * set up as its manual says for two cores: TLS 1.3, certificates on both sides, no tickets where
 * that can be said, and the service's Unix socket behind it. One thread.
 */
#ifndef BENCH_PROXIES_H
#define BENCH_PROXIES_H

#include "child.h"
#include "server.h"

#define PROXY_CLIENT_NAME "spiffe://bench.example/client" /* who may connect to ours */

struct proxy_place {
  const struct bench *bench;
  const struct server *hub; /* where ours has its certificate from */
  const char *service;      /* the Unix socket behind the proxies */
  char dir[512];            /* for configurations, logs, and what all but ours show */
};

struct proxy_kind {
  const char *name, *path; /* path NULL: ours */
  const char *note;        /* how it was set up, for people */
  const char *config;      /* with @PORT@, @SERVICE@, @IDENTITY@, @CA@, @DIR@, @USER@; NULL: none */
  const char *argv[6];     /* behind the path; "@CONFIG@" is the file */
};
#define PROXY_KINDS 5
extern const struct proxy_kind proxy_kinds[PROXY_KINDS]; /* the first one is ours */

struct proxied {
  const struct proxy_kind *kind; /* NULL: it does not run */
  struct child child;
  unsigned port;
  char dir[600]; /* of this one */
};
bool proxy_is_there(const struct proxy_kind *k);
/* Listens when this returns. Ours first: its certificate, key and root are written for the others
 * into place->dir, as identity.pem and ca.pem. */
err_t proxied_start(const struct proxy_place *place, const struct proxy_kind *k,
                    struct proxied *out);
void proxied_stop(struct proxied *p); /* a zeroed one is fine */
#define AUTO_PROXIED __attribute__((cleanup(proxied_stop))) struct proxied

/* Of all its processes. */
err_t proxied_cpu_ns(const struct proxied *p, uint64_t *ns);
err_t proxied_pss_kib(const struct proxied *p, uint64_t *kib);

#endif
