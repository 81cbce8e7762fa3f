/* One look after the other at who is there and who should be. */
#include "base/clock.h"
#include "base/log.h"
#include "transit/vpn/gateway_internal.h"
#include "transit/vpn/guard.h"

#include <strings.h>

#define TURN_US 3000000u /* the side with the greater name lets the other dial first */
#define UNSEEN_MAX 5
#define ASTRAY_MAX 2
#define REVOKED "its certificate is revoked"

static void set_gate(struct gateway *g, size_t at, bool open) {
  struct peer_state *state = &g->peers[at];
  if (state->open == open)
    return;
  err_t e = guard_watch_gate(g->guard, at, open);
  if (e != OK) {
    log_err("vpn", e, open ? "opening the gate" : "shutting the gate");
    return;
  }
  state->open = open;
}

static bool is_good(const struct peer_state *state, uint64_t id) {
  for (unsigned i = 0; i < GOOD_MAX; i++)
    if (state->good[i].id == id)
      return true;
  return false;
}

/* All tunnels of a peer that was refused, and what strongSwan remembers of it. */
static err_t refuse(struct gateway *g, size_t at, const char *why) {
  const struct site_peer *p = &g->site->peers[at];
  set_gate(g, at, false);
  memset(g->peers[at].good, 0, sizeof g->peers[at].good);
  redial_refused(&g->peers[at].redial, clock_mono_us());
  log_warn("vpn", "%s is refused: %s", p->name, why);
  for (size_t i = 0; i < g->tunnels->count; i++)
    if (g->tunnels->items[i].peer == p && tunnel_end(g->ask, g->tunnels->items[i].id) == ERR_AWAY)
      return ERR_AWAY;
  return peer_forget(g->ask);
}

/* Takes out those that are revoked: strongSwan has let nobody in with them, if it has the lists. */
static bool drop_revoked(const struct gateway *g, struct peer_certs *c) {
  size_t kept = 0;
  for (size_t i = 0; i < c->count; i++)
    if (!revocation_has(&g->revocation, &c->items[i]))
      c->items[kept++] = c->items[i];
  bool any = kept != c->count;
  c->count = kept;
  return any;
}

/* A tunnel whose certificate strongSwan does not show: it was forgotten with that of another peer,
 * or is seen in a moment. */
static err_t wait_or_end(struct gateway *g, size_t at, const struct tunnel *t) {
  if (++g->peers[at].unseen < UNSEEN_MAX)
    return OK;
  g->peers[at].unseen = 0;
  return tunnel_end(g->ask, t->id);
}

/* A tunnel that is new here. */
static err_t judge(struct gateway *g, size_t at, const struct tunnel *t) {
  struct peer_state *state = &g->peers[at];
  struct good_tunnel good = { .id = t->id };
  TRY(revocation_update(&g->revocation, g->ask, g->now));
  TRY(peer_look(g->ask, t->peer, &good.certs));
  if (good.certs.wrong)
    return refuse(g, at, good.certs.wrong);
  bool revoked = drop_revoked(g, &good.certs);
  if (revoked && (!g->lists || good.certs.count == 0))
    return refuse(g, at, REVOKED);
  if (good.certs.count == 0)
    return wait_or_end(g, at, t);
  state->unseen = 0;
  state->good[state->next_good++ % GOOD_MAX] = good;
  return OK;
}

static err_t dial(struct gateway *g, size_t at) {
  const struct site_peer *p = &g->site->peers[at];
  uint64_t turn_us = strcasecmp(g->site->name, p->name) < 0 ? 0 : TURN_US;
  if (strcmp(p->address, SITE_ANY) == 0 || g->revoked ||
      !redial_due(&g->peers[at].redial, turn_us, clock_mono_us()))
    return OK;
  return tunnel_dial(g->ask, p);
}

static void tell(struct gateway *g, size_t at, const struct tunnel *t) {
  const struct site_peer *p = &g->site->peers[at];
  if (t)
    log_info("vpn", "%s is up: %s, ESP %s, from %s", p->name, t->ike, t->esp, t->address);
  else
    log_warn("vpn", "%s is down: what is for it is dropped", p->name);
}

/* strongSwan adds the routes into a tunnel once: where somebody removes them, there is to be
 * another tunnel. While keys are exchanged they may be absent for a moment. */
static err_t look_for_way(struct gateway *g, size_t at, const struct tunnel *up) {
  struct peer_state *state = &g->peers[at];
  bool leads = true;
  if (g->rerouted && up)
    TRY(guard_leads(up->peer, &leads));
  state->astray = leads ? 0 : state->astray + 1;
  if (state->astray < ASTRAY_MAX)
    return OK;
  state->astray = 0;
  log_warn("vpn", "somebody removed the routes into the tunnel to %s: it is set up anew",
           up->peer->name);
  return tunnel_end(g->ask, up->id);
}

static err_t look_at(struct gateway *g, size_t at) {
  struct peer_state *state = &g->peers[at];
  const struct site_peer *p = &g->site->peers[at];
  const struct tunnel *up = NULL;
  bool any = false;
  for (size_t i = 0; i < g->tunnels->count; i++) {
    const struct tunnel *t = &g->tunnels->items[i];
    if (t->peer != p)
      continue;
    if (t->established && !is_good(state, t->id))
      TRY(judge(g, at, t));
    any |= t->established || t->dialling;
    up = t->up && is_good(state, t->id) ? t : up;
  }
  if (state->open != (up != NULL))
    tell(g, at, up);
  set_gate(g, at, up != NULL);
  redial_look(&state->redial, up != NULL, clock_mono_us());
  TRY(look_for_way(g, at, up));
  return any ? OK : dial(g, at);
}

static bool some_astray(const struct gateway *g) {
  for (size_t i = 0; i < g->site->peer_count; i++)
    if (g->peers[i].astray)
      return true;
  return false;
}

err_t peers_look(struct gateway *g) {
  TRY(tunnels_list(g->ask, g->site, g->tunnels));
  g->rerouted = guard_watch_rerouted(g->guard) || some_astray(g);
  for (size_t i = 0; i < g->site->peer_count; i++) {
    err_t e = look_at(g, i);
    if (e == ERR_AWAY || e == ERR_NOMEM)
      return e;
    if (e != OK)
      log_err("vpn", e, g->site->peers[i].name);
  }
  return OK;
}

static const struct tunnel *find_tunnel(const struct gateway *g, uint64_t id) {
  for (size_t i = 0; i < g->tunnels->count; i++)
    if (g->tunnels->items[i].id == id)
      return &g->tunnels->items[i];
  return NULL;
}

/* NULL: nothing is wrong with it. */
static const char *wrong_now(const struct gateway *g, const struct good_tunnel *good) {
  for (size_t i = 0; i < good->certs.count; i++)
    if (revocation_has(&g->revocation, &good->certs.items[i]))
      return REVOKED;
  return peer_certs_end(&good->certs) <= clock_real() ? "its certificate has ended" : NULL;
}

err_t peers_review(struct gateway *g) {
  TRY(tunnels_list(g->ask, g->site, g->tunnels));
  TRY(revocation_update(&g->revocation, g->ask, g->now));
  g->revoked = revocation_has(&g->revocation, &g->own);
  for (size_t at = 0; at < g->site->peer_count; at++) {
    const char *wrong = NULL;
    for (unsigned i = 0; i < GOOD_MAX && !wrong; i++) {
      const struct good_tunnel *good = &g->peers[at].good[i];
      if (good->id && find_tunnel(g, good->id))
        wrong = wrong_now(g, good);
    }
    if (wrong)
      TRY(refuse(g, at, wrong));
  }
  return OK;
}

err_t peers_renew(struct gateway *g) {
  for (size_t i = 0; i < g->site->peer_count; i++)
    g->peers[i].redial = (struct redial){ 0 };
  TRY(tunnels_list(g->ask, g->site, g->tunnels));
  for (size_t i = 0; i < g->tunnels->count; i++)
    if (g->tunnels->items[i].established &&
        tunnel_renew(g->ask, g->tunnels->items[i].id) == ERR_AWAY)
      return ERR_AWAY;
  return OK;
}

void peers_shut(struct gateway *g) {
  for (size_t i = 0; i < g->site->peer_count; i++) {
    if (g->peers[i].open)
      tell(g, i, NULL);
    set_gate(g, i, false);
    g->peers[i] = (struct peer_state){ .open = g->peers[i].open };
  }
}

bool peers_all_up(const struct gateway *g) {
  for (size_t i = 0; i < g->site->peer_count; i++)
    if (!g->peers[i].open)
      return false;
  return true;
}
