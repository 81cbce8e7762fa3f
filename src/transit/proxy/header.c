/* The PROXY protocol: who is behind the balancer that connects, and who is told to the backend. */
#include "transit/proxy/pair.h"
#include "transit/proxy/pp2.h"

#include <errno.h>

static enum step_result take_header(struct pair *c, const struct pp2 *h) {
  struct net_address from = { .socket = h->from };
  struct net_host host;
  if (h->local || !net_host_make(&from, &host))
    return STEP_DONE;
  c->from = host;
  const char *refused = door_admit(c, &from);
  return refused ? pair_end(c, PROXY_END_LIMIT, refused) : STEP_DONE;
}

/* Only looked at until it is whole: what follows it belongs to TLS. */
enum step_result step_header(struct pair *c) {
  uint8_t in[PP2_SIZE_MAX];
  struct pp2 h = { 0 };
  size_t used = 0;
  if (!c->header)
    return STEP_DONE;
  if (!c->io.may_recv)
    return STEP_WAIT;
  ssize_t n = recv(c->io.fd, in, sizeof in, MSG_PEEK);
  if (n < 0 && errno == EAGAIN) {
    c->io.may_recv = false;
    return STEP_WAIT;
  }
  if (n <= 0)
    return pair_end(c, PROXY_END_HEADER, "the connection ended");
  err_t e = pp2_read(bytes_of(in, (size_t)n), &h, &used);
  if (e != OK)
    return pair_end(c, PROXY_END_HEADER, err_reason(e));
  if (used == 0 && n == sizeof in)
    return pair_end(c, PROXY_END_HEADER, "it is too long");
  if (used == 0) {
    c->io.may_recv = false;
    return STEP_WAIT;
  }
  uint8_t taken[PP2_SIZE_MAX];
  if (recv(c->io.fd, taken, used, 0) != (ssize_t)used)
    return pair_end(c, PROXY_END_HEADER, "the connection ended");
  return take_header(c, &h);
}

static struct bytes text(const char *s) {
  return bytes_str(s ? s : "");
}

err_t header_put(const struct pair *c, struct buf *out) {
  struct net_address from, to = { 0 };
  struct tls_facts facts;
  net_host_address(&c->from, &from);
  TRY(listen_address(c->io.fd, &to));
  tls_io_facts(&c->io, &facts);
  struct pp2 h = {
    .from = from.socket,
    .to = to.socket,
    .alpn = facts.alpn,
    .authority = text(facts.name),
    .tls_version = text(facts.version),
    .common_name = text(c->identity),
    .cipher = text(facts.cipher),
  };
  return pp2_write(&h, out);
}
