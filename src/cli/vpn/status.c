/* strongroom vpn status: the tunnels, as strongSwan has them. */
#include "base/clock.h"
#include "base/write.h"
#include "cli/ask.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/gateway.h"
#include "transit/vpn/peer.h"
#include "transit/vpn/tunnel.h"

#include <inttypes.h>
#include <stdio.h>

struct overview {
  struct site *site;
  struct vici *vici; /* NULL where nothing runs */
  struct tunnels *tunnels;
  pid_t pid; /* of 'vpn up'; 0: none */
  struct vpn_guard guard;
};
static void overview_free(struct overview *o) {
  if (o->site)
    site_free(o->site);
  if (o->vici)
    vici_free(o->vici);
  mem_free(o->tunnels);
}

static err_t look(const struct args *a, struct overview *o) {
  char path[108];
  TRY(vpn_site(a, &o->site));
  if (!(o->tunnels = mem_zalloc(sizeof *o->tunnels)))
    return ERR_NOMEM;
  TRY(gateway_pid(o->site, &o->pid));
  TRY(vpn_guard_look(o->site, &o->guard));
  charon_socket(o->site, path);
  if (vici_open(path, &o->vici) != OK) /* it is being started again, or not at all */
    return OK;
  return tunnels_list(o->vici, o->site, o->tunnels);
}

/* What is known of one peer; times are 0 and texts "" where they are not. */
struct row {
  const char *state, *ike, *esp;
  uint64_t in, out;
  int64_t since, not_after;
};

static err_t make_row(const struct overview *o, const struct site_peer *p, struct row *out) {
  const struct tunnel *t = tunnels_best(o->tunnels, p);
  struct peer_certs certs = { 0 };
  *out = (struct row){ .state = "down", .ike = "", .esp = "" };
  if (!t)
    return OK;
  out->state = t->up ? "up" : t->established ? "no traffic" : "dialling";
  if (t->established) {
    out->ike = t->ike;
    out->esp = t->esp;
    out->since = clock_real() - (int64_t)t->since_s;
    TRY(peer_look(o->vici, p, &certs));
  }
  tunnels_bytes(o->tunnels, p, &out->in, &out->out);
  out->not_after = peer_certs_end(&certs);
  return OK;
}

static void put_size(struct table *t, uint64_t n) {
  static const char units[] = "BKMGTP";
  char text[16];
  double value = (double)n;
  size_t u = 0;
  for (; value >= 1024 && units[u + 1]; u++)
    value /= 1024;
  snprintf(text, sizeof text, u ? "%.1f%c" : "%.0f%c", value, units[u]);
  table_cell_str(t, text);
}

static void put_time(struct table *t, int64_t when) {
  char text[WHEN_SIZE] = "";
  if (when)
    when_format(when, text);
  table_cell_str(t, text);
}

static err_t print_table(const struct overview *o) {
  static const char *const headings[] = { "PEER", "STATE", "IKE",   "ESP",
                                          "IN",   "OUT",   "SINCE", "CERTIFICATE ENDS" };
  AUTO_TABLE t = { 0 };
  table_start(&t, 8, headings);
  for (size_t i = 0; i < o->site->peer_count; i++) {
    struct row r;
    TRY(make_row(o, &o->site->peers[i], &r));
    table_cell_str(&t, o->site->peers[i].name);
    table_cell_str(&t, r.state);
    table_cell_str(&t, r.ike);
    table_cell_str(&t, r.esp);
    put_size(&t, r.in);
    put_size(&t, r.out);
    put_time(&t, r.since);
    put_time(&t, r.not_after);
  }
  TRY(table_print(&t));
  if (!vpn_guard_holds(&o->guard)) {
    char words[128];
    vpn_guard_words(&o->guard, words);
    out_note("Kill switch: %s. What finds no tunnel may leave in clear.", words);
  }
  if (!o->pid)
    out_note("'strongroom vpn up' does not run.");
  return OK;
}

static void write_when(struct buf *b, const char *key, int64_t when) {
  if (when)
    write_i64(b, key, when);
  else
    write_null(b, key);
}

static err_t print_json(const struct overview *o) {
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_str(&b, "name", o->site->name);
  write_bool(&b, "running", o->pid != 0);
  vpn_guard_write(&o->guard, &b);
  write_open(&b, "peers", '[');
  for (size_t i = 0; i < o->site->peer_count; i++) {
    struct row r;
    TRY(make_row(o, &o->site->peers[i], &r));
    write_open(&b, NULL, '{');
    write_str(&b, "name", o->site->peers[i].name);
    write_str(&b, "state", r.state);
    write_str(&b, "ike", r.ike);
    write_str(&b, "esp", r.esp);
    write_i64(&b, "bytesIn", (int64_t)r.in);
    write_i64(&b, "bytesOut", (int64_t)r.out);
    write_when(&b, "since", r.since);
    write_when(&b, "certificateEnds", r.not_after);
    write_close(&b, '}');
  }
  write_close(&b, ']');
  write_close(&b, '}');
  TRY(buf_ok(&b));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
  return OK;
}

static err_t run(const struct args *a) {
  struct overview o __attribute__((cleanup(overview_free))) = { 0 };
  TRY(look(a, &o));
  return args_flag(a, "json") ? print_json(&o) : print_table(&o);
}

static const struct opt options[] = {
  VPN_CONFIG_OPTION,
  { "json", OPT_FLAG, NULL, NULL, "print one line of JSON" },
  OPT_END,
};

const struct verb verb_vpn_status = {
  .noun = "vpn",
  .name = "status",
  .words = "",
  .summary = "Show the tunnels: state, algorithms, bytes",
  .details = "A peer is up, down, dialling, or established without traffic. Bytes are those of\n"
             "all its tunnels of now, since their keys were last exchanged. Needs root.",
  .options = options,
  .examples = "strongroom vpn status\n"
              "strongroom vpn status --json",
  .run = run,
};
