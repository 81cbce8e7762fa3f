/* What the verbs of vpn share. */
#ifndef CLI_VPN_VPN_H
#define CLI_VPN_VPN_H

#include "cli/args.h"
#include "transit/vpn/site.h"

#define VPN_CONFIG_OPTION \
  { "config", OPT_VALUE, "FILE", NULL, "the site file (default: " SITE_FILE ")" }

/* The file that --config names, or the usual one. */
const char *vpn_config(const struct args *a);
/* ERR_USAGE where it can't be read or is wrong. */
err_t vpn_site(const struct args *a, struct site **out);

#endif
