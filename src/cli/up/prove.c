#include "cli/up/prove.h"

#include "base/file.h"
#include "cli/ask.h"
#include "crypto/x509.h"
#include "net/plain.h"
#include "net/tls_io.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BUDGET_US 5000000u
#define PEM_MAX 65536
#define NAME_SIZE 256
#define PORTS_MAX 64

struct proof {
  struct tls *tls;
  char name[NAME_SIZE]; /* that the certificates must be for */
  struct buf given;     /* the certificate that must be shown; empty: any of the authority's */
  unsigned ports[PORTS_MAX];
  size_t port_count;
  struct buf *seen;
};
static void proof_free(struct proof *p) {
  tls_free(p->tls);
  buf_free(&p->given);
}

/* --- one address --- */

/* An address that stands for all of them is reached by loopback's. */
static err_t parse(const char *text, struct net_address *out, unsigned *port) {
  char address[128];
  const char *colon = strrchr(text, ':');
  *port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
  if (bytes_starts(bytes_str(text), "0.0.0.0:"))
    snprintf(address, sizeof address, "127.0.0.1:%u", *port);
  else if (bytes_starts(bytes_str(text), "[::]:"))
    snprintf(address, sizeof address, "[::1]:%u", *port);
  else
    snprintf(address, sizeof address, "%s", text);
  if (*port == 0 || !net_address_parse(address, *port, out))
    FAIL(ERR_CONFIG, "%s is no address that can be connected to", text);
  return OK;
}

static err_t dial(const char *text, const struct net_address *to, int *fd) {
  uint64_t budget = BUDGET_US;
  int e = net_dial((const struct sockaddr *)&to->socket, to->size, SOCK_STREAM, &budget, fd);
  if (e != 0)
    FAIL(ERR_CONFIG, "%s cannot be connected to: %s", text, strerror(e));
  return OK;
}

static err_t handshake(struct proof *p, const char *text, struct tls_io *io) {
  uint64_t budget = BUDGET_US;
  for (;;) {
    enum tls_io_result r = tls_io_handshake(io);
    if (r == TLS_IO_OK)
      break;
    if (r != TLS_IO_WANT_READ && r != TLS_IO_WANT_WRITE) {
      char why[256];
      IGNORE(tls_io_handshake_error(io));
      snprintf(why, sizeof why, "%s", err_last()->why);
      FAIL(ERR_CONFIG, "%s: %s", text, why);
    }
    TRY(tls_io_wait(io, r, &budget));
  }
  AUTO_BUF shown = BUF_EMPTY;
  struct tls_facts facts;
  TRY(tls_io_peer(io, &shown));
  if (p->given.size && !bytes_equal(buf_bytes(&shown), buf_bytes(&p->given)))
    FAIL(ERR_CONFIG, "%s: the certificate is not the one that was given", text);
  tls_io_facts(io, &facts);
  buf_printf(p->seen, "%s %s %s\n", text, facts.version, facts.cipher);
  return buf_ok(p->seen);
}

static err_t prove_tls(struct proof *p, const char *text, const struct net_address *to) {
  struct tls_io io = TLS_IO_CLOSED;
  int fd = -1;
  TRY(dial(text, to, &fd));
  err_t e = p->given.size ? tls_io_probe(&io, p->tls, fd, p->name)
                          : tls_io_connect(&io, p->tls, fd, p->name);
  if (e == OK)
    e = handshake(p, text, &io);
  tls_io_close(&io);
  return e;
}

/* What is not TLS gets an alert of TLS, or nothing. */
static err_t prove_not_plain(const char *text, const struct net_address *to) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  AUTO_BUF answer = BUF_EMPTY;
  AUTO_FD fd = -1;
  uint64_t budget = BUDGET_US;
  TRY(dial(text, to, &fd));
  err_t e = plain_write(fd, bytes_str(request), &budget);
  if (e == OK)
    e = plain_read(fd, 64, &answer, &budget);
  if (e == ERR_NOMEM)
    return e;
  if (answer.size && answer.data[0] != 0x15)
    FAIL(ERR_CONFIG, "%s answers in plain text", text);
  return OK;
}

static err_t prove_address(struct proof *p, const char *text) {
  struct net_address to;
  unsigned port;
  TRY(parse(text, &to, &port));
  TRY(prove_tls(p, text, &to));
  TRY(prove_not_plain(text, &to));
  if (p->port_count == PORTS_MAX)
    FAIL(ERR_CONFIG, "more than %d addresses are listened on", PORTS_MAX);
  p->ports[p->port_count++] = port;
  return OK;
}

/* --- what the kernel knows --- */

static bool owns(DIR *fds, unsigned long inode) {
  char want[48], link[64];
  snprintf(want, sizeof want, "socket:[%lu]", inode);
  rewinddir(fds);
  for (struct dirent *e; (e = readdir(fds));) {
    ssize_t n = readlinkat(dirfd(fds), e->d_name, link, sizeof link - 1);
    if (n > 0 && (link[n] = '\0', strcmp(link, want) == 0))
      return true;
  }
  return false;
}

static bool is_proved(const struct proof *p, unsigned port) {
  for (size_t i = 0; i < p->port_count; i++)
    if (p->ports[i] == port)
      return true;
  return false;
}

static unsigned long number(struct bytes digits, int base) {
  char text[24];
  return bytes_to_cstr(digits, text, sizeof text) == OK ? strtoul(text, NULL, base) : 0;
}

/* A line of /proc/PID/net/tcp: "sl: ADDRESS:PORT REMOTE:PORT STATE .. inode". */
static err_t check_line(const struct proof *p, DIR *fds, const char *line) {
  enum { LISTENING = 0x0a, LOCAL = 1, STATE = 3, INODE = 9, FIELDS };
  struct bytes fields[FIELDS] = { 0 }, one, rest = bytes_str(line), address;
  for (size_t n = 0; rest.size && n < FIELDS;) {
    rest = bytes_split(rest, ' ', &one);
    if (one.size)
      fields[n++] = one;
  }
  struct bytes hex = bytes_split(fields[LOCAL], ':', &address);
  unsigned port = (unsigned)number(hex, 16);
  if (number(fields[STATE], 16) == LISTENING && owns(fds, number(fields[INODE], 10)) &&
      !is_proved(p, port))
    FAIL(ERR_CONFIG, "port %u is listened on, and nobody told what is spoken there", port);
  return OK;
}

static err_t check_table(const struct proof *p, pid_t pid, const char *table, DIR *fds) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/net/%s", (int)pid, table);
  FILE *f = fopen(path, "re");
  err_t e = OK;
  if (!f)
    return OK;
  while (e == OK && fgets(line, sizeof line, f))
    e = check_line(p, fds, line);
  fclose(f);
  return e;
}

static err_t check_kernel(const struct proof *p, pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
  DIR *fds = opendir(path);
  if (!fds)
    return OK; /* a protected process shows them to root only */
  err_t e = check_table(p, pid, "tcp", fds);
  if (e == OK)
    e = check_table(p, pid, "tcp6", fds);
  closedir(fds);
  return e;
}

/* --- all of it --- */

/* The host of its URL. */
static err_t take_name(struct proof *p, const struct service *s) {
  struct bytes host, url = field_text(s->ready, "url");
  size_t scheme = sizeof "https://" - 1;
  if (!bytes_starts(url, "https://"))
    FAIL(ERR_CONFIG, "%s is not at an https URL", s->name);
  url = bytes_of(url.data + scheme, url.size - scheme);
  if (url.size && url.data[0] == '[')
    bytes_split(bytes_of(url.data + 1, url.size - 1), ']', &host);
  else
    bytes_split(url, ':', &host);
  return bytes_to_cstr(host, p->name, sizeof p->name);
}

static err_t prove_service(struct proof *p, const struct service *s) {
  size_t i;
  json_t *address, *all = json_object_get(s->ready, "listeners");
  TRY(take_name(p, s));
  p->port_count = 0;
  json_array_foreach(all, i, address)
    TRY(prove_address(p, json_is_string(address) ? json_string_value(address) : ""));
  if (p->port_count == 0)
    FAIL(ERR_CONFIG, "%s does not tell where it listens", s->name);
  return check_kernel(p, s->pid);
}

/* A certificate that was given may be of any authority. */
static err_t set_trust(struct proof *p, const char *data_dir, const char *certificate) {
  AUTO_BUF pem = BUF_EMPTY;
  char path[4096];
  snprintf(path, sizeof path, "%s/ca.pem", data_dir);
  TRY(file_read(*certificate ? certificate : path, PEM_MAX, &pem));
  if (!*certificate)
    return tls_client(buf_bytes(&pem), &p->tls);
  TRY(x509_from_pem(buf_bytes(&pem), &p->given));
  return tls_prober("http/1.1", &p->tls);
}

err_t up_prove(const struct service *services, size_t count, const char *data_dir,
               const char *certificate, struct buf *seen) {
  __attribute__((cleanup(proof_free))) struct proof p = { .seen = seen };
  TRY(set_trust(&p, data_dir, certificate));
  for (size_t i = 0; i < count; i++)
    TRY(prove_service(&p, &services[i]));
  return OK;
}
