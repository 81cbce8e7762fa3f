/*
 * A proxy that runs: what it is put together from, how it is started and stopped, and what it says
 * of itself.
 */
#ifndef CLI_PROXY_RUNNING_H
#define CLI_PROXY_RUNNING_H

#include "cli/proxy/access_writer.h"
#include "cli/proxy/admin_server.h"
#include "cli/proxy/config.h"

struct running {
  const struct proxy_config *config;
  struct client *client;
  struct enrol *enrol;
  struct proxy *proxy;
  struct access_writer *log;  /* NULL: none */
  struct admin_server *admin; /* NULL: none */
  unsigned connections;       /* at most: what was asked for, as far as files allow it */
  int notify;                 /* -1: nobody to notify */
  bool kernel;                /* it makes TLS records (net/tls_kernel.h) */
  _Atomic bool draining;
};

/* Gets a certificate, which may take --hub-seconds, and everything that is needed; nothing runs or
 * is accepted yet. */
err_t running_open(const struct proxy_config *config, struct running *r);
/* Enters the sandbox and starts the threads, which take no signals. */
err_t running_start(struct running *r);
/* Until a signal ends it. */
void running_wait(struct running *r);
void running_close(struct running *r);
#define AUTO_RUNNING __attribute__((cleanup(running_close))) struct running

/* report.c: what it says of itself. ctx is a struct running; called by the admin server's thread.
 */
extern const struct admin running_admin; /* without ctx */
/* Whether the kernel makes TLS records: "on", "absent" (this kernel can't), "off" (--ktls). */
const char *running_ktls(const struct running *r);
/* "127.0.0.1:5433 (TLS) to /run/a.sock, as a.example until 2027-01-31T10:00:00Z, kernel TLS: on" */
void running_describe(struct running *r, struct buf *out);

#endif
