#include "proxies.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READY_MS 30000
#define LOOK_US 10000
#define PROCESSES_MAX 16
#define TEXT_MAX 65536
#define PEM_BEGIN "-----BEGIN "

const struct proxy_kind proxy_kinds[PROXY_KINDS] = {
  { .name = "strongroom", .note = "as it is: a loop a core, revocation lists, names checked" },
  { .name = "hitch",
    .path = "/usr/sbin/hitch",
    .note = "2 workers",
    .config = "frontend = \"[127.0.0.1]:@PORT@\"\n"
              "backend = \"@SERVICE@\"\n"
              "pem-file = \"@IDENTITY@\"\n"
              "tls-protos = TLSv1.3\n"
              "client-verify = required\n"
              "client-verify-ca = \"@CA@\"\n"
              "user = \"@USER@\"\n" /* it does not run as root by itself */
              "workers = 2\n"
              "backlog = 1024\n"
              "daemon = off\n"
              "quiet = on\n",
    .argv = { "--config=@CONFIG@" } },
  { .name = "haproxy",
    .path = "/usr/sbin/haproxy",
    .note = "2 threads, no tickets",
    .config =
      "global\n"
      "  nbthread 2\n"
      "  maxconn 8192\n"
      "  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
      "defaults\n"
      "  mode tcp\n"
      "  timeout connect 5s\n"
      "  timeout client 1h\n"
      "  timeout server 1h\n"
      "listen bench\n"
      "  bind 127.0.0.1:@PORT@ ssl crt @IDENTITY@ ca-file @CA@ verify required backlog 1024\n"
      "  server service unix@@SERVICE@\n",
    .argv = { "-db", "-q", "-f", "@CONFIG@" } },
  { .name = "stunnel",
    .path = "/usr/bin/stunnel4",
    .note = "a thread a connection, no tickets",
    .config = "foreground = quiet\n"
              "pid =\n"
              "debug = err\n"
              "socket = l:TCP_NODELAY=1\n"
              "socket = r:TCP_NODELAY=1\n"
              "[bench]\n"
              "accept = 127.0.0.1:@PORT@\n"
              "connect = @SERVICE@\n"
              "cert = @IDENTITY@\n"
              "CAfile = @CA@\n"
              "verifyChain = yes\n"
              "requireCert = yes\n"
              "sslVersionMin = TLSv1.3\n"
              "options = NO_TICKET\n",
    .argv = { "@CONFIG@" } },
  { .name = "nginx",
    .path = "/usr/sbin/nginx",
    .note = "stream, 2 workers, no tickets, no session cache",
    .config = "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
              "daemon off;\n"
              "user @USER@;\n"
              "pid @DIR@/nginx.pid;\n"
              "error_log stderr error;\n"
              "worker_processes 2;\n"
              "worker_rlimit_nofile 16384;\n"
              "events { worker_connections 8192; }\n"
              "stream {\n"
              "  server {\n"
              "    listen 127.0.0.1:@PORT@ ssl backlog=1024;\n"
              "    proxy_pass unix:@SERVICE@;\n"
              "    proxy_timeout 1h;\n"
              "    ssl_certificate @IDENTITY@;\n"
              "    ssl_certificate_key @IDENTITY@;\n"
              "    ssl_client_certificate @CA@;\n"
              "    ssl_verify_client on;\n"
              "    ssl_verify_depth 2;\n"
              "    ssl_protocols TLSv1.3;\n"
              "    ssl_session_tickets off;\n"
              "    ssl_session_cache off;\n"
              "  }\n"
              "}\n",
    .argv = { "-e", "stderr", "-p", "@DIR@", "-c", "@CONFIG@" } },
};

/* --- starting --- */

static err_t free_port(unsigned *out) {
  struct sockaddr_in a = { .sin_family = AF_INET };
  socklen_t size = sizeof a;
  AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
      getsockname(fd, (struct sockaddr *)&a, &size) != 0)
    FAIL(ERR_IO, "no free port: %s", strerror(errno));
  *out = ntohs(a.sin_port);
  return OK;
}

static bool takes_connections(unsigned port) {
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  AUTO_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
}

static err_t wait_ready(const struct proxied *p) {
  for (unsigned ms = 0; ms < READY_MS; ms += LOOK_US / 1000) {
    if (takes_connections(p->port))
      return OK;
    usleep(LOOK_US);
  }
  FAIL(ERR_TIMEOUT, "%s does not listen: see its log", p->kind->name);
}

/* Every @NAME@ that is known is replaced. */
static err_t expand(const struct proxy_place *place, const struct proxied *p, const char *text,
                    struct buf *out) {
  char port[16];
  const struct passwd *user = getpwuid(getuid());
  snprintf(port, sizeof port, "%u", p->port);
  const struct {
    const char *name, *folder, *value;
  } known[] = {
    { "@PORT@", "", port },
    { "@SERVICE@", "", place->service },
    { "@IDENTITY@", place->dir, "/identity.pem" },
    { "@CA@", place->dir, "/ca.pem" },
    { "@CONFIG@", p->dir, "/config" },
    { "@DIR@", p->dir, "" },
    { "@USER@", "", user ? user->pw_name : "" },
  };
  while (*text) {
    size_t i = 0;
    while (i < sizeof known / sizeof *known && !bytes_starts(bytes_str(text), known[i].name))
      i++;
    if (i == sizeof known / sizeof *known) {
      buf_put_char(out, *text++);
      continue;
    }
    buf_put_str(out, known[i].folder);
    buf_put_str(out, known[i].value);
    text += strlen(known[i].name);
  }
  return buf_ok(out);
}

static err_t start_other(const struct proxy_place *place, struct proxied *p) {
  enum { WORDS = sizeof p->kind->argv / sizeof *p->kind->argv };
  struct buf words[WORDS] = { 0 };
  const char *argv[WORDS + 2] = { p->kind->path };
  char path[700], log[700];
  AUTO_BUF config = BUF_EMPTY;
  err_t e = expand(place, p, p->kind->config, &config);
  snprintf(path, sizeof path, "%s/config", p->dir);
  snprintf(log, sizeof log, "%s/log", p->dir);
  if (e == OK)
    e = file_write_private(path, buf_bytes(&config));
  for (size_t i = 0; e == OK && i < WORDS && p->kind->argv[i]; i++) {
    e = expand(place, p, p->kind->argv[i], &words[i]);
    argv[i + 1] = buf_cstr(&words[i]);
  }
  if (e == OK)
    e = child_start(argv, log, &p->child);
  for (size_t i = 0; i < WORDS; i++)
    buf_free(&words[i]);
  return e;
}

static err_t start_ours(const struct proxy_place *place, struct proxied *p) {
  char listen[64], state[700], log[700];
  snprintf(listen, sizeof listen, "127.0.0.1:%u", p->port);
  snprintf(state, sizeof state, "%s/state", p->dir);
  snprintf(log, sizeof log, "%s/log", p->dir);
  const char *const argv[] = {
    place->bench->program, "proxy",     "serve",  "--service", "bench",     "--data",
    place->hub->dir,       "--state",   state,    "--listen",  listen,      "--to",
    place->service,        "--profile", "server", "--name",    "localhost", "--allow",
    PROXY_CLIENT_NAME,     "--log",     "warn",   NULL
  };
  return child_start(argv, log, &p->child);
}

/* The state's file: a line of its own, the key, our certificate, its issuer's, the root's. The
 * others take key and chain, and the root as whom to trust. */
static err_t write_identity(const struct proxy_place *place, const struct proxied *p) {
  char path[700];
  const char *root = NULL, *text;
  AUTO_BUF pem = BUF_EMPTY;
  snprintf(path, sizeof path, "%s/state/identity.pem", p->dir);
  TRY(file_read(path, TEXT_MAX, &pem));
  const char *all = buf_cstr(&pem), *key = all ? strstr(all, PEM_BEGIN) : NULL;
  for (const char *at = key; at && (at = strstr(at, PEM_BEGIN "CERTIFICATE")); at++)
    root = at;
  if (!root)
    FAIL(ERR_INTERNAL, "%s is not what was expected", path);
  text = key;
  snprintf(path, sizeof path, "%s/identity.pem", place->dir);
  TRY(file_write_private(path, bytes_of(text, (size_t)(root - text))));
  snprintf(path, sizeof path, "%s/ca.pem", place->dir);
  return file_write_private(path, bytes_str(root));
}

bool proxy_is_there(const struct proxy_kind *k) {
  return !k->path || access(k->path, X_OK) == 0;
}

err_t proxied_start(const struct proxy_place *place, const struct proxy_kind *k,
                    struct proxied *out) {
  static unsigned number;
  AUTO_PROXIED p = { .kind = k };
  snprintf(p.dir, sizeof p.dir, "%s/%s-%u", place->dir, k->name, number++);
  if (mkdir(p.dir, 0700) != 0)
    FAIL(ERR_IO, "%s: %s", p.dir, strerror(errno));
  TRY(free_port(&p.port));
  TRY(k->path ? start_other(place, &p) : start_ours(place, &p));
  TRY(wait_ready(&p));
  if (!k->path)
    TRY(write_identity(place, &p));
  *out = p;
  p = (struct proxied){ 0 };
  return OK;
}

void proxied_stop(struct proxied *p) {
  if (p->child.pid)
    IGNORE(child_stop(&p->child, SIGTERM)); /* their statuses differ */
  *p = (struct proxied){ 0 };
}

/* --- what it uses --- */

static err_t processes(const struct proxied *p, pid_t out[static PROCESSES_MAX], size_t *count) {
  char path[64];
  AUTO_BUF list = BUF_EMPTY;
  int pid = p->child.pid;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
  TRY(file_read(path, TEXT_MAX, &list));
  const char *text = buf_cstr(&list);
  out[0] = p->child.pid;
  *count = 1;
  for (char *end; text && *count < PROCESSES_MAX; text = end) {
    long child = strtol(text, &end, 10);
    if (child <= 0)
      break;
    out[(*count)++] = (pid_t)child;
  }
  return OK;
}

err_t proxied_cpu_ns(const struct proxied *p, uint64_t *ns) {
  pid_t pids[PROCESSES_MAX];
  size_t count;
  *ns = 0;
  TRY(processes(p, pids, &count));
  for (size_t i = 0; i < count; i++) {
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pids[i], &clock) != 0 || clock_gettime(clock, &t) != 0)
      FAIL(ERR_IO, "the processor time of %s cannot be read", p->kind->name);
    *ns += (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
  }
  return OK;
}

err_t proxied_pss_kib(const struct proxied *p, uint64_t *kib) {
  pid_t pids[PROCESSES_MAX];
  size_t count;
  *kib = 0;
  TRY(processes(p, pids, &count));
  for (size_t i = 0; i < count; i++) {
    char path[64];
    AUTO_BUF text = BUF_EMPTY;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pids[i]);
    TRY(file_read(path, TEXT_MAX, &text));
    const char *line = buf_cstr(&text) ? strstr((const char *)text.data, "\nPss:") : NULL;
    if (!line)
      FAIL(ERR_IO, "%s does not tell Pss", path);
    *kib += strtoull(line + strlen("\nPss:"), NULL, 10);
  }
  return OK;
}
