#include "cli/vpn/vpn.h"

const char *vpn_config(const struct args *a) {
  const char *path = args_value(a, "config");
  return path ? path : SITE_FILE;
}

err_t vpn_site(const struct args *a, struct site **out) {
  return args_usage(site_read(vpn_config(a), out));
}
