#include "net/dial.h"

#include "net/tls_io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

void net_address_make(int family, const uint8_t *bytes, unsigned port, struct net_address *out) {
  *out = (struct net_address){ 0 };
  if (family == AF_INET) {
    struct sockaddr_in *a = (struct sockaddr_in *)&out->socket;
    a->sin_family = AF_INET;
    a->sin_port = htons((uint16_t)port);
    memcpy(&a->sin_addr, bytes, sizeof a->sin_addr);
    out->size = sizeof *a;
  } else {
    struct sockaddr_in6 *a = (struct sockaddr_in6 *)&out->socket;
    a->sin6_family = AF_INET6;
    a->sin6_port = htons((uint16_t)port);
    memcpy(&a->sin6_addr, bytes, sizeof a->sin6_addr);
    out->size = sizeof *a;
  }
}

void net_address_host(const struct net_address *a, char out[static NET_HOST_MAX]) {
  const struct sockaddr_storage *s = &a->socket;
  out[0] = '\0';
  if (s->ss_family == AF_INET)
    inet_ntop(AF_INET, &((const struct sockaddr_in *)s)->sin_addr, out, NET_HOST_MAX);
  else if (s->ss_family == AF_INET6)
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)s)->sin6_addr, out, NET_HOST_MAX);
}

bool net_address_parse(const char *text, unsigned port, struct net_address *out) {
  char host[INET6_ADDRSTRLEN + 1];
  uint8_t bytes[sizeof(struct in6_addr)];
  struct bytes name, rest = { 0 }, all = bytes_str(text);
  uint64_t number = port;
  if (all.size && all.data[0] == '[') {
    rest = bytes_split(bytes_of(all.data + 1, all.size - 1), ']', &name);
    if (!rest.data || (rest.size && rest.data[0] != ':'))
      return false;
    rest = rest.size ? bytes_of(rest.data + 1, rest.size - 1) : (struct bytes){ 0 };
  } else if (strchr(text, ':') == strrchr(text, ':')) {
    rest = bytes_split(all, ':', &name);
  } else {
    name = all;
  }
  if (bytes_to_cstr(name, host, sizeof host) != OK ||
      (rest.data && bytes_to_u64(rest, 65535, &number) != OK) || number == 0)
    return false;
  int family = inet_pton(AF_INET, host, bytes) == 1 ? AF_INET : AF_INET6;
  if (family == AF_INET6 && inet_pton(AF_INET6, host, bytes) != 1)
    return false;
  net_address_make(family, bytes, (unsigned)number, out);
  return true;
}

void net_set_tcp(int fd) {
  static const struct {
    int level, option, value;
  } options[] = {
    { IPPROTO_TCP, TCP_NODELAY, 1 },   { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, 60 }, { IPPROTO_TCP, TCP_KEEPINTVL, 15 },
    { IPPROTO_TCP, TCP_KEEPCNT, 4 },
  };
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof options[i].value);
}

static int wait_connected(int fd, uint64_t *budget_us) {
  struct tls_io waiting = { .fd = fd };
  int error = 0;
  socklen_t size = sizeof error;
  if (tls_io_wait(&waiting, TLS_IO_WANT_WRITE, budget_us) != OK)
    return ETIMEDOUT;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

int net_dial(const struct sockaddr *to, socklen_t size, int type, uint64_t *budget_us, int *out) {
  int fd = socket(to->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, error = 0;
  if (fd < 0)
    return errno;
  if (type == SOCK_STREAM)
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, to, size) != 0)
    error = errno;
  if (error == EINPROGRESS)
    error = wait_connected(fd, budget_us);
  if (error) {
    close(fd);
    return error;
  }
  *out = fd;
  return 0;
}
