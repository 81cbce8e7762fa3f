#include "transit/vpn/gateway.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "transit/vpn/block.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/connection.h"
#include "transit/vpn/gateway_internal.h"
#include "transit/vpn/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENROL_WAIT_MS 30000
#define CALM_MS 5000 /* between looks while all is well */
#define BUSY_MS 500
#define DYING_MS 500 /* from the end of its sockets to its own */
#define REVIEW_US 60000000u
#define HAND_OVER_AGAIN_US 10000000u
#define RESTART_US 1000000u
#define RESTART_MOST_US 32000000u
#define LONG_LIFE_US 60000000u

/* --- the state directory --- */

static void path_in(const struct site *s, const char *name, char out[static 128]) {
  snprintf(out, 128, "%s/%s", s->state, name);
}

err_t gateway_state(const struct site *s) {
  struct stat st;
  if (mkdir(s->state, 0700) != 0 && errno == ENOENT)
    FAIL(ERR_CONFIG, "cannot make the directory %s: 'mkdir -p' what it is in first", s->state);
  if (stat(s->state, &st) != 0)
    FAIL(ERR_CONFIG, "cannot make the directory %s: %s", s->state, strerror(errno));
  if (!S_ISDIR(st.st_mode))
    FAIL(ERR_CONFIG, "%s is no directory", s->state);
  if (st.st_uid != geteuid())
    FAIL(ERR_CONFIG, "%s belongs to the user %u: 'chown %u %s'", s->state, st.st_uid, geteuid(),
         s->state);
  if (st.st_mode & 0077)
    FAIL(ERR_CONFIG, "%s has the mode %o, so others may use it: 'chmod 700 %s'", s->state,
         st.st_mode & 07777, s->state);
  return OK;
}

static err_t take_state(const struct site *s, int *lock) {
  char path[128];
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  TRY(gateway_state(s));
  path_in(s, "lock", path);
  *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (*lock < 0)
    FAIL(ERR_CONFIG, "cannot open %s: %s", path, strerror(errno));
  if (fcntl(*lock, F_SETLK, &whole) != 0)
    FAIL(ERR_CONFLICT, "another 'strongroom vpn up' runs with %s", s->state);
  return OK;
}

err_t gateway_pid(const struct site *s, pid_t *out) {
  char path[128];
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  path_in(s, "lock", path);
  AUTO_FD fd = open(path, O_RDWR | O_CLOEXEC);
  *out = 0;
  if (fd < 0 && errno == ENOENT)
    return OK;
  if (fd < 0 || fcntl(fd, F_GETLK, &whole) != 0)
    FAIL(ERR_CONFIG, "cannot look at %s: %s", path, strerror(errno));
  *out = whole.l_type == F_UNLCK ? 0 : whole.l_pid;
  return OK;
}

/* --- strongSwan --- */

static void hang_up(struct gateway *g) {
  if (g->ask)
    vici_free(TAKE(g->ask));
  if (g->events)
    vici_free(TAKE(g->events));
  g->creds.key_id[0] = '\0';
}

static err_t load_connections(struct gateway *g) {
  for (size_t i = 0; i < g->site->peer_count; i++) {
    AUTO_BUF request = BUF_EMPTY;
    struct connection c = connection_of(g->site, &g->site->peers[i]);
    c.lists = g->lists;
    connection_put_message(&c, &request);
    TRY(vici_call(g->ask, "load-conn", &request, NULL));
  }
  return OK;
}

/* What is good now, where it is not what strongSwan has. */
static err_t hand_over(struct gateway *g) {
  AUTO(enrolled) struct enrolled *now = enrol_current(g->enrol);
  TRY(creds_load(g->ask, now, &g->creds, &g->lists));
  TRY(load_connections(g));
  bool first = !g->now, other = !first && now->key != g->now->key;
  if (g->now)
    enrolled_free(g->now);
  g->revocation.read = NULL; /* it borrowed them */
  g->now = TAKE(now);
  TRY(peer_cert_read(buf_bytes(&g->now->chain_pem), &g->own));
  if (!first)
    TRY(peers_review(g));
  return other ? peers_renew(g) : OK;
}

static err_t listen_to(struct gateway *g) {
  static const char *const events[] = { "ike-updown", "child-updown", "ike-rekey" };
  char path[108];
  charon_socket(g->site, path);
  TRY(vici_open(path, &g->ask));
  TRY(vici_open(path, &g->events));
  for (size_t i = 0; i < sizeof events / sizeof *events; i++)
    TRY(vici_listen(g->events, events[i]));
  return OK;
}

static err_t start(struct gateway *g) {
  TRY(charon_start(g->site, g->user, &g->charon));
  g->started_at = clock_mono_us();
  TRY(charon_wait(g->site, g->charon));
  TRY(listen_to(g));
  if (g->now)
    enrolled_free(TAKE(g->now));
  revocation_free(&g->revocation);
  return hand_over(g);
}

/* It has ended, or does not answer. */
static void bury(struct gateway *g, const char *why) {
  uint64_t now = clock_mono_us(), pause = RESTART_US;
  hang_up(g);
  peers_shut(g);
  g->charon = 0;
  g->tun = 0;
  g->deaths = now - g->started_at > LONG_LIFE_US ? 0 : g->deaths + 1;
  for (unsigned i = 1; i < g->deaths && pause < RESTART_MOST_US; i++)
    pause *= 2;
  g->start_at = now + pause;
  log_error("vpn", "strongSwan %s: all tunnels are down; it is started again", why);
}

static void bury_ended(struct gateway *g, int status) {
  char why[48];
  if (WIFSIGNALED(status))
    snprintf(why, sizeof why, "was ended by signal %d", WTERMSIG(status));
  else
    snprintf(why, sizeof why, "ended with status %d", WEXITSTATUS(status));
  bury(g, why);
}

static void reap(struct gateway *g) {
  int status;
  if (g->charon && waitpid(g->charon, &status, WNOHANG) == g->charon)
    bury_ended(g, status);
}

/* It does not answer: because it has ended, or it is ended now. */
static void give_up(struct gateway *g, err_t e) {
  int status;
  if (g->charon && charon_ended(g->charon, DYING_MS, &status)) {
    bury_ended(g, status);
    return;
  }
  log_err("vpn", e, "talking to strongSwan");
  if (g->charon)
    charon_stop(g->charon);
  bury(g, "does not answer");
}

/* Without the interface that it has made it seals nothing, and takes its tunnels for good. */
static bool has_lost_tun(struct gateway *g) {
  unsigned now = g->user ? charon_tun() : 0;
  if (!g->tun)
    g->tun = now;
  return g->tun != now;
}

static void lose_tun(struct gateway *g) {
  charon_stop(g->charon);
  bury(g, "has lost its interface " CHARON_TUN);
}

/* Routes of one that was killed are removed before the next one adds its own. */
static void start_again(struct gateway *g) {
  err_t e = guard_put(g->site, !g->user);
  if (e == OK)
    e = start(g);
  if (e != OK)
    give_up(g, e);
}

/* --- the loop --- */

static void on_change(void *ctx, struct enrolled *now) {
  const struct gateway *g = ctx;
  (void)now;
  (void)!write(g->changed, &(uint64_t){ 1 }, sizeof(uint64_t));
}

/* True when it is to end. */
static bool take_signals(struct gateway *g) {
  struct signalfd_siginfo info;
  while (read(g->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGCHLD)
      reap(g);
    else if (info.ssi_signo == SIGHUP)
      enrol_look_now(g->enrol);
    else
      return true;
  }
  return false;
}

static err_t look(struct gateway *g) {
  uint64_t now = clock_mono_us();
  bool any;
  if (g->hand_over_at && now >= g->hand_over_at) {
    g->hand_over_at = now + HAND_OVER_AGAIN_US;
    TRY(hand_over(g));
    g->hand_over_at = 0;
  }
  TRY(vici_heard(g->events, &any));
  TRY(peers_look(g));
  if (now < g->review_at)
    return OK;
  g->review_at = now + REVIEW_US;
  return peers_review(g);
}

/* True when it is to end. */
static bool step(struct gateway *g) {
  struct pollfd fds[] = { { g->signals, POLLIN, 0 },
                          { g->changed, POLLIN, 0 },
                          { g->events ? vici_fd(g->events) : -1, POLLIN, 0 } };
  uint64_t count;
  if (poll(fds, 3, g->charon && peers_all_up(g) ? CALM_MS : BUSY_MS) < 0)
    return false; /* interrupted */
  if (fds[0].revents && take_signals(g))
    return true;
  if (fds[1].revents && read(g->changed, &count, sizeof count) > 0)
    g->hand_over_at = clock_mono_us();
  if (!g->charon && clock_mono_us() >= g->start_at)
    start_again(g);
  if (!g->ask)
    return false;
  if (has_lost_tun(g)) {
    lose_tun(g);
    return false;
  }
  err_t e = look(g);
  if (e == ERR_AWAY)
    give_up(g, e);
  else if (e != OK)
    log_err("vpn", e, "looking after the tunnels");
  return false;
}

static err_t listen_to_signals(struct gateway *g) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
      (g->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0 ||
      (g->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
    FAIL(ERR_IO, "cannot listen to signals: %s", strerror(errno));
  return OK;
}

static err_t get_certificate(struct gateway *g, struct client *c) {
  char state[128], subject[SITE_NAME_SIZE + 3];
  const char *names[] = { g->site->name };
  const struct enrol_options o = { .profile = "vpn",
                                   .names = names,
                                   .name_count = 1,
                                   .subject = subject,
                                   .state = state,
                                   .lifetime_s = g->site->lifetime_s,
                                   .list_s = g->site->lists_s,
                                   .lists = true };
  path_in(g->site, "certificate", state);
  snprintf(subject, sizeof subject, "CN=%s", g->site->name);
  TRY(enrol_new(c, &o, ENROL_WAIT_MS, &g->enrol));
  return enrol_start(g->enrol, on_change, g);
}

/* The kill switch is first: whatever fails after it, nothing leaves in clear. */
static err_t prepare(struct gateway *g, struct client *c) {
  bool kernel = false;
  g->peers = mem_zalloc(g->site->peer_count * sizeof *g->peers);
  g->tunnels = mem_zalloc(sizeof *g->tunnels);
  if (!g->peers || !g->tunnels)
    return ERR_NOMEM;
  TRY(take_state(g->site, &g->lock));
  TRY(guard_claim(&g->claim));
  TRY(block_kernel_esp(&kernel));
  g->user = g->site->esp == ESP_USER || !kernel;
  TRY(guard_put(g->site, !g->user));
  TRY(guard_watch_new(g->site, !g->user, &g->guard));
  TRY(charon_check(g->site, g->user));
  TRY(listen_to_signals(g));
  return get_certificate(g, c);
}

static void gateway_end(struct gateway *g) {
  hang_up(g);
  if (g->charon)
    charon_stop(g->charon);
  revocation_free(&g->revocation);
  if (g->enrol)
    enrol_free(g->enrol);
  if (g->now)
    enrolled_free(g->now);
  if (g->guard)
    guard_watch_free(g->guard);
  mem_free(g->peers);
  mem_free(g->tunnels);
  file_close(&g->signals);
  file_close(&g->changed);
  file_close(&g->claim);
  file_close(&g->lock);
}

err_t gateway_run(const struct site *s, struct client *c,
                  void (*ready)(const struct site *s, const struct gateway_ready *r)) {
  struct gateway g __attribute__((
    cleanup(gateway_end))) = { .site = s, .signals = -1, .changed = -1, .lock = -1, .claim = -1 };
  TRY(prepare(&g, c));
  TRY(start(&g));
  const struct gateway_ready r = { g.user, g.now->not_after };
  ready(s, &r);
  while (!step(&g))
    ;
  return OK;
}
