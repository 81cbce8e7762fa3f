/* strongroom proxy serve: one service over mutual TLS, in the foreground, as systemd runs it. */
#include "base/log.h"
#include "cli/out.h"
#include "cli/proxy/running.h"
#include "cli/verbs.h"
#include "net/listen.h"

static err_t serve(const struct proxy_config *c) {
  AUTO_RUNNING r = { 0 };
  enum log_level level;
  if (log_level_parse(conf_str(c->conf, "log"), &level))
    log_set_level(level);
  TRY(running_open(c, &r));
  TRY(running_start(&r));
  running_wait(&r);
  return OK;
}

static int run(int argc, char **argv) {
  AUTO_PROXY_CONFIG c = { 0 };
  struct config_sockets sockets = { 0 };
  err_t e = listen_inherited(&sockets.first, &sockets.count);
  if (e == OK)
    e = proxy_config_read(argc, argv, &sockets, &c);
  if (e == OK)
    e = serve(&c);
  if (e != OK)
    out_error(e);
  return exit_code_of(e);
}

static const struct opt options[] = {
  PROXY_CONFIG_OPTIONS,
  OPT_END,
};

const struct verb verb_proxy_serve = {
  .noun = "proxy",
  .name = "serve",
  .words = "",
  .settings = verb_proxy_settings,
  .options = options,
  .summary = "Give a TCP service mutual TLS, without touching it",
  .details =
    "In front of a server (--mode server) TLS comes in and plain text goes to a Unix socket or a\n"
    "loopback address; beside a client (--mode client) plain text comes in there, and TLS goes\n"
    "out. Both show certificates of the hub's authority, which are asked for at the start, kept\n"
    "in --state and renewed at two thirds of their life; open connections live on. Who may\n"
    "connect says --allow: by a name of the certificate (a.example, .example for all below it,\n"
    "spiffe://example/*, 10.0.0.0/8) or an attribute of its subject (OU=billing).\n"
    "\n"
    "What can be said here can be said in a file (--config; lists: a line for each item) or in\n"
    "the environment, as STRONGROOM_PROXY_LISTEN and so on. One process is one service.\n"
    "\n"
    "The hub's address and credentials come from --data or the environment. Without a\n"
    "certificate, and with the hub away, it waits for --hub-seconds and then ends with 6, for\n"
    "the service manager to start it again; nothing listens meanwhile, and SIGTERM ends it at\n"
    "once. With one it starts, and goes on until that ends.\n"
    "\n"
    "SIGTERM: takes no more connections, and gives those that are open --drain-seconds; a second\n"
    "one cuts them off. SIGHUP: looks for a new certificate and new revocation lists, and opens\n"
    "the access log again. Sockets of the service manager (LISTEN_FDS) are listened on, too.",
  .examples =
    "strongroom proxy serve --listen 0.0.0.0:5433 --to /run/postgresql/.s.PGSQL.5432 \\\n"
    "  --starttls postgres --name db.example --allow spiffe://example/shop --state db.state\n"
    "strongroom proxy serve --mode client --listen 127.0.0.1:5432 --to db.example:5433 \\\n"
    "  --starttls postgres --name spiffe://example/shop --state shop.state\n"
    "strongroom proxy serve --listen 0.0.0.0:443 --route a.example=/run/a.sock \\\n"
    "  --route b.example=127.0.0.1:8080 --name a.example --name b.example --allow-any \\\n"
    "  --alpn h2 --alpn http/1.1 --proxy-protocol --state web.state",
  .run_argv = run,
};
