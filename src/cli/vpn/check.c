/* strongroom vpn check: is it true that nothing leaves in clear? */
#include "base/write.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"
#include "transit/vpn/block.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/tunnel.h"
#include "transit/vpn/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct finding {
  const struct site_peer *peer;
  bool user; /* ESP in user space */
  bool up, holds;
  struct watch_report report;
  char words[160];
};

/* The peer's address: of the tunnel that there is, or the site file's. */
static const char *address_of(const struct site_peer *p, const struct tunnel *t) {
  return t && t->address[0] ? t->address : p->address;
}

/* Why no packet was sealed. */
static void doubt(struct finding *f) {
  if (f->user && !charon_tun())
    snprintf(f->words, sizeof f->words,
             "no packet was sealed: the interface " CHARON_TUN " is missing, or down");
  else
    snprintf(f->words, sizeof f->words,
             "no packet was sealed: the tunnel has no traffic; does %s lead there?",
             f->report.interface);
}

static void judge(struct finding *f) {
  const struct watch_report *r = &f->report;
  uint64_t clear = r->count[WATCH_CLEAR], foreign = r->count[WATCH_FOREIGN];
  f->holds = !clear && !foreign && f->up && r->count[WATCH_ESP];
  if (clear)
    snprintf(f->words, sizeof f->words, "%" PRIu64 " packets in clear (%s)", clear, r->worst);
  else if (foreign)
    snprintf(f->words, sizeof f->words,
             "%" PRIu64 " packets between the gateways are neither IKE nor ESP (%s)", foreign,
             r->worst);
  else if (!f->up)
    snprintf(f->words, sizeof f->words, "no tunnel: what was sent was dropped");
  else if (!r->count[WATCH_ESP])
    doubt(f);
  else
    snprintf(f->words, sizeof f->words, "only IKE and ESP");
}

static err_t look_at(const struct site *s, const struct tunnel *t, unsigned seconds,
                     struct finding *f) {
  f->up = t && t->up;
  err_t e = watch_run(s, f->peer, address_of(f->peer, t), seconds, &f->report);
  if (e == ERR_NOT_FOUND)
    snprintf(f->words, sizeof f->words, "%s", err_reason(e));
  else if (e == OK)
    judge(f);
  return e == ERR_NOT_FOUND ? OK : e;
}

static void print_row(struct table *t, const struct finding *f) {
  const uint64_t numbers[] = { f->report.sent, f->report.count[WATCH_IKE],
                               f->report.count[WATCH_ESP],
                               f->report.count[WATCH_CLEAR] + f->report.count[WATCH_FOREIGN] };
  char text[24];
  table_cell_str(t, f->peer->name);
  table_cell_str(t, f->report.interface);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    snprintf(text, sizeof text, "%" PRIu64, numbers[i]);
    table_cell_str(t, text);
  }
  table_cell_str(t, f->words);
}

static void write_row(struct buf *b, const struct finding *f) {
  write_open(b, NULL, '{');
  write_str(b, "name", f->peer->name);
  write_bool(b, "holds", f->holds);
  write_str(b, "finding", f->words);
  write_str(b, "interface", f->report.interface);
  write_i64(b, "sent", (int64_t)f->report.sent);
  write_i64(b, "ike", (int64_t)f->report.count[WATCH_IKE]);
  write_i64(b, "esp", (int64_t)f->report.count[WATCH_ESP]);
  write_i64(b, "clear", (int64_t)f->report.count[WATCH_CLEAR]);
  write_i64(b, "foreign", (int64_t)f->report.count[WATCH_FOREIGN]);
  write_close(b, '}');
}

static err_t read_tunnels(const struct site *s, struct tunnels *out) {
  AUTO(vici) struct vici *v = NULL;
  char path[108];
  charon_socket(s, path);
  return vici_open(path, &v) == OK ? tunnels_list(v, s, out) : OK;
}

struct checking {
  const struct args *a;
  struct site *site;
  struct tunnels *tunnels;
  struct table table;
  struct buf json;
  bool user; /* ESP in user space */
  bool holds;
};
static void checking_free(struct checking *c) {
  if (c->site)
    site_free(c->site);
  mem_free(c->tunnels);
  table_free(&c->table);
  buf_free(&c->json);
}

static err_t check_peers(struct checking *c) {
  uint64_t seconds = 3;
  const char *only = args_word(c->a, 0);
  bool any = false;
  TRY(args_uint(c->a, "seconds", 1, 3600, &seconds));
  for (size_t i = 0; i < c->site->peer_count; i++) {
    const struct site_peer *p = &c->site->peers[i];
    struct finding f = { .peer = p, .user = c->user };
    if (only && site_peer(c->site, bytes_str(only)) != p)
      continue;
    any = true;
    TRY(look_at(c->site, tunnels_best(c->tunnels, p), (unsigned)seconds, &f));
    c->holds = c->holds && f.holds;
    print_row(&c->table, &f);
    write_row(&c->json, &f);
  }
  if (!any)
    FAIL(ERR_NOT_FOUND, "there is no peer %s in the site file", only);
  return OK;
}

static bool esp_in_user_space(const struct site *s) {
  bool kernel = true;
  if (block_kernel_esp(&kernel) != OK) /* who may only capture asks for less */
    kernel = true;
  return s->esp == ESP_USER || !kernel;
}

/* Without them there is no tunnel: this says what to do about it. */
static err_t check_addresses(const struct site *s, bool user) {
  err_t e = charon_check_addresses(s, user);
  if (e == ERR_CONFIG)
    out_note("%s", err_reason(e));
  return e == ERR_CONFIG ? OK : e;
}

static err_t print(struct checking *c, const struct vpn_guard *guard) {
  char words[128];
  if (!args_flag(c->a, "json")) {
    TRY(table_print(&c->table));
    vpn_guard_words(guard, words);
    out_field_str("Kill switch", words);
    return OK;
  }
  write_close(&c->json, ']');
  vpn_guard_write(guard, &c->json);
  write_bool(&c->json, "holds", c->holds);
  write_close(&c->json, '}');
  TRY(buf_ok(&c->json));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&c->json)));
  return OK;
}

static err_t run(const struct args *a) {
  static const char *const headings[] = { "PEER", "INTERFACE", "SENT",   "IKE",
                                          "ESP",  "OTHER",     "FINDING" };
  struct checking c __attribute__((cleanup(checking_free))) = { .a = a, .holds = true };
  struct vpn_guard guard;
  TRY(vpn_site(a, &c.site));
  TRY(vpn_guard_look(c.site, &guard));
  c.holds = vpn_guard_holds(&guard);
  if (!(c.tunnels = mem_zalloc(sizeof *c.tunnels)))
    return ERR_NOMEM;
  TRY(read_tunnels(c.site, c.tunnels));
  table_start(&c.table, 7, headings);
  write_open(&c.json, NULL, '{');
  write_open(&c.json, "peers", '[');
  c.user = esp_in_user_space(c.site);
  TRY(check_addresses(c.site, c.user));
  vpn_note_forwarding(c.site);
  TRY(check_peers(&c));
  TRY(print(&c, &guard));
  if (!c.holds)
    FAIL(ERR_CONFIG, "not all is as it should be");
  return OK;
}

static const struct opt options[] = {
  { "seconds", OPT_VALUE, "N", NULL, "how long packets are captured, for each peer (default: 3)" },
  VPN_CONFIG_OPTION,
  { "json", OPT_FLAG, NULL, NULL, "print one line of JSON" },
  OPT_END,
};

const struct verb verb_vpn_check = {
  .noun = "vpn",
  .name = "check",
  .words = "[PEER]",
  .max_words = 1,
  .summary = "Check the site file, then prove by capture that only IKE and ESP leave",
  .details =
    "Captures packets on the interface towards each peer while it sends some to the peer's\n"
    "networks. Ends with 0 if the tunnel is up, the kill switch is in place, what was sent left\n"
    "as ESP, nothing of the tunnel's networks was seen, and nothing but IKE and ESP passed\n"
    "between the gateways; else with 1. Needs root (CAP_NET_RAW).",
  .options = options,
  .examples = "strongroom vpn check\n"
              "strongroom vpn check gw-b.corp.example --seconds 60 --json",
  .run = run,
};
