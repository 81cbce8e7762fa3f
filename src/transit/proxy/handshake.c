/* The TLS handshake of a pair, and who may pass. */
#include "transit/proxy/pair.h"

static bool serves(void *ctx, const char *name) {
  struct pair *c = ctx;
  c->route = routes_find(&c->loop->proxy->routes, name);
  return c->route != NULL;
}

static bool admits(void *ctx, struct bytes der) {
  struct pair *c = ctx;
  const struct peer_verdict *v = c->route ? peer_judge(&c->loop->peers, c->route, der) : NULL;
  if (!v)
    return false;
  mem_free(c->identity);
  c->identity = mem_strdup(v->identity);
  return v->admitted && c->identity;
}

static const struct tls_judge judge = { serves, admits };

static err_t begin(struct pair *c) {
  const struct route *r = c->route;
  AUTO(tls) struct tls *tls = proxy_tls(c->loop->proxy);
  bool may_recv = c->io.may_recv, gone = c->io.gone;
  int fd = c->io.fd;
  if (c->loop->proxy->mode == PROXY_SERVER)
    TRY(tls_io_accept(&c->io, tls, fd));
  else
    TRY(tls_io_open(&c->io, tls, fd, r->spiffe ? NULL : r->server_name, NULL));
  c->io.edge = true;
  c->io.may_recv = may_recv;
  c->io.gone = gone;
  c->io.judge = &judge;
  c->io.judge_ctx = c;
  return OK;
}

/* Of a name that is not served. */
static const char *asked_for(const struct pair *c) {
  struct tls_facts facts;
  tls_io_facts(&c->io, &facts);
  return *facts.name ? "this name is not served here"
                     : "the client asked for no name, and only names are served here";
}

static enum step_result refuse(struct pair *c) {
  const char *detail;
  enum tls_failure f = tls_io_failure(&c->io, &detail);
  enum proxy_end end = f == TLS_FAILURE_NOT_ADMITTED ? PROXY_END_DENIED
                       : f == TLS_FAILURE_NAME       ? PROXY_END_NAME
                                                     : PROXY_END_HANDSHAKE;
  if (f == TLS_FAILURE_NOT_ADMITTED)
    detail = c->identity ? c->identity : "";
  if (f == TLS_FAILURE_NAME)
    detail = asked_for(c);
  pair_log(c, f, detail);
  if (c->loop->proxy->mode == PROXY_CLIENT)
    c->told = prelude_tell(c, "the proxy has no TLS with the server");
  return pair_refuse(c, end, f, detail);
}

/* By a list that came while the handshake went on. */
static bool was_revoked(const struct pair *c) {
  AUTO(tls) struct tls *now = proxy_tls(c->loop->proxy);
  return tls_io_revoked(&c->io, now);
}

enum step_result step_handshake(struct pair *c) {
  enum tls_io_result r;
  if (!c->io.ssl && begin(c) != OK)
    return pair_end(c, PROXY_END_MEMORY, "TLS");
  r = tls_io_handshake(&c->io);
  if (r == TLS_IO_WANT_READ && c->io.may_recv)
    pair_later(c);
  if (r == TLS_IO_WANT_WRITE && !pair_watch(c, &c->tls_side, true))
    return pair_end(c, PROXY_END_MEMORY, "epoll_ctl");
  if (r == TLS_IO_WANT_READ || r == TLS_IO_WANT_WRITE)
    return STEP_WAIT;
  if (r != TLS_IO_OK)
    return refuse(c);
  if (was_revoked(c))
    return pair_end(c, PROXY_END_REVOKED, "");
  dial_give_place(c);
  COUNT(c->loop->counts.handshakes, 1);
  COUNT(c->loop->counts.kernel, c->io.kernel);
  tls_io_trim(&c->io);
  c->io.out = &c->out.block;
  prelude_secured(c);
  return STEP_DONE;
}
