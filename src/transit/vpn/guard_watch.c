#include "transit/vpn/guard_watch.h"

#include "base/file.h"
#include "base/log.h"
#include "transit/vpn/guard.h"
#include "transit/vpn/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define AGAIN_MS 1000 /* where it could not be put back */
#define ROUTE_GROUPS \
  (NL_GROUP(RTNLGRP_IPV4_ROUTE) | NL_GROUP(RTNLGRP_IPV6_ROUTE) | NL_GROUP(RTNLGRP_IPV4_RULE) | \
   NL_GROUP(RTNLGRP_IPV6_RULE))

struct guard_watch {
  const struct site *site;
  bool kernel_esp;
  int routes, policies, stop; /* policies -1: there are none */
  pthread_t thread;
  bool started;
  _Atomic uint64_t told_us;
  int64_t before; /* rank of a rule of others that is asked first, as it was told */
  _Atomic bool rerouted;
  pthread_mutex_t lock; /* of the gates, and of what changes them */
  bool open[SITE_PEERS_MAX];
};

/* --- what the kernel tells --- */

struct hearing {
  struct guard_watch *watch;
  bool due;
};

/* What we change ourselves is heard, too, and finds nothing to do. */
static err_t hear_route(void *ctx, const struct nl_answer *a) {
  struct hearing *h = ctx;
  bool rule = a->type == RTM_NEWRULE || a->type == RTM_DELRULE;
  uint32_t table = rule ? 0 : nl_attribute_u32(a, sizeof(struct rtmsg), RTA_TABLE, 0);
  h->due |= rule || table == GUARD_GATE_TABLE;
  if (table == GUARD_TUNNEL_TABLE && a->type == RTM_DELROUTE)
    atomic_store(&h->watch->rerouted, true);
  return OK;
}

static err_t hear_policy(void *ctx, const struct nl_answer *a) {
  struct hearing *h = ctx;
  h->due |= a->type == XFRM_MSG_DELPOLICY || a->type == XFRM_MSG_FLUSHPOLICY;
  return OK;
}

/* Whether some of it may have been taken away, or led around. */
static bool heard(struct guard_watch *w) {
  struct hearing h = { .watch = w };
  bool lost = false, more = false;
  err_t e = nl_heard(w->routes, hear_route, &h, &lost);
  if (e == OK && w->policies >= 0)
    e = nl_heard(w->policies, hear_policy, &h, &more);
  if (e != OK || lost)
    atomic_store(&w->rerouted, true);
  return e != OK || h.due || lost || more;
}

/* --- the thread --- */

static err_t mend(struct guard_watch *w) {
  bool mended = false;
  pthread_mutex_lock(&w->lock);
  err_t e = guard_mend(w->site, w->kernel_esp, w->open, &mended);
  pthread_mutex_unlock(&w->lock);
  bool tell = (e != OK || mended) && log_seldom(&w->told_us);
  if (tell && e != OK)
    log_err("vpn", e, "putting the kill switch back");
  else if (tell)
    log_warn("vpn",
             "the kill switch was taken away or led around, in part or whole: it is back; who "
             "changes rules of routing, or the tables %d and %d, on this machine?",
             GUARD_GATE_TABLE, GUARD_TUNNEL_TABLE);
  return e;
}

/* Each change of it once. The rule stays: it may be meant. */
static err_t look_before(struct guard_watch *w) {
  int64_t before;
  TRY(guard_before(&before));
  if (before == w->before)
    return OK;
  w->before = before;
  if (before == GUARD_ALONE)
    log_info("vpn", "no rule of routing is asked before the kill switch any more");
  else
    log_warn("vpn",
             "a rule of routing of rank %lld is asked before the kill switch, and may lead around "
             "it: give it a preference above %d ('ip rule')",
             (long long)before, GUARD_BLOCK_RANK);
  return OK;
}

static err_t look(struct guard_watch *w) {
  TRY(mend(w));
  return look_before(w);
}

static void *run(void *ctx) {
  struct guard_watch *w = ctx;
  struct pollfd fds[] = { { w->stop, POLLIN, 0 },
                          { w->routes, POLLIN, 0 },
                          { w->policies, POLLIN, 0 } };
  bool due = true; /* what went before there was anybody to hear it */
  while (!fds[0].revents) {
    bool failed = due && look(w) != OK;
    int ready = poll(fds, 3, failed ? AGAIN_MS : -1);
    due = failed || (ready > 0 && heard(w));
  }
  return NULL;
}

static err_t start(struct guard_watch *w) {
  sigset_t all, before;
  TRY(nl_listen(NETLINK_ROUTE, ROUTE_GROUPS, &w->routes));
  if (w->kernel_esp)
    TRY(nl_listen(NETLINK_XFRM, NL_GROUP(XFRMNLGRP_POLICY), &w->policies));
  if ((w->stop = eventfd(0, EFD_CLOEXEC)) < 0)
    FAIL(ERR_IO, "eventfd: %s", strerror(errno));
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&w->thread, NULL, run, w);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0)
    FAIL(ERR_NOMEM, "cannot start the thread that watches the kill switch: %s", strerror(error));
  w->started = true;
  return OK;
}

/* --- others --- */

err_t guard_watch_new(const struct site *s, bool kernel_esp, struct guard_watch **out) {
  AUTO(guard_watch) struct guard_watch *w = mem_zalloc(sizeof *w);
  if (!w)
    return ERR_NOMEM;
  w->site = s;
  w->kernel_esp = kernel_esp;
  w->before = GUARD_ALONE;
  w->routes = w->policies = w->stop = -1;
  pthread_mutex_init(&w->lock, NULL);
  TRY(start(w));
  *out = TAKE(w);
  return OK;
}

void guard_watch_free(struct guard_watch *w) {
  if (w->started) {
    (void)!write(w->stop, &(uint64_t){ 1 }, sizeof(uint64_t));
    pthread_join(w->thread, NULL);
  }
  file_close(&w->routes);
  file_close(&w->policies);
  file_close(&w->stop);
  pthread_mutex_destroy(&w->lock);
  mem_free(w);
}

err_t guard_watch_gate(struct guard_watch *w, size_t peer, bool open) {
  pthread_mutex_lock(&w->lock);
  err_t e = guard_gate(&w->site->peers[peer], open);
  if (e == OK)
    w->open[peer] = open;
  pthread_mutex_unlock(&w->lock);
  return e;
}

bool guard_watch_rerouted(struct guard_watch *w) {
  return atomic_exchange(&w->rerouted, false);
}
