/* strongroom vpn export: the other side's settings. */
#include "transit/vpn/export.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"

#include <stdio.h>

#define CA_MAX 65536

static err_t find_peer(const struct args *a, const struct site *s, const struct site_peer **out) {
  const char *name = args_word(a, 0);
  if (!name && s->peer_count > 1)
    FAIL(ERR_USAGE, "there are %zu peers: say which", s->peer_count);
  *out = name ? site_peer(s, bytes_str(name)) : &s->peers[0];
  if (!*out)
    FAIL(ERR_NOT_FOUND, "there is no peer %s in the site file", name);
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(site) struct site *s = NULL;
  AUTO_BUF text = BUF_EMPTY, ca = BUF_EMPTY;
  const struct site_peer *p;
  const char *kind = args_value(a, "for"), *ca_file = args_value(a, "ca");
  if (!kind)
    FAIL(ERR_USAGE, "--for is missing: one of " EXPORT_KINDS);
  TRY(vpn_site(a, &s));
  TRY(find_peer(a, s, &p));
  if (ca_file)
    TRY(file_read(ca_file, CA_MAX, &ca));
  TRY(export_put(kind, s, p, buf_bytes(&ca), &text));
  fwrite(text.data, 1, text.size, stdout);
  return OK;
}

static const struct opt options[] = {
  { "for", OPT_VALUE, "KIND", EXPORT_KINDS, "what the other gateway is" },
  { "ca", OPT_VALUE, "FILE", NULL, "the hub's root certificate (ca.pem), to be told along" },
  VPN_CONFIG_OPTION,
  OPT_END,
};

const struct verb verb_vpn_export = {
  .noun = "vpn",
  .name = "export",
  .words = "[PEER]",
  .max_words = 1,
  .summary = "Print the other side's settings, for a gateway that is not ours",
  .details =
    "What is only known over there stands in capitals. azure: commands of the Azure CLI, for\n"
    "a peer with policy = azure; strongswan: a swanctl.conf; text: for anybody.",
  .options = options,
  .examples = "strongroom vpn export --for azure --ca ca.pem\n"
              "strongroom vpn export gw-b.corp.example --for strongswan",
  .run = run,
};
