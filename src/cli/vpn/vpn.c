#include "cli/vpn/vpn.h"

#include "base/write.h"
#include "cli/out.h"
#include "transit/vpn/forwarding.h"

#include <inttypes.h>
#include <stdio.h>

const char *vpn_config(const struct args *a) {
  const char *path = args_value(a, "config");
  return path ? path : SITE_FILE;
}

err_t vpn_site(const struct args *a, struct site **out) {
  return args_usage(site_read(vpn_config(a), out));
}

void vpn_note_forwarding(const struct site *s) {
  const char *setting = forwarding_missing(s);
  if (setting)
    out_note("This machine does not pass on what comes from hosts behind it: 'sysctl -w %s=1', and "
             "a line in /etc/sysctl.d to keep it.",
             setting);
}

err_t vpn_guard_look(const struct site *s, struct vpn_guard *out) {
  TRY(guard_stands(s, &out->stands));
  return guard_before(&out->before);
}

bool vpn_guard_holds(const struct vpn_guard *g) {
  return g->stands && g->before == GUARD_ALONE;
}

void vpn_guard_words(const struct vpn_guard *g, char out[static 128]) {
  if (!g->stands)
    snprintf(out, 128, "not in place: 'strongroom vpn up' puts it");
  else if (g->before != GUARD_ALONE)
    snprintf(out, 128, "a rule of rank %" PRId64 " is asked first: give it a preference above %d",
             g->before, GUARD_BLOCK_RANK);
  else
    snprintf(out, 128, "in place");
}

void vpn_guard_write(const struct vpn_guard *g, struct buf *b) {
  write_bool(b, "killSwitch", vpn_guard_holds(g));
  if (g->before == GUARD_ALONE)
    write_null(b, "ruleBefore");
  else
    write_i64(b, "ruleBefore", g->before);
}
