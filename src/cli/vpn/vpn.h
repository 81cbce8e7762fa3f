/* What the verbs of vpn share. */
#ifndef CLI_VPN_VPN_H
#define CLI_VPN_VPN_H

#include "cli/args.h"
#include "transit/vpn/guard.h"

#define VPN_CONFIG_OPTION \
  { "config", OPT_VALUE, "FILE", NULL, "the site file (default: " SITE_FILE ")" }

/* The file that --config names, or the usual one. */
const char *vpn_config(const struct args *a);
/* ERR_USAGE where it can't be read or is wrong. */
err_t vpn_site(const struct args *a, struct site **out);

/* A note for people where this machine does not pass packets on. */
void vpn_note_forwarding(const struct site *s);

/* The kill switch, as the kernel has it. */
struct vpn_guard {
  bool stands;
  int64_t before; /* the rank of a rule that is asked before it; GUARD_ALONE */
};
err_t vpn_guard_look(const struct site *s, struct vpn_guard *out);
/* It stands, and nothing leads around it. */
bool vpn_guard_holds(const struct vpn_guard *g);
/* "in place", or what is wrong. */
void vpn_guard_words(const struct vpn_guard *g, char out[static 128]);
/* "killSwitch": whether it holds; "ruleBefore": the rank or null. */
void vpn_guard_write(const struct vpn_guard *g, struct buf *b);

#endif
