/* What only an issuer says in a certificate: where revocation is answered, where its own
 * certificate is, and what an authority may issue for. */
#include "crypto/cert_evp.h"

#include "base/cidr.h"

CLEANUP(dist_points, CRL_DIST_POINTS *, CRL_DIST_POINTS_free)
CLEANUP(dist_point, DIST_POINT *, DIST_POINT_free)
CLEANUP(access_info, AUTHORITY_INFO_ACCESS *, AUTHORITY_INFO_ACCESS_free)
CLEANUP(access_description, ACCESS_DESCRIPTION *, ACCESS_DESCRIPTION_free)
CLEANUP(constraints, NAME_CONSTRAINTS *, NAME_CONSTRAINTS_free)
CLEANUP(subtree, GENERAL_SUBTREE *, GENERAL_SUBTREE_free)
CLEANUP(asn1_null, ASN1_NULL *, ASN1_NULL_free)

static const struct {
  const char *prefix;
  enum cert_san kind;
  int general;
} kinds[] = {
  { "dns:", SAN_DNS, GEN_DNS },
  { "ip:", SAN_IP, GEN_IPADD },
  { "uri:", SAN_URI, GEN_URI },
  { "email:", SAN_EMAIL, GEN_EMAIL },
};
#define KINDS (sizeof kinds / sizeof *kinds)

static bool is_base(enum cert_san kind, struct bytes base) {
  struct cidr block;
  struct bytes local, host = base;
  if (kind == SAN_IP)
    return cidr_parse(base, &block);
  if (kind == SAN_EMAIL && memchr(base.data, '@', base.size)) {
    host = bytes_split(base, '@', &local);
    return local.size && text_is_plain(local) && text_is_host(host);
  }
  if (kind != SAN_DNS && bytes_starts(base, "."))
    host = bytes_of(base.data + 1, base.size - 1);
  return text_is_host(host);
}

err_t cert_subtree_parse(struct bytes text, struct cert_subtree *out) {
  for (size_t i = 0; i < KINDS; i++) {
    size_t n = strlen(kinds[i].prefix);
    if (!bytes_starts(text, kinds[i].prefix))
      continue;
    struct bytes base = bytes_of(text.data + n, text.size - n);
    if (base.size == 0 || !is_base(kinds[i].kind, base))
      break;
    *out = (struct cert_subtree){ kinds[i].kind, base };
    return OK;
  }
  REFUSE(ERR_BAD_PARAMETER,
         "'%.*s' is no name constraint: dns:example.com, ip:10.0.0.0/8, uri:example.com or "
         "email:example.com expected",
         text.size > 200 || !text_is_plain(text) ? 0 : (int)text.size, (const char *)text.data);
}

/* A general name that takes the string over. */
static err_t name_of(int general, struct bytes value, GENERAL_NAME **out) {
  GENERAL_NAME *name AUTO(general_name) = GENERAL_NAME_new();
  ASN1_STRING *text AUTO(asn1_string) =
    ASN1_STRING_type_new(general == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
  if (!name || !text || !ASN1_STRING_set(text, value.data, (int)value.size))
    EVP_FAIL(ERR_NOMEM, "general name");
  GENERAL_NAME_set0_value(name, general, TAKE(text));
  *out = TAKE(name);
  return OK;
}

static err_t push_subtree(STACK_OF(GENERAL_SUBTREE) * *list, int general, struct bytes value) {
  GENERAL_SUBTREE *t AUTO(subtree) = GENERAL_SUBTREE_new();
  if (!*list)
    *list = sk_GENERAL_SUBTREE_new_null();
  if (!t || !*list)
    EVP_FAIL(ERR_NOMEM, "nameConstraints");
  GENERAL_NAME_free(t->base);
  t->base = NULL;
  TRY(name_of(general, value, &t->base));
  if (!sk_GENERAL_SUBTREE_push(*list, t))
    EVP_FAIL(ERR_NOMEM, "nameConstraints");
  t = NULL;
  return OK;
}

static err_t push_permitted(NAME_CONSTRAINTS *c, const struct cert_subtree *s) {
  struct cidr block;
  uint8_t value[32];
  int general = GEN_DNS;
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i].kind == s->kind)
      general = kinds[i].general;
  if (s->kind != SAN_IP)
    return push_subtree(&c->permittedSubtrees, general, s->base);
  if (!cidr_parse(s->base, &block))
    FAIL(ERR_INTERNAL, "a block of addresses");
  memcpy(value, block.address, block.size);
  uint8_t mask[16];
  cidr_mask(&block, mask);
  memcpy(value + block.size, mask, block.size);
  return push_subtree(&c->permittedSubtrees, general, bytes_of(value, 2u * block.size));
}

/* Verifiers take a kind of names that no constraint names as unconstrained. So what is not
 * permitted is bound to a name that nobody has (RFC 6761, 6.4): verifiers disagree on what the
 * empty one is. Of addresses, the block of every address is excluded. */
static err_t exclude_rest(NAME_CONSTRAINTS *c, unsigned permitted) {
  static const uint8_t every[32];
  for (size_t i = 0; i < KINDS; i++)
    if (kinds[i].kind != SAN_IP && !(permitted & 1u << kinds[i].kind))
      TRY(push_subtree(&c->permittedSubtrees, kinds[i].general, bytes_str("invalid")));
  if (permitted & 1u << SAN_IP)
    return OK;
  TRY(push_subtree(&c->excludedSubtrees, GEN_IPADD, bytes_of(every, 8)));
  return push_subtree(&c->excludedSubtrees, GEN_IPADD, bytes_of(every, 32));
}

static err_t add_constraints(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  NAME_CONSTRAINTS *c AUTO(constraints) = NAME_CONSTRAINTS_new();
  unsigned permitted = 0;
  if (p->permitted.count == 0)
    return OK;
  if (!c)
    EVP_FAIL(ERR_NOMEM, "nameConstraints");
  for (size_t i = 0; i < p->permitted.count; i++) {
    struct cert_subtree s;
    TRY(cert_subtree_parse(bytes_str(p->permitted.items[i]), &s));
    permitted |= 1u << s.kind;
    TRY(push_permitted(c, &s));
  }
  TRY(exclude_rest(c, permitted));
  return extension_add(list, NID_name_constraints, c, true);
}

static err_t add_crl(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  CRL_DIST_POINTS *points AUTO(dist_points) = sk_DIST_POINT_new_null();
  DIST_POINT *point AUTO(dist_point) = DIST_POINT_new();
  GENERAL_NAMES *names AUTO(general_names) = GENERAL_NAMES_new();
  GENERAL_NAME *name AUTO(general_name) = NULL;
  if (!p->crl_url)
    return OK;
  TRY(name_of(GEN_URI, bytes_str(p->crl_url), &name));
  if (!points || !point || !names || !(point->distpoint = DIST_POINT_NAME_new()) ||
      !sk_GENERAL_NAME_push(names, name))
    EVP_FAIL(ERR_NOMEM, "cRLDistributionPoints");
  name = NULL;
  point->distpoint->type = 0; /* fullName */
  point->distpoint->name.fullname = TAKE(names);
  if (!sk_DIST_POINT_push(points, point))
    EVP_FAIL(ERR_NOMEM, "cRLDistributionPoints");
  point = NULL;
  return extension_add(list, NID_crl_distribution_points, points, false);
}

static err_t push_access(AUTHORITY_INFO_ACCESS *list, int method, const char *url) {
  ACCESS_DESCRIPTION *d AUTO(access_description) = ACCESS_DESCRIPTION_new();
  if (!url)
    return OK;
  if (!d)
    EVP_FAIL(ERR_NOMEM, "authorityInfoAccess");
  ASN1_OBJECT_free(d->method);
  d->method = OBJ_nid2obj(method);
  GENERAL_NAME_free(d->location);
  d->location = NULL;
  TRY(name_of(GEN_URI, bytes_str(url), &d->location));
  if (!sk_ACCESS_DESCRIPTION_push(list, d))
    EVP_FAIL(ERR_NOMEM, "authorityInfoAccess");
  d = NULL;
  return OK;
}

static err_t add_access(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *list) {
  AUTHORITY_INFO_ACCESS *access AUTO(access_info) = sk_ACCESS_DESCRIPTION_new_null();
  if (!p->ocsp_url && !p->issuer_url)
    return OK;
  if (!access)
    EVP_FAIL(ERR_NOMEM, "authorityInfoAccess");
  TRY(push_access(access, NID_ad_OCSP, p->ocsp_url));
  TRY(push_access(access, NID_ad_ca_issuers, p->issuer_url));
  return extension_add(list, NID_info_access, access, false);
}

err_t extensions_of_issuer(const struct cert_profile *p, STACK_OF(X509_EXTENSION) * *out) {
  ASN1_NULL *null AUTO(asn1_null) = ASN1_NULL_new();
  if (!null)
    EVP_FAIL(ERR_NOMEM, "extension");
  TRY(add_constraints(p, out));
  TRY(add_crl(p, out));
  TRY(add_access(p, out));
  return p->ocsp_nocheck ? extension_add(out, NID_id_pkix_OCSP_noCheck, null, false) : OK;
}
