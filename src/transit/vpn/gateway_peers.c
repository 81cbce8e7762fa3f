/* One look after the other at who is there and who should be. */
#include "base/clock.h"
#include "base/log.h"
#include "transit/vpn/gateway_internal.h"
#include "transit/vpn/guard.h"
#include "transit/vpn/peer.h"

#include <strings.h>

#define TURN_US 3000000u /* the side with the greater name lets the other dial first */
#define RETRY_US 2000000u
#define RETRY_MOST_US 60000000u

static void set_gate(struct gateway *g, size_t at, bool open) {
  struct peer_state *state = &g->peers[at];
  const struct site_peer *p = &g->site->peers[at];
  if (state->open == open)
    return;
  err_t e = guard_gate(p, open);
  if (e != OK) {
    log_err("vpn", e, open ? "opening the gate" : "shutting the gate");
    return;
  }
  state->open = open;
}

static bool is_good(const struct peer_state *state, uint64_t id) {
  for (unsigned i = 0; i < GOOD_MAX; i++)
    if (state->good[i] == id)
      return true;
  return false;
}

/* All tunnels of a peer that was refused, and what strongSwan remembers of it. */
static err_t refuse(struct gateway *g, size_t at, const char *why) {
  const struct site_peer *p = &g->site->peers[at];
  set_gate(g, at, false);
  memset(g->peers[at].good, 0, sizeof g->peers[at].good);
  log_warn("vpn", "%s is refused: %s", p->name, why);
  for (size_t i = 0; i < g->tunnels->count; i++)
    if (g->tunnels->items[i].peer == p && tunnel_end(g->ask, g->tunnels->items[i].id) == ERR_AWAY)
      return ERR_AWAY;
  return peer_forget(g->ask);
}

/* A tunnel that is new here. */
static err_t judge(struct gateway *g, size_t at, const struct tunnel *t) {
  struct peer_state *state = &g->peers[at];
  struct peer_verdict v;
  TRY(peer_look(g->ask, t->peer, g->now, &v));
  if (!v.good)
    return refuse(g, at, v.why);
  if (v.seen)
    state->good[state->next_good++ % GOOD_MAX] = t->id;
  return OK;
}

static err_t dial(struct gateway *g, size_t at) {
  struct peer_state *state = &g->peers[at];
  const struct site_peer *p = &g->site->peers[at];
  uint64_t now = clock_mono_us(), pause = RETRY_US;
  if (strcmp(p->address, SITE_ANY) == 0)
    return OK;
  if (!state->dial_at)
    state->dial_at = strcasecmp(g->site->name, p->name) < 0 ? now : now + TURN_US;
  if (now < state->dial_at)
    return OK;
  for (unsigned i = 0; i < state->tries && pause < RETRY_MOST_US; i++)
    pause *= 2;
  state->tries++;
  state->dial_at = now + (pause < RETRY_MOST_US ? pause : RETRY_MOST_US);
  return tunnel_dial(g->ask, p);
}

static void tell(struct gateway *g, size_t at, const struct tunnel *t) {
  const struct site_peer *p = &g->site->peers[at];
  if (t)
    log_info("vpn", "%s is up: %s, ESP %s, from %s", p->name, t->ike, t->esp, t->address);
  else
    log_warn("vpn", "%s is down: what is for it is dropped", p->name);
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
  if (up) {
    state->dial_at = 0;
    state->tries = 0;
  }
  return any ? OK : dial(g, at);
}

err_t peers_look(struct gateway *g) {
  TRY(tunnels_list(g->ask, g->site, g->tunnels));
  for (size_t i = 0; i < g->site->peer_count; i++) {
    err_t e = look_at(g, i);
    if (e == ERR_AWAY || e == ERR_NOMEM)
      return e;
    if (e != OK)
      log_err("vpn", e, g->site->peers[i].name);
  }
  return OK;
}

err_t peers_review(struct gateway *g) {
  TRY(tunnels_list(g->ask, g->site, g->tunnels));
  for (size_t i = 0; i < g->site->peer_count; i++) {
    struct peer_verdict v;
    if (!tunnels_best(g->tunnels, &g->site->peers[i]))
      continue;
    TRY(peer_look(g->ask, &g->site->peers[i], g->now, &v));
    if (!v.good)
      TRY(refuse(g, i, v.why));
  }
  return OK;
}

err_t peers_renew(struct gateway *g) {
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
