/* strongroom vpn down: ends the tunnels. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"
#include "transit/vpn/gateway.h"
#include "transit/vpn/guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define END_US 30000000u

static err_t end(const struct site *s, bool *was_up) {
  uint64_t deadline = clock_mono_us() + END_US;
  pid_t first, pid;
  TRY(gateway_pid(s, &first));
  *was_up = first != 0;
  if (!first)
    return OK;
  if (kill(first, SIGTERM) != 0 && errno != ESRCH)
    FAIL(ERR_CONFIG, "cannot end 'strongroom vpn up' (%d): %s", (int)first, strerror(errno));
  do {
    if (clock_mono_us() >= deadline)
      FAIL(ERR_TIMEOUT, "'strongroom vpn up' (%d) did not end in %u seconds", (int)first,
           END_US / 1000000);
    poll(NULL, 0, 50);
    TRY(gateway_pid(s, &pid));
  } while (pid == first);
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(site) struct site *s = NULL;
  bool was_up, open = args_flag(a, "open"), guarded = false;
  AUTO_FD claim = -1;
  TRY(vpn_site(a, &s));
  TRY(end(s, &was_up));
  if (open) {
    TRY(guard_claim(&claim)); /* not another site file's */
    TRY(guard_remove());
  }
  TRY(guard_stands(s, &guarded));
  out_field_str("Tunnels", was_up ? "ended" : "there were none");
  out_field_str("Kill switch", guarded ? "stays: what is for the other sites is dropped"
                                       : "removed: what is for the other sites may leave in clear");
  return OK;
}

static const struct opt options[] = {
  VPN_CONFIG_OPTION,
  { "open", OPT_FLAG, NULL, NULL, "remove the kill switch, too" },
  OPT_END,
};

const struct verb verb_vpn_down = {
  .noun = "vpn",
  .name = "down",
  .words = "",
  .summary = "End the tunnels; what is for the other sites is dropped from then on",
  .details =
    "Ends 'strongroom vpn up' (a service manager may start it again: stop its unit instead).\n"
    "Nothing passes then until it is up again, or until --open removes the kill switch.",
  .options = options,
  .examples = "strongroom vpn down\n"
              "strongroom vpn down --open",
  .run = run,
};
