/* strongroom vpn init NAME: writes a site file and says what the other side needs. */
#include "base/file.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "cli/vpn/vpn.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A value that is one line of the file and nothing else. */
static err_t put_value(struct buf *out, const char *key, struct bytes value) {
  for (size_t i = 0; i < value.size; i++)
    if (iscntrl(value.data[i]))
      FAIL(ERR_USAGE, "%s has a control character in it", key);
  buf_printf(out, "%s = " BYTES_FMT "\n", key, BYTES_ARG(value));
  return OK;
}

static err_t put_option(const struct args *a, const char *option, const char *key,
                        struct buf *out) {
  const char *text = args_value(a, option);
  return text ? put_value(out, key, bytes_str(text)) : OK;
}

static err_t put_list(const struct args *a, const char *option, const char *key, struct buf *out) {
  size_t at = 0;
  for (const char *v; (v = args_next(a, option, &at));)
    TRY(put_value(out, key, bytes_str(v)));
  return OK;
}

/* "NAME,ADDRESS,SUBNET,.." */
static err_t put_peer(const char *text, struct buf *out) {
  struct bytes name, address, nets = bytes_split(bytes_str(text), ',', &name);
  nets = bytes_split(nets, ',', &address);
  if (!nets.data || nets.size == 0)
    FAIL(ERR_USAGE, "--peer takes NAME,ADDRESS,SUBNET with more subnets behind it, not '%s'", text);
  for (size_t i = 0; i < name.size; i++)
    if (iscntrl(name.data[i]))
      FAIL(ERR_USAGE, "a peer's name has a control character in it");
  buf_printf(out, "\n[peer " BYTES_FMT "]\n", BYTES_ARG(name));
  TRY(put_value(out, "address", address));
  return put_value(out, "subnets", nets);
}

static err_t put_file(const struct args *a, struct buf *out) {
  size_t at = 0;
  buf_put_str(out, "# Tunnels to other sites: see 'strongroom help vpn up'.\n");
  TRY(put_value(out, "name", bytes_str(args_word(a, 0))));
  TRY(put_option(a, "address", "address", out));
  TRY(put_list(a, "subnet", "subnets", out));
  TRY(put_option(a, "policy", "policy", out));
  TRY(put_option(a, "state", "state", out));
  for (const char *v; (v = args_next(a, "peer", &at));)
    TRY(put_peer(v, out));
  return buf_ok(out);
}

static void tell_other_side(const struct site *s, const struct site_peer *p, const char *label) {
  AUTO_BUF line = BUF_EMPTY;
  bool any = strcmp(s->address, SITE_ANY) == 0;
  struct cidr unused;
  buf_printf(&line, "strongroom vpn init %s", p->name);
  if (cidr_parse(bytes_str(p->address), &unused))
    buf_printf(&line, " --address %s", p->address);
  for (size_t i = 0; i < p->nets.count; i++)
    buf_printf(&line, " --subnet %s", p->nets.items[i].text);
  buf_printf(&line, " --peer %s,%s", s->name, any ? "OUR-ADDRESS" : s->address);
  for (size_t i = 0; i < p->local.count; i++)
    buf_printf(&line, ",%s", p->local.items[i].text);
  if (strcmp(p->policy->name, "strict") != 0)
    buf_printf(&line, " --policy %s", p->policy->name);
  out_field(label, buf_bytes(&line));
}

static void tell(const struct site *s, const char *path) {
  AUTO_BUF line = BUF_EMPTY;
  out_field_str("Site file", path);
  for (size_t i = 0; i < s->peer_count; i++)
    tell_other_side(s, &s->peers[i], i ? NULL : "Other side");
  buf_printf(&line, "strongroom ca allow IDENTITY --profile vpn --name %s", s->name);
  out_field_str("On the hub", "strongroom identity create IDENTITY --secret --out IDENTITY.env");
  out_field_str(NULL, "strongroom role assign strongroom-certificate-requester --to IDENTITY");
  out_field(NULL, buf_bytes(&line));
}

static err_t run(const struct args *a) {
  AUTO(site) struct site *s = NULL;
  AUTO_BUF text = BUF_EMPTY;
  const char *path = vpn_config(a);
  if (!args_flag(a, "peer"))
    FAIL(ERR_USAGE, "--peer is missing: the other site");
  TRY(put_file(a, &text));
  TRY(args_usage(site_parse(buf_bytes(&text), "these options", &s)));
  if (access(path, F_OK) == 0)
    FAIL(ERR_CONFLICT, "%s is there already: a [peer NAME] section is added by hand", path);
  TRY(file_write_private(path, buf_bytes(&text)));
  tell(s, path);
  return OK;
}

static const struct opt options[] = {
  { "subnet", OPT_LIST, "SUBNET", NULL, "a network of this site; again for more" },
  { "peer", OPT_LIST, "NAME,ADDRESS,SUBNET", NULL,
    "another site: its gateway's name and address (or %any: it dials), its networks" },
  { "address", OPT_VALUE, "ADDRESS", NULL, "this gateway's address (default: the route's)" },
  { "policy", OPT_VALUE, "POLICY", VPN_POLICIES, "what is agreed on (default: strict)" },
  { "state", OPT_VALUE, "DIR", NULL, "where keys are (default: " SITE_STATE ")" },
  VPN_CONFIG_OPTION,
  OPT_END,
};

const struct verb verb_vpn_init = {
  .noun = "vpn",
  .name = "init",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .summary = "Write a site file, and say what the other side needs",
  .details =
    "NAME is the DNS name that this gateway's certificate is for. Networks must not overlap. "
    "There\n"
    "is one file for a machine (or network namespace), with all its peers. The gateway has an\n"
    "address of its own in its networks: strongSwan needs it, in user space one in each of them.\n"
    "The file is INI: what is asked here, and\n"
    "  nat = auto|always            ESP in UDP also where there is no NAT\n"
    "  esp = auto|kernel|user       where packets are encrypted\n"
    "  dpd_seconds = 30             a silent peer is asked whether it lives\n"
    "  revocation_seconds = 300     between looks for revocation lists\n"
    "  certificate_seconds = 0      of the next certificate, 15 at least (0: the authority's "
    "choice)\n"
    "  log_level = 0                of strongSwan, up to 2\n"
    "and in a section [peer NAME]\n"
    "  local = 10.1.0.0/24, ..      what the peer reaches here (default: this site's networks);\n"
    "                               a hub offers one spoke the networks of the others\n"
    "  policy = site|strict|azure\n"
    "  ike_seconds, reauth_seconds, esp_seconds = 0     lifetimes (0: the policy's)",
  .options = options,
  .examples = "strongroom vpn init gw-a.corp.example --subnet 10.1.0.0/24 \\\n"
              "  --peer gw-b.corp.example,198.51.100.2,10.2.0.0/24\n"
              "strongroom vpn init gw-a.corp.example --subnet 10.1.0.0/24 --policy azure \\\n"
              "  --peer azure-gw.corp.example,203.0.113.9,10.9.0.0/16",
  .run = run,
};
