/* Asking name servers, and the files of the system that say which. */
#include "base/clock.h"
#include "base/file.h"
#include "crypto/crypto.h"
#include "net/dns.h"
#include "net/plain.h"

#include <arpa/inet.h>
#include <errno.h>

#define PORT 53
#define SERVERS_MAX 3
#define DATAGRAM_MAX 4096
#define TRY_US 2000000ull
#define TRIES 2
#define FILE_MAX (1u << 20)

struct ask {
  struct dns_question question;
  struct buf query;
  dns_each *each;
  void *ctx;
};

static err_t dial(const struct net_address *server, int type, uint64_t *budget_us, int *fd) {
  int error = net_dial((const struct sockaddr *)&server->socket, server->size, type, budget_us, fd);
  if (error == ETIMEDOUT)
    FAIL(ERR_TIMEOUT, "DNS: the server does not answer");
  if (error)
    FAIL(ERR_IO, "DNS: cannot reach the server: %s", strerror(error));
  return OK;
}

/* What does not answer the question is not from the server, or is for an earlier one. It takes its
 * time all the same, or who keeps sending would keep the question open. */
static err_t ask_udp(struct ask *a, const struct net_address *server, uint64_t *budget_us,
                     bool *cut) {
  AUTO_FD fd = -1;
  uint8_t in[DATAGRAM_MAX];
  uint64_t mine = *budget_us < TRY_US ? *budget_us : TRY_US, until = clock_mono_us() + mine;
  uint64_t others = *budget_us - mine;
  TRY(dial(server, SOCK_DGRAM, &mine, &fd));
  err_t e = ERR_HTTP;
  if (send(fd, a->query.data, a->query.size, MSG_NOSIGNAL) < 0)
    FAIL(ERR_IO, "DNS: cannot send: %s", strerror(errno));
  while (e == ERR_HTTP) {
    ssize_t n = recv(fd, in, sizeof in, 0);
    if (n >= 0)
      e = dns_read_answer(&a->question, bytes_of(in, (size_t)n), a->each, a->ctx, cut);
    else if (errno != EAGAIN)
      e = err_fail(ERR_IO, __FILE__, __LINE__, "DNS: the server can't be reached");
    else if (plain_wait(fd, false, &mine) != OK)
      e = ERR_TIMEOUT;
    uint64_t now = clock_mono_us();
    mine = e != ERR_TIMEOUT && now < until ? until - now : 0;
    if (e == ERR_HTTP && mine == 0)
      e = err_fail(ERR_TIMEOUT, __FILE__, __LINE__, "DNS: the server does not answer");
  }
  *budget_us = others + mine;
  return e;
}

static err_t ask_tcp(struct ask *a, const struct net_address *server, uint64_t *budget_us) {
  AUTO_FD fd = -1;
  AUTO_BUF out = BUF_EMPTY, in = BUF_EMPTY;
  bool cut = false;
  TRY(dial(server, SOCK_STREAM, budget_us, &fd));
  buf_put_char(&out, (char)(a->query.size >> 8));
  buf_put_char(&out, (char)(a->query.size & 0xff));
  buf_put_bytes(&out, buf_bytes(&a->query));
  TRY(buf_ok(&out));
  TRY(plain_write(fd, buf_bytes(&out), budget_us));
  TRY(plain_read(fd, 2, &in, budget_us));
  if (in.size < 2)
    FAIL(ERR_IO, "DNS: the server closed the connection");
  size_t size = (size_t)in.data[0] << 8 | in.data[1];
  buf_clear(&in);
  TRY(plain_read(fd, size, &in, budget_us));
  TRY(dns_read_answer(&a->question, buf_bytes(&in), a->each, a->ctx, &cut));
  if (cut)
    FAIL(ERR_HTTP, "DNS: an answer over TCP that is cut");
  return OK;
}

static err_t ask_one(struct ask *a, const struct net_address *server, uint64_t *budget_us) {
  bool cut = false;
  TRY(ask_udp(a, server, budget_us, &cut));
  return cut ? ask_tcp(a, server, budget_us) : OK;
}

/* The words of a line of a file of the system, comments left out; how many there are. */
static size_t words_of(struct bytes line, struct bytes *words, size_t max) {
  size_t count = 0, start = 0;
  for (size_t i = 0; i <= line.size && count < max; i++) {
    bool comment = i < line.size && (line.data[i] == '#' || line.data[i] == ';');
    if (i < line.size && !comment && line.data[i] != ' ' && line.data[i] != '\t' &&
        line.data[i] != '\r')
      continue;
    if (i > start)
      words[count++] = bytes_of(line.data + start, i - start);
    start = i + 1;
    if (comment)
      break;
  }
  return count;
}

static err_t system_servers(struct net_address out[static SERVERS_MAX], size_t *found) {
  AUTO_BUF text = BUF_EMPTY;
  struct bytes rest, line, words[2];
  char address[INET6_ADDRSTRLEN + 1];
  size_t count = 0;
  TRY(file_read("/etc/resolv.conf", FILE_MAX, &text));
  for (rest = buf_bytes(&text); rest.data && count < SERVERS_MAX;) {
    rest = bytes_split(rest, '\n', &line);
    if (words_of(line, words, 2) == 2 && bytes_equal_str(words[0], "nameserver") &&
        bytes_to_cstr(words[1], address, sizeof address) == OK &&
        net_address_parse(address, PORT, &out[count]))
      count++;
  }
  if (count == 0)
    FAIL(ERR_CONFIG, "/etc/resolv.conf has no name server");
  *found = count;
  return OK;
}

static err_t servers_of(const char *server, struct net_address out[static SERVERS_MAX],
                        size_t *count) {
  if (!server[0])
    return system_servers(out, count);
  if (!net_address_parse(server, PORT, out))
    FAIL(ERR_CONFIG, "the name server's address is none");
  *count = 1;
  return OK;
}

err_t dns_check(const char *server) {
  struct net_address servers[SERVERS_MAX];
  size_t count;
  return servers_of(server, servers, &count);
}

err_t dns_ask(const char *server, const char *name, enum dns_type type, uint64_t *budget_us,
              dns_each *each, void *ctx) {
  struct net_address servers[SERVERS_MAX];
  size_t count = 0;
  struct ask a = { .question = { .name = name, .type = type }, .each = each, .ctx = ctx };
  AUTO_BUF query = BUF_EMPTY;
  TRY(servers_of(server, servers, &count));
  TRY(crypto_random(&a.question.id, sizeof a.question.id));
  TRY(dns_put_query(&a.question, &query));
  a.query = query;
  err_t e = ERR_TIMEOUT;
  for (unsigned i = 0; i < TRIES * count && *budget_us; i++) {
    e = ask_one(&a, &servers[i % count], budget_us);
    if (e != ERR_TIMEOUT && e != ERR_IO && e != ERR_HTTP)
      break;
  }
  return e;
}

struct collect {
  struct dns_addresses *out;
  int family;
  unsigned port;
};

static err_t collect_one(void *ctx, struct bytes value) {
  struct collect *c = ctx;
  if (c->out->count < DNS_ADDRESSES_MAX)
    net_address_make(c->family, value.data, c->port, &c->out->items[c->out->count++]);
  return OK;
}

static bool among(const char *name, const struct bytes *words, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (bytes_equal_nocase(words[i], name))
      return true;
  return false;
}

static void of_hosts_file(const char *name, unsigned port, struct dns_addresses *out) {
  enum { WORDS = 32 };
  AUTO_BUF text = BUF_EMPTY;
  struct bytes rest, line, words[WORDS];
  char address[INET6_ADDRSTRLEN + 1];
  if (file_read("/etc/hosts", FILE_MAX, &text) != OK)
    return;
  for (rest = buf_bytes(&text); rest.data && out->count < DNS_ADDRESSES_MAX;) {
    rest = bytes_split(rest, '\n', &line);
    size_t n = words_of(line, words, WORDS);
    if (n > 1 && among(name, words + 1, n - 1) &&
        bytes_to_cstr(words[0], address, sizeof address) == OK &&
        net_address_parse(address, port, &out->items[out->count]))
      out->count++;
  }
}

err_t dns_addresses(const char *server, const char *name, unsigned port, uint64_t *budget_us,
                    struct dns_addresses *out) {
  struct collect four = { out, AF_INET, port }, six = { out, AF_INET6, port };
  out->count = 0;
  if (!server[0])
    of_hosts_file(name, port, out);
  if (out->count)
    return OK;
  err_t e = dns_ask(server, name, DNS_A, budget_us, collect_one, &four);
  err_t e6 = dns_ask(server, name, DNS_AAAA, budget_us, collect_one, &six);
  if (out->count)
    return OK;
  TRY(e);
  TRY(e6);
  FAIL(ERR_NOT_FOUND, "DNS: the name has no address");
}
