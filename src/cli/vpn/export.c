/* strongroom vpn export: the other side's settings. */
#include "transit/vpn/export.h"
#include "base/file.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"
#include "crypto/cert.h"
#include "crypto/x509.h"

#include <stdio.h>
#include <string.h>

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

/* The first certificate of a file, and nothing else that may be in it. */
static err_t read_ca(const char *path, struct buf *pem) {
  AUTO_BUF text = BUF_EMPTY, der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(args_usage(file_read(path, CA_MAX, &text)));
  err_t e = x509_from_pem(buf_bytes(&text), &der);
  if (e == OK)
    e = cert_read(buf_bytes(&der), &info);
  if (e == ERR_NOMEM)
    return e;
  if (e != OK || !info.is.ca)
    FAIL(ERR_USAGE, "%s holds no certificate of an authority: what is meant is the hub's ca.pem",
         path);
  return x509_to_pem(buf_bytes(&der), pem);
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
    TRY(read_ca(ca_file, &ca));
  if (strcmp(kind, "azure") == 0 && !p->policy->any_purpose)
    out_note("%s has policy = %s. Azure's gateways can do what it asks for, but have other\n"
             "lifetimes of IKE keys, and what they show must be a certificate of the profile vpn:\n"
             "set policy = azure in its section of the site file, and export again.",
             p->name, p->policy->name);
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
