/*
 * What a client put where only the holder of a name can (RFC 8555, 8; RFC 8737; RFC 8738): asked
 * once, within seconds. Nothing that is answered is shown to anybody, no redirect is followed, and
 * the ports are the hub's to choose: a client that names a host of the hub's network learns whether
 * it answers there, and no more.
 */
#include "base/codec.h"
#include "net/dns.h"
#include "net/plain.h"
#include "net/tls_io.h"
#include "vault/acme/state.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>

#define BUDGET_US 5000000ull
#define HTTP_BODY_MAX 1024
#define PROTOCOL "acme-tls/1"

static err_t failed(struct failure *why, const char *type, const char *format, ...)
  __attribute__((format(printf, 3, 4)));
static err_t failed(struct failure *why, const char *type, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vsnprintf(why->detail, sizeof why->detail, format, ap);
  va_end(ap);
  snprintf(why->type, sizeof why->type, "%s", type);
  return ERR_FORBIDDEN;
}

/* What net/ gave as reason, which is its own words. */
static const char *reason(err_t e) {
  const struct err_last *last = err_last();
  return last->code == e && last->why[0] ? last->why : "no answer";
}

/* Without a server to ask it is not the name's fault. */
static err_t not_looked_up(err_t e, const char *name, struct failure *why) {
  if (e == ERR_CONFIG)
    return failed(
      why, "serverInternal",
      "The server that validates has no name server to ask (%s). Its operator has to set "
      "acme.resolver, or to mend /etc/resolv.conf and restart.",
      reason(e));
  return failed(why, "dns", "Looking up %s: %s", name, reason(e));
}

static err_t addresses_of(const struct probe *p, unsigned port, uint64_t *budget_us,
                          struct dns_addresses *out, struct failure *why) {
  if (p->address) {
    out->count = net_address_parse(p->name, port, &out->items[0]);
    return out->count ? OK : failed(why, "malformed", "%s is no address", p->name);
  }
  err_t e = dns_addresses(p->conf->resolver, p->name, port, budget_us, out);
  return e == OK ? OK : not_looked_up(e, p->name, why);
}

static err_t check_http(const struct probe *p, int status, struct bytes body, struct failure *why) {
  while (body.size && strchr(" \t\r\n", body.data[body.size - 1]))
    body.size--;
  if (status >= 300 && status < 400)
    return failed(why, "incorrectResponse", "http://%s: redirects are not followed", p->name);
  if (status != 200)
    return failed(why, "incorrectResponse", "http://%s answered with status %d", p->name, status);
  if (body.size > HTTP_BODY_MAX || !bytes_equal_str(body, p->authorization))
    return failed(why, "incorrectResponse", "http://%s did not answer with the key authorization",
                  p->name);
  return OK;
}

static err_t probe_http(const struct probe *p, struct failure *why) {
  uint64_t budget = BUDGET_US;
  struct dns_addresses to = { 0 };
  char host[ACME_NAME_SIZE + 16], path[ACME_TOKEN_SIZE + 40];
  unsigned port = p->conf->http_port;
  bool six = p->address && strchr(p->name, ':');
  snprintf(host, sizeof host, port == 80 ? "%s%s%s" : "%s%s%s:%u", six ? "[" : "", p->name,
           six ? "]" : "", port);
  snprintf(path, sizeof path, "/.well-known/acme-challenge/%s", p->token);
  TRY(addresses_of(p, port, &budget, &to, why));
  err_t e = ERR_IO;
  for (size_t i = 0; e != OK && i < to.count && budget; i++) {
    AUTO_BUF body = BUF_EMPTY;
    int status = 0;
    e = plain_get(&(struct plain_get){ .from = &to.items[i], .host = host, .path = path }, &budget,
                  &status, &body);
    if (e == OK)
      return check_http(p, status, buf_bytes(&body), why);
  }
  return failed(why, "connection", "http://%s: %s", host, reason(e));
}

static err_t digest_of(const struct probe *p, uint8_t out[static SHA256_SIZE]) {
  return crypto_sha256(bytes_str(p->authorization), out);
}

struct wanted {
  struct bytes text;
  bool found;
};

static err_t look_at(void *ctx, struct bytes value) {
  struct wanted *w = ctx;
  w->found |= bytes_equal(value, w->text);
  return OK;
}

static err_t probe_dns(const struct probe *p, struct failure *why) {
  uint64_t budget = BUDGET_US;
  uint8_t digest[SHA256_SIZE];
  AUTO_BUF text = BUF_EMPTY;
  char name[ACME_NAME_SIZE + 20];
  snprintf(name, sizeof name, "_acme-challenge.%s", p->name);
  TRY(digest_of(p, digest));
  buf_put_b64url(&text, bytes_of(digest, sizeof digest));
  TRY(buf_ok(&text));
  struct wanted w = { .text = buf_bytes(&text) };
  err_t e = dns_ask(p->conf->resolver, name, DNS_TXT, &budget, look_at, &w);
  if (e != OK)
    return not_looked_up(e, name, why);
  if (!w.found)
    return failed(why, "incorrectResponse", "No TXT record of %s is the one that is expected",
                  name);
  return OK;
}

/* What SNI says for an address (RFC 8738, 6): its name in the reverse DNS. */
static void reverse_name(const char *address, char out[static 80]) {
  uint8_t raw[sizeof(struct in6_addr)];
  size_t n = 0;
  if (inet_pton(AF_INET, address, raw) == 1) {
    snprintf(out, 80, "%u.%u.%u.%u.in-addr.arpa", raw[3], raw[2], raw[1], raw[0]);
    return;
  }
  if (inet_pton(AF_INET6, address, raw) != 1)
    memset(raw, 0, sizeof raw);
  for (size_t i = sizeof raw; i-- > 0; n += 4)
    snprintf(out + n, 80 - n, "%x.%x.", raw[i] & 15u, raw[i] >> 4);
  snprintf(out + n, 80 - n, "ip6.arpa");
}

static err_t shake_hands(struct tls_io *io, uint64_t *budget_us) {
  for (;;) {
    enum tls_io_result r = tls_io_handshake(io);
    if (r == TLS_IO_OK)
      return OK;
    if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE)
      return tls_io_handshake_error(io);
    TRY(tls_io_wait(io, r, budget_us));
  }
}

static err_t fetch_certificate(const struct net_address *to, const char *sni, uint64_t *budget_us,
                               struct buf *der, bool *speaks) {
  AUTO(tls) struct tls *tls = NULL;
  struct tls_io io;
  int fd = -1;
  TRY(tls_prober(PROTOCOL, &tls));
  int error = net_dial((const struct sockaddr *)&to->socket, to->size, SOCK_STREAM, budget_us, &fd);
  if (error)
    FAIL(ERR_IO, "cannot connect: %s", strerror(error));
  TRY(tls_io_probe(&io, tls, fd, sni));
  err_t e = shake_hands(&io, budget_us);
  if (e == OK) {
    *speaks = tls_io_speaks(&io, PROTOCOL);
    e = tls_io_peer(&io, der);
  }
  tls_io_close(&io);
  return e;
}

/* One name, the order's, and the digest of the key authorization. */
static err_t check_certificate(const struct probe *p, struct bytes der, struct failure *why) {
  AUTO_CERT_INFO info = { 0 };
  uint8_t said[SHA256_SIZE], expected[SHA256_SIZE];
  size_t names = 0;
  TRY(digest_of(p, expected));
  if (cert_read(der, &info) != OK)
    return failed(why, "tls", "%s shows a certificate that can't be read", p->name);
  for (size_t k = 0; k < SAN_KINDS; k++)
    names += info.is.sans[k].count;
  const struct cert_texts *list = &info.is.sans[p->address ? SAN_IP : SAN_DNS];
  if (names != 1 || list->count != 1 || !bytes_equal_nocase(bytes_str(p->name), list->items[0]))
    return failed(why, "incorrectResponse", "The certificate of %s is not for this name alone",
                  p->name);
  if (x509_acme_identifier(der, said) != OK ||
      !bytes_equal(bytes_of(said, sizeof said), bytes_of(expected, sizeof expected)))
    return failed(why, "incorrectResponse",
                  "The certificate of %s has not the acmeIdentifier that is expected", p->name);
  return OK;
}

static err_t probe_alpn(const struct probe *p, struct failure *why) {
  uint64_t budget = BUDGET_US;
  struct dns_addresses to = { 0 };
  char reverse[80];
  if (p->address)
    reverse_name(p->name, reverse);
  TRY(addresses_of(p, p->conf->tls_port, &budget, &to, why));
  err_t e = ERR_IO;
  for (size_t i = 0; e != OK && i < to.count && budget; i++) {
    AUTO_BUF der = BUF_EMPTY;
    bool speaks = false;
    e = fetch_certificate(&to.items[i], p->address ? reverse : p->name, &budget, &der, &speaks);
    if (e == OK && !speaks)
      return failed(why, "incorrectResponse", "%s does not speak " PROTOCOL, p->name);
    if (e == OK)
      return check_certificate(p, buf_bytes(&der), why);
  }
  return failed(why, "connection", "TLS to %s: %s", p->name, reason(e));
}

static err_t probe(const struct probe *p, struct failure *why) {
  switch (p->challenge) {
  case CHALLENGE_HTTP:
    return probe_http(p, why);
  case CHALLENGE_DNS:
    return probe_dns(p, why);
  case CHALLENGE_ALPN:
    return probe_alpn(p, why);
  case CHALLENGE_NONE:
    break;
  }
  return failed(why, "malformed", "no challenge");
}

/* Whatever went wrong, it has a name: a failure without one is not to be taken for none. */
err_t acme_probe(const struct probe *p, struct failure *why) {
  err_reset();
  *why = (struct failure){ 0 };
  err_t e = probe(p, why);
  if (e != OK && !why->type[0])
    return failed(why, "serverInternal", "%s could not be asked", p->name);
  return e;
}
