#include "transit/vpn/export.h"

#include "base/codec.h"
#include "base/write.h"
#include "crypto/x509.h"
#include "transit/vpn/connection.h"

static void put_nets(const struct site_nets *n, const char *between, struct buf *out) {
  for (size_t i = 0; i < n->count; i++)
    buf_printf(out, "%s%s", i ? between : "", n->items[i].text);
}

static const char *address_or(const char *address, const char *unknown) {
  return strcmp(address, SITE_ANY) == 0 ? unknown : address;
}

/* --- Azure VPN Gateway --- */

/* The certificate that Azure is to know us by: the authority's, without PEM's frame. */
static err_t put_chain(struct bytes ca_pem, struct buf *out) {
  AUTO_BUF der = BUF_EMPTY, text = BUF_EMPTY;
  if (ca_pem.size) {
    TRY(x509_from_pem(ca_pem, &der));
    buf_put_b64(&text, buf_bytes(&der));
  } else {
    buf_put_str(&text, "BASE64-OF-THE-HUB'S-CA.PEM");
  }
  TRY(buf_ok(&text));
  write_text(out, NULL, buf_bytes(&text));
  return OK;
}

static err_t put_azure_auth(const struct site *s, struct bytes ca_pem, struct buf *out) {
  AUTO_BUF json = BUF_EMPTY;
  write_open(&json, NULL, '{');
  write_str(&json, "outboundAuthCertificate",
            "https://VAULT.vault.azure.net/certificates/NAME/VERSION");
  write_open(&json, "inboundAuthCertificateChain", '[');
  TRY(put_chain(ca_pem, &json));
  write_close(&json, ']');
  write_str(&json, "inboundAuthCertificateSubjectName", s->name);
  write_close(&json, '}');
  TRY(buf_ok(&json));
  buf_printf(out, "cat > certificate-auth.json <<'END'\n" BYTES_FMT "\nEND\n",
             BYTES_ARG(buf_bytes(&json)));
  return OK;
}

static err_t put_azure(const struct site *s, const struct site_peer *p, struct bytes ca_pem,
                       struct buf *out) {
  static const char group[] = "--resource-group RESOURCE-GROUP";
  buf_printf(
    out,
    "# The Azure side of the tunnel from %s to %s, for a gateway that is there (not of the "
    "SKU Basic).\n"
    "# Its own certificate is in Azure Key Vault, has the subject CN=%s and is issued by "
    "the hub's authority:\n"
    "# outboundAuthCertificate names it, and the gateway's managed identity may read it.\n",
    s->name, p->name, p->name);
  buf_printf(out, "az network local-gateway create %s --name %s \\\n  --gateway-ip-address %s",
             group, s->name, address_or(s->address, "OUR-PUBLIC-ADDRESS"));
  buf_put_str(out, " \\\n  --local-address-prefixes ");
  put_nets(&p->local, " ", out);
  buf_put_char(out, '\n');
  TRY(put_azure_auth(s, ca_pem, out));
  buf_printf(out,
             "az network vpn-connection create %s --name %s \\\n"
             "  --vnet-gateway1 GATEWAY --local-gateway2 %s \\\n"
             "  --authentication-type Certificate --certificate-authentication "
             "@certificate-auth.json\n",
             group, s->name, s->name);
  buf_printf(out,
             "az network vpn-connection update %s --name %s \\\n  --use-policy-based-traffic-"
             "selectors true\n",
             group, s->name);
  buf_printf(out,
             "az network vpn-connection ipsec-policy add %s --connection-name %s \\\n"
             "  %s \\\n  --sa-lifetime %u --sa-max-size 102400000\n",
             group, s->name, p->policy->azure, p->esp_s);
  return OK;
}

/* --- strongSwan --- */

static err_t put_strongswan(const struct site *s, const struct site_peer *p, struct bytes ca_pem,
                            struct buf *out) {
  struct connection ours = connection_of(s, p), theirs = connection_mirror(&ours);
  if (strcmp(theirs.remote_address, SITE_ANY) == 0)
    theirs.remote_address = "OUR-PUBLIC-ADDRESS";
  buf_printf(out,
             "# swanctl.conf of %s. Beside it: x509/site.pem, its certificate for that name, and "
             "x509ca/, the issuing\n"
             "# authority's and the root's; private/, its key. 'strongroom ca issue --profile vpn "
             "--name %s --out DIR'\n"
             "# makes them.\n",
             p->name, p->name);
  connection_put_text(&theirs, out);
  if (ca_pem.size)
    buf_printf(out, "\n# x509ca/root.pem\n");
  struct bytes line, rest = ca_pem;
  while (rest.data && rest.size) {
    rest = bytes_split(rest, '\n', &line);
    buf_printf(out, "# " BYTES_FMT "\n", BYTES_ARG(line));
  }
  return OK;
}

/* --- any other --- */

static err_t put_text(const struct site *s, const struct site_peer *p, struct bytes ca_pem,
                      struct buf *out) {
  buf_printf(out, "Tunnel:                 IKEv2 (RFC 7296), ESP in tunnel mode, IPv4 and IPv6\n");
  buf_printf(out, "Your gateway:           %s, identity (DNS name) %s\n",
             address_or(p->address, "any address"), p->name);
  buf_printf(out, "Our gateway:            %s, identity (DNS name) %s\n",
             address_or(s->address, "the public address of our site"), s->name);
  buf_put_str(out, "Networks on your side:  ");
  put_nets(&p->nets, ", ", out);
  buf_put_str(out, "\nNetworks on our side:   ");
  put_nets(&p->local, ", ", out);
  buf_printf(out,
             "\nAuthentication:         certificates on both sides, of the authority below; yours "
             "is for %s\n",
             p->name);
  buf_printf(out, "IKE proposals:          %s\n", p->policy->ike);
  buf_printf(out, "ESP proposals:          %s (the last part is for perfect forward secrecy)\n",
             p->policy->esp);
  buf_printf(out, "Lifetimes:              IKE %u s, ESP %u s, no limit of bytes\n", p->ike_s,
             p->esp_s);
  buf_printf(out, "Dead peer detection:    %u s\n", s->dpd_s);
  buf_printf(out, "NAT traversal:          %s; MOBIKE off\n",
             s->encap ? "always (UDP port 4500)" : "where there is NAT (UDP port 4500)");
  if (ca_pem.size)
    buf_printf(out, "\n" BYTES_FMT, BYTES_ARG(ca_pem));
  return OK;
}

err_t export_put(const char *kind, const struct site *s, const struct site_peer *p,
                 struct bytes ca_pem, struct buf *out) {
  static const struct {
    const char *kind;
    err_t (*put)(const struct site *s, const struct site_peer *p, struct bytes ca_pem,
                 struct buf *out);
  } kinds[] = { { "azure", put_azure }, { "strongswan", put_strongswan }, { "text", put_text } };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kind, kinds[i].kind) == 0) {
      TRY(kinds[i].put(s, p, ca_pem, out));
      return buf_ok(out);
    }
  FAIL(ERR_USAGE, "there is no export for '%s'", kind);
}
