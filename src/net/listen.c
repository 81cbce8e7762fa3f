#include "net/listen.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 1024
#define ROUND 64 /* connections accepted before others get their turn */
#define FIRST_INHERITED 3

static inline void addrinfo_cleanup(struct addrinfo **a) {
  if (*a)
    freeaddrinfo(*a);
}
#define AUTO_ADDRINFO __attribute__((cleanup(addrinfo_cleanup))) struct addrinfo

/* "host:port" or "[host]:port", in place. */
static err_t split_address(char *text, char **host, char **port) {
  char *colon = strrchr(text, ':');
  if (!colon)
    return ERR_CONFIG;
  *colon = '\0';
  *port = colon + 1;
  uint64_t number;
  TRY(bytes_to_u64(bytes_str(*port), 65535, &number));
  *host = text;
  size_t n = strlen(text);
  if (text[0] == '[' && n > 2 && text[n - 1] == ']') {
    text[n - 1] = '\0';
    *host = text + 1;
  }
  return OK;
}

static err_t resolve(const char *address, struct addrinfo **out) {
  char text[128], *host = NULL, *port = NULL;
  if (bytes_to_cstr(bytes_str(address), text, sizeof text) != OK ||
      split_address(text, &host, &port) != OK)
    FAIL(ERR_CONFIG, "'%s' is not an address and port to listen on", address);
  struct addrinfo want = { .ai_socktype = SOCK_STREAM,
                           .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV };
  if (getaddrinfo(host, port, &want, out) != 0)
    FAIL(ERR_CONFIG, "'%s' is not an address and port to listen on", address);
  return OK;
}

err_t listen_tcp(const char *address, int *fd) {
  AUTO_ADDRINFO *a = NULL;
  int on = 1;
  TRY(resolve(address, &a));
  AUTO_FD s = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0)
    FAIL(ERR_IO, "socket: %s", strerror(errno));
  setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (a->ai_family == AF_INET6) /* so that [::] and 0.0.0.0 can be had side by side */
    setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  net_set_tcp(s);
  if (bind(s, a->ai_addr, a->ai_addrlen) != 0 || listen(s, BACKLOG) != 0)
    FAIL(ERR_IO, "cannot listen on %s: %s", address, strerror(errno));
  *fd = s;
  s = -1;
  return OK;
}

/* A socket's file outlives the program that made it, if that one was killed. */
static void remove_stale(const struct sockaddr_un *a) {
  struct stat st;
  if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
    return;
  AUTO_FD s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s >= 0 && connect(s, (const struct sockaddr *)a, sizeof *a) != 0 && errno == ECONNREFUSED)
    unlink(a->sun_path);
}

err_t listen_unix(const char *path, unsigned mode, int *fd) {
  struct sockaddr_un a = { .sun_family = AF_UNIX };
  if (bytes_to_cstr(bytes_str(path), a.sun_path, sizeof a.sun_path) != OK)
    FAIL(ERR_CONFIG, "the socket's path '%s' is longer than %zu bytes", path,
         sizeof a.sun_path - 1);
  remove_stale(&a);
  AUTO_FD s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0)
    FAIL(ERR_IO, "socket: %s", strerror(errno));
  /* Nobody can connect before listen(): the mode is right by then, whatever the umask. */
  if (bind(s, (struct sockaddr *)&a, sizeof a) != 0 || chmod(path, mode) != 0 ||
      listen(s, BACKLOG) != 0)
    FAIL(ERR_IO, "cannot listen on %s: %s", path, strerror(errno));
  *fd = s;
  s = -1;
  return OK;
}

static int socket_option(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

err_t listen_adopt(int fd) {
  if (socket_option(fd, SO_TYPE) != SOCK_STREAM || socket_option(fd, SO_ACCEPTCONN) != 1)
    FAIL(ERR_CONFIG, "descriptor %d is not a stream socket that listens", fd);
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
    FAIL(ERR_IO, "descriptor %d: %s", fd, strerror(errno));
  if (socket_option(fd, SO_DOMAIN) != AF_UNIX)
    net_set_tcp(fd);
  return OK;
}

err_t listen_address(int fd, struct net_address *out) {
  out->size = sizeof out->socket;
  if (getsockname(fd, (struct sockaddr *)&out->socket, &out->size) != 0)
    FAIL(ERR_IO, "getsockname: %s", strerror(errno));
  return OK;
}

unsigned listen_port(int fd) {
  struct net_address a = { 0 };
  if (listen_address(fd, &a) != OK)
    return 0;
  if (a.socket.ss_family == AF_INET6)
    return ntohs(((struct sockaddr_in6 *)&a.socket)->sin6_port);
  return a.socket.ss_family == AF_INET ? ntohs(((struct sockaddr_in *)&a.socket)->sin_port) : 0;
}

/* Descriptors that were meant for another process are not ours. */
err_t listen_inherited(int *first, unsigned *count) {
  const char *pid_text = getenv("LISTEN_PID"), *count_text = getenv("LISTEN_FDS");
  uint64_t pid = 0, n = 0;
  *first = FIRST_INHERITED;
  *count = 0;
  if (!pid_text || !count_text)
    return OK;
  if (bytes_to_u64(bytes_str(pid_text), INT32_MAX, &pid) != OK ||
      bytes_to_u64(bytes_str(count_text), LISTEN_INHERITED_MAX, &n) != OK)
    FAIL(ERR_CONFIG, "LISTEN_PID and LISTEN_FDS are not numbers, or too large");
  if (pid == (uint64_t)getpid())
    *count = (unsigned)n;
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  return OK;
}

static bool exhausted(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Errors of one connection are that connection's; of the rest, being out of descriptors or memory
 * passes only with time: the clients wait in the backlog meanwhile. */
enum listen_result listen_accept(int listener, const char *area,
                                 void (*deal)(void *ctx, int fd, const struct net_address *from),
                                 void *ctx) {
  for (int i = 0; i < ROUND; i++) {
    struct net_address from = { .size = sizeof from.socket };
    int fd =
      accept4(listener, (struct sockaddr *)&from.socket, &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      deal(ctx, fd, &from);
    } else if (exhausted(errno)) {
      static _Atomic uint64_t logged;
      if (log_seldom(&logged))
        log_warn(area, "accept: %s; pausing", strerror(errno));
      return LISTEN_PAUSE;
    } else if (errno == EAGAIN) {
      return LISTEN_DRAINED;
    }
  }
  return LISTEN_MORE;
}
