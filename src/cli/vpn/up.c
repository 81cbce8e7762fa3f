/* strongroom vpn up: brings the tunnels up and keeps them, until stopped. */
#include "cli/ask.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"
#include "transit/vpn/gateway.h"

#include <stdio.h>

static void tell(const struct site *s, const struct gateway_ready *r) {
  char until[WHEN_SIZE];
  when_format(r->not_after, until);
  out_field_str("Site", s->name);
  out_field_str("Certificate", until);
  out_field_str("ESP", r->user_esp
                         ? "in user space: slow, for this kernel has none or the site file "
                           "says so"
                         : "in the kernel");
  for (size_t i = 0; i < s->peer_count; i++)
    out_field_str(i ? NULL : "Peers", s->peers[i].name);
  vpn_note_forwarding(s);
  fflush(stdout);
}

static err_t run(const struct args *a) {
  AUTO(site) struct site *s = NULL;
  AUTO(client) struct client *c = NULL;
  TRY(vpn_site(a, &s));
  TRY(args_usage(gateway_state(s)));
  TRY(ask_open(a, &c));
  return gateway_run(s, c, tell);
}

static const struct opt options[] = {
  VPN_CONFIG_OPTION,
  { "data", OPT_VALUE, "DIR", NULL, "take address and credentials from DIR/env" },
  OPT_END,
};

const struct verb verb_vpn_up = {
  .noun = "vpn",
  .name = "up",
  .words = "",
  .summary = "Bring the tunnels to the other sites up and keep them",
  .details =
    "First what is for the other sites' networks is dropped where it finds no tunnel; then the\n"
    "gateway's certificate is asked for, and strongSwan is started. Without a certificate, and\n"
    "with the hub away, it waits for half a minute and then ends with 6, for the service manager\n"
    "to start it again. It runs until SIGTERM or Ctrl-C; the rules that drop stay ('strongroom\n"
    "vpn down --open' removes them), and while it runs they are put back where somebody removes\n"
    "them. One site file has all peers of a machine (or network namespace). SIGHUP looks for a\n"
    "new certificate and revocation lists at once. Needs root (CAP_NET_ADMIN).",
  .options = options,
  .examples = "strongroom vpn up --data /etc/strongroom/vpn\n"
              "strongroom vpn up --config site-a.conf",
  .run = run,
};
