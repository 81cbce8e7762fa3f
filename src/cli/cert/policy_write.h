/* What a certificate is to be made like, as options: they become a policy of the API. */
#ifndef CLI_CERT_POLICY_WRITE_H
#define CLI_CERT_POLICY_WRITE_H

#include "cli/args.h"

#include "base/bytes.h"

/* Values for options that were not given; NULL: the vault's own. */
struct policy_defaults {
  const char *issuer, *type, *curve, *subject, *eku;
  bool pem;
};

/* Whether any of the options below was given. */
bool policy_given(const struct args *a);
/* Whether any of those was that name it. */
bool policy_names_given(const struct args *a);
/* Writes a policy of the options that were given: an object with that key, or at the top where key
 * is NULL. What they leave open the vault takes from the policy that is there, or its defaults. */
err_t policy_write(const struct args *a, const char *key, const struct policy_defaults *defaults,
                   struct buf *b);

#define POLICY_OPTIONS \
  { "subject", OPT_VALUE, "NAME", NULL, "the X.500 name, such as \"CN=web.corp.example\"" }, \
    { "dns", OPT_LIST, "NAME", NULL, "a DNS name; may be given again" }, \
    { "ip", OPT_LIST, "ADDRESS", NULL, "an IP address; may be given again" }, \
    { "uri", OPT_LIST, "URI", NULL, "a URI, such as spiffe://..; may be given again" }, \
    { "email", OPT_LIST, "ADDRESS", NULL, "an e-mail address; may be given again" }, \
    { "issuer", OPT_VALUE, "ISSUER", NULL, \
      "Self, Hub, Unknown (it is signed elsewhere) or a named one" }, \
    { "type", OPT_VALUE, "TYPE", "RSA EC RSA-HSM EC-HSM", "the kind of key" }, \
    { "size", OPT_VALUE, "BITS", "2048 3072 4096", "of RSA" }, \
    { "curve", OPT_VALUE, "CURVE", "P-256 P-384 P-521 P-256K", "of EC" }, \
    { "months", OPT_VALUE, "N", NULL, "how long it is valid" }, \
    { "pem", OPT_FLAG, NULL, NULL, "its secret is PEM" }, \
    { "pfx", OPT_FLAG, NULL, NULL, "its secret is PKCS#12" }, \
    { "exportable", OPT_FLAG, NULL, NULL, "its secret holds the private key" }, \
    { "not-exportable", OPT_FLAG, NULL, NULL, "the private key never leaves the vault" }, \
    { "reuse-key", OPT_FLAG, NULL, NULL, "new versions keep the key" }, \
    { "new-key", OPT_FLAG, NULL, NULL, "new versions get a new key" }, \
    { "eku", OPT_LIST, "USAGE", NULL, \
      "extended key usage: serverAuth, .. or an OID; may be given again" }, \
    { "usage", OPT_VALUE, "USAGE,...", NULL, \
      "key usage: digitalSignature, keyEncipherment, keyAgreement, .." }, \
    { "renew-at", OPT_VALUE, "PERCENT", NULL, "renewed when so much of its life is over" }, \
    { "renew-days", OPT_VALUE, "N", NULL, "renewed so many days before it expires" }, { \
    "no-renew", OPT_FLAG, NULL, NULL, "not renewed by the vault" \
  }

#endif
