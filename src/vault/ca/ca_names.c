/* Which names an issuing authority may issue for: its name constraints (RFC 5280, 4.2.1.10), held
 * here as verifiers hold them, and where they are lenient more strictly. */
#include "base/cidr.h"
#include "crypto/cert_match.h"
#include "vault/ca/ca_internal.h"

/* The host of a URI with an authority part, without user and port. */
static bool uri_host(struct bytes uri, struct bytes *host) {
  struct bytes scheme, rest = bytes_split(uri, ':', &scheme), user;
  if (!rest.data || !bytes_starts(rest, "//"))
    return false;
  bytes_split(bytes_of(rest.data + 2, rest.size - 2), '/', host);
  struct bytes behind = bytes_split(*host, '@', &user);
  if (behind.data)
    *host = behind;
  bytes_split(*host, ':', host);
  return host->size > 0;
}

static bool host_fits(struct bytes host, struct bytes base) {
  return base.data[0] == '.' ? cert_host_is_below(host, base, false) : cert_host_same(host, base);
}

static bool email_fits(struct bytes name, struct bytes base) {
  struct bytes local, host = bytes_split(name, '@', &local), base_local,
                      base_host = bytes_split(base, '@', &base_local);
  if (!host.data)
    return false;
  if (base_host.data)
    return bytes_equal(local, base_local) && cert_host_same(host, base_host);
  return host_fits(host, base);
}

static bool ip_fits(struct bytes name, struct bytes base) {
  struct cidr address, block;
  return cidr_parse(name, &address) && cidr_parse(base, &block) && cidr_covers(&block, &address);
}

static bool fits(enum cert_san kind, struct bytes name, struct bytes base) {
  struct bytes host;
  switch (kind) {
  case SAN_DNS:
    return cert_host_is_below(name, base, true);
  case SAN_IP:
    return ip_fits(name, base);
  case SAN_EMAIL:
    return email_fits(name, base);
  case SAN_URI:
    return uri_host(name, &host) && host_fits(host, base);
  default:
    return false;
  }
}

static err_t check(const struct cert_texts *permitted, enum cert_san kind, const char *name) {
  for (size_t i = 0; i < permitted->count; i++) {
    struct cert_subtree t;
    TRY(cert_subtree_parse(bytes_str(permitted->items[i]), &t));
    if (t.kind == kind && fits(kind, bytes_str(name), t.base))
      return OK;
  }
  REFUSE(ERR_BAD_PARAMETER,
         "The hub's authority may not issue for '%.256s': its name constraints "
         "do not permit it.",
         name);
}

/* A common name with a dot is a host's to verifiers that look at it; one without is a person's or a
 * thing's where it does not serve. */
static err_t check_common_names(const struct cert_texts *permitted, enum ca_profile profile,
                                const struct cert_profile *says) {
  struct cert_texts attributes __attribute__((cleanup(cert_texts_free))) = { 0 };
  struct cidr unused;
  TRY(cert_subject_attributes(says->subject, &attributes));
  for (size_t i = 0; i < attributes.count; i++) {
    const char *text = attributes.items[i];
    if (bytes_starts(bytes_str(text), "E=")) {
      TRY(check(permitted, SAN_EMAIL, text + 2));
      continue;
    }
    if (!bytes_starts(bytes_str(text), "CN="))
      continue;
    text += 3;
    if (!cert_looks_like_host(bytes_str(text)) || (profile == CA_CLIENT && !strpbrk(text, ".*:")))
      continue;
    TRY(check(permitted, cidr_parse(bytes_str(text), &unused) ? SAN_IP : SAN_DNS, text));
  }
  return OK;
}

err_t constraints_check(const struct cert_texts *permitted, enum ca_profile profile,
                        const struct cert_profile *says) {
  if (permitted->count == 0)
    return OK;
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    for (size_t i = 0; i < says->sans[kind].count; i++)
      TRY(check(permitted, (enum cert_san)kind, says->sans[kind].items[i]));
  return check_common_names(permitted, profile, says);
}
