/* Which identity may have certificates for which names. Whatever no name of a grant covers is
 * refused. */
#include "base/cidr.h"
#include "base/pack.h"
#include "base/write.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

#define FORMAT 1
#define UPN "upn:"

void grant_free(struct grant *g) {
  cert_texts_free(&g->names);
  mem_free(g);
}

static bool is_uri(struct bytes text) {
  struct bytes scheme, rest = bytes_split(text, ':', &scheme);
  return rest.data && bytes_starts(rest, "//");
}

static bool ends_with_star(struct bytes text) {
  return text.size && text.data[text.size - 1] == '*';
}

/* A host name in a grant: "a.example", ".example", "*.example". */
static bool is_host_pattern(struct bytes text) {
  bool dot = bytes_starts(text, "."), star = bytes_starts(text, "*.");
  struct bytes rest = bytes_of(text.data + dot + 2 * star, text.size - dot - 2u * star);
  return rest.size && rest.data[0] != '.' && looks_like_host(rest) &&
         !memchr(rest.data, '*', rest.size);
}

/* A "*" may end the path and be nowhere else: what follows a scheme or a host is anybody's. */
static bool uri_pattern_valid(struct bytes text) {
  struct bytes scheme, host, rest = bytes_split(text, ':', &scheme);
  struct bytes path = bytes_split(bytes_of(rest.data + 2, rest.size - 2), '/', &host);
  bool above = (scheme.size && memchr(scheme.data, '*', scheme.size)) ||
               (host.size && memchr(host.data, '*', host.size));
  return scheme.size && host.size && !above &&
         (path.size < 2 || !memchr(path.data, '*', path.size - 1));
}

static bool name_valid(struct bytes text) {
  struct cidr unused;
  struct bytes local, host;
  if (text.size == 0 || text.size > 512)
    return false;
  if (bytes_starts(text, UPN))
    return text.size > sizeof UPN - 1;
  if (is_uri(text))
    return uri_pattern_valid(text);
  if (memchr(text.data, '=', text.size))
    return text.data[0] != '=';
  host = bytes_split(text, '@', &local);
  if (host.data)
    return local.size && is_host_pattern(host) && host.data[0] != '.' && host.data[0] != '*';
  return cidr_parse(text, &unused) || is_host_pattern(text);
}

/* One label, and base behind it. */
static bool one_label_below(struct bytes name, struct bytes base) {
  struct bytes label, rest = bytes_split(name, '.', &label);
  return label.size && rest.data && text_same(rest, base);
}

static bool covers_host(struct bytes allowed, struct bytes name) {
  bool wild = bytes_starts(name, "*.");
  if (bytes_starts(allowed, "*."))
    return text_same(allowed, name) ||
           (!wild && one_label_below(name, bytes_of(allowed.data + 2, allowed.size - 2)));
  if (bytes_starts(allowed, "."))
    return !wild && host_is_below(name, allowed, false);
  return !wild && text_same(allowed, name);
}

static bool covers_address(struct bytes allowed, struct bytes name) {
  struct cidr block, address;
  return cidr_parse(allowed, &block) && cidr_parse(name, &address) && cidr_covers(&block, &address);
}

/* URIs compare byte by byte; one with dot segments or escapes could mean another. */
static bool covers_uri(struct bytes allowed, struct bytes name) {
  if (!is_uri(allowed))
    return false;
  if (!ends_with_star(allowed))
    return bytes_equal(allowed, name);
  size_t n = allowed.size - 1;
  return name.size > n && memcmp(name.data, allowed.data, n) == 0 &&
         !memchr(name.data, '%', name.size) && !memmem(name.data, name.size, "/.", 2);
}

static bool covers_mailbox(struct bytes allowed, struct bytes name) {
  struct bytes local, host = bytes_split(name, '@', &local);
  struct bytes allowed_local, allowed_host = bytes_split(allowed, '@', &allowed_local);
  return host.data && allowed_host.data && text_same(host, allowed_host) &&
         (bytes_equal_str(allowed_local, "*") || bytes_equal(local, allowed_local));
}

static bool covers(struct bytes allowed, enum cert_san kind, struct bytes name) {
  struct cidr unused;
  bool other =
    bytes_starts(allowed, UPN) || (!is_uri(allowed) && memchr(allowed.data, '=', allowed.size));
  switch (kind) {
  case SAN_IP:
    return covers_address(allowed, name);
  case SAN_URI:
    return covers_uri(allowed, name);
  case SAN_EMAIL:
    return !other && !is_uri(allowed) && covers_mailbox(allowed, name);
  case SAN_UPN:
    return bytes_starts(allowed, UPN) &&
           bytes_equal(bytes_of(allowed.data + 4, allowed.size - 4), name);
  default:
    return !other && !is_uri(allowed) && !cidr_parse(allowed, &unused) &&
           !memchr(allowed.data, '@', allowed.size) && covers_host(allowed, name);
  }
}

static bool granted(const struct grant *g, enum cert_san kind, const char *name) {
  for (size_t i = 0; i < g->names.count; i++)
    if (covers(bytes_str(g->names.items[i]), kind, bytes_str(name)))
      return true;
  return false;
}

/* By its text; e-mail addresses and common names as what they look like to those who read them. */
static bool attribute_granted(const struct grant *g, const char *text) {
  struct bytes value = { 0 };
  bool common = bytes_starts(bytes_str(text), "CN=");
  if (common)
    value = bytes_str(text + 3);
  if (common && looks_like_host(value))
    return granted(g, SAN_DNS, text + 3) || granted(g, SAN_IP, text + 3);
  for (size_t i = 0; i < g->names.count; i++)
    if (strcmp(g->names.items[i], text) == 0)
      return true;
  if (bytes_starts(bytes_str(text), "E="))
    return granted(g, SAN_EMAIL, text + 2);
  return common && (granted(g, SAN_EMAIL, text + 3) || granted(g, SAN_URI, text + 3));
}

static err_t refuse(const char *what, const char *name) {
  REFUSE(ERR_ACCESS_DENIED,
         "The caller may not have a certificate with the %s '%.256s'. Names are granted with "
         "'strongroom ca allow'.",
         what, name);
}

static const char *const kind_names[SAN_KINDS] = { "DNS name", "e-mail address", "UPN", "URI",
                                                   "IP address" };

/* Usages are those of the profile that bounds the lifetime, whatever else is granted. */
static err_t check(const struct grant *g, enum ca_profile profile, const struct cert_profile *says,
                   const struct cert_texts *attributes) {
  for (unsigned kind = 0; kind < SAN_KINDS; kind++)
    for (size_t i = 0; i < says->sans[kind].count; i++)
      if (!granted(g, (enum cert_san)kind, says->sans[kind].items[i]))
        return refuse(kind_names[kind], says->sans[kind].items[i]);
  for (size_t i = 0; i < attributes->count; i++)
    if (!attribute_granted(g, attributes->items[i]))
      return refuse("subject", attributes->items[i]);
  for (size_t i = 0; i < says->ekus.count; i++)
    if (!ca_profile_has_eku(profile, says->ekus.items[i]))
      return refuse("extended key usage", says->ekus.items[i]);
  return OK;
}

err_t ca_check_names(struct ca *ca, const char *oid, enum ca_profile profile,
                     const struct cert_profile *says) {
  struct cert_texts attributes __attribute__((cleanup(cert_texts_free))) = { 0 };
  TRY(cert_subject_attributes(says->subject, &attributes));
  CA_READ_LOCKED(ca);
  const struct grant *g = guid_map_get(&ca->grants, oid);
  if (!g || !(g->profiles & 1u << profile))
    REFUSE(ERR_ACCESS_DENIED,
           "The caller may not have certificates of the profile %s. Names and profiles are granted "
           "with 'strongroom ca allow'.",
           ca_profile_name(profile));
  return check(g, profile, says, &attributes);
}

static err_t grant_new(const char *oid, unsigned profiles, const struct cert_texts *names,
                       struct grant **out) {
  AUTO(grant) struct grant *g = mem_zalloc(sizeof *g);
  if (!g)
    return ERR_NOMEM;
  if (!guid_fold(oid, g->oid))
    REFUSE(ERR_BAD_PARAMETER, "A grant is for the object id of an identity.");
  if (names->count > CA_GRANT_NAMES_MAX)
    REFUSE(ERR_BAD_PARAMETER, "A grant has at most %d names.", CA_GRANT_NAMES_MAX);
  g->profiles = profiles;
  for (size_t i = 0; i < names->count; i++) {
    if (!name_valid(bytes_str(names->items[i])))
      REFUSE(ERR_BAD_PARAMETER,
             "'%.256s' is no name of a grant: a.example, .svc.example, *.svc.example, 10.1.0.0/16, "
             "spiffe://example/*, a@example.com or O=Example expected.",
             names->items[i]);
    TRY(cert_texts_add(&g->names, bytes_str(names->items[i])));
  }
  *out = TAKE(g);
  return OK;
}

static err_t grant_commit(struct ca *ca, const char *oid, const struct grant *g) {
  AUTO_BUF record = BUF_EMPTY;
  char place[STORE_PLACE_MAX + 1];
  snprintf(place, sizeof place, "ca/grant/%s", oid);
  if (g) {
    pack_u8(&record, FORMAT);
    pack_str(&record, g->oid);
    pack_u32(&record, g->profiles);
    pack_u32(&record, (uint32_t)g->names.count);
    for (size_t i = 0; i < g->names.count; i++)
      pack_str(&record, g->names.items[i]);
    TRY(buf_ok(&record));
  }
  struct store_write w = { place, g ? buf_bytes(&record) : (struct bytes){ 0 } };
  return store_commit(ca->store, &w, 1);
}

static struct grant *exchange(struct ca *ca, const char *oid, struct grant *next) {
  CA_WRITE_LOCKED(ca);
  struct grant *old = guid_map_get(&ca->grants, oid);
  if (old)
    guid_map_remove(&ca->grants, oid);
  if (next)
    guid_map_put(&ca->grants, next->oid, next);
  return old;
}

static err_t reserve(struct ca *ca) {
  CA_WRITE_LOCKED(ca);
  return guid_map_reserve(&ca->grants);
}

err_t ca_grant(struct ca *ca, const char *oid, unsigned profiles, const struct cert_texts *names) {
  AUTO(grant) struct grant *next = NULL, *old = NULL;
  char folded[GUID_SIZE + 1];
  bool removes = profiles == 0 && names->count == 0;
  if (!removes && (profiles == 0 || names->count == 0))
    REFUSE(ERR_BAD_PARAMETER, "A grant has at least one name and one profile.");
  TRY(grant_new(oid, profiles, names, &next));
  memcpy(folded, next->oid, sizeof folded);
  CA_CHANGING(ca);
  if (removes && !guid_map_get(&ca->grants, folded))
    return ERR_NOT_FOUND;
  TRY(reserve(ca));
  TRY(grant_commit(ca, folded, removes ? NULL : next));
  old = exchange(ca, folded, removes ? NULL : TAKE(next));
  return OK;
}

err_t grant_load(struct ca *ca, struct bytes body) {
  AUTO(grant) struct grant *g = mem_zalloc(sizeof *g);
  struct unpack u = unpack_of(body);
  if (!g)
    return ERR_NOMEM;
  if (unpack_u8(&u) != FORMAT)
    FAIL(ERR_CORRUPT, "a grant has a format that this version does not know");
  unpack_str(&u, g->oid, sizeof g->oid);
  g->profiles = unpack_u32(&u);
  for (uint32_t n = unpack_u32(&u); n && !u.bad; n--)
    TRY(cert_texts_add(&g->names, unpack_bytes(&u)));
  TRY(unpack_end(&u));
  if (!guid_valid(bytes_str(g->oid)) || guid_map_get(&ca->grants, g->oid))
    FAIL(ERR_CORRUPT, "a grant makes no sense");
  TRY(guid_map_reserve(&ca->grants));
  guid_map_put(&ca->grants, g->oid, g);
  (void)TAKE(g);
  return OK;
}

static void write_grant(const struct grant *g, struct buf *json) {
  write_open(json, NULL, '{');
  write_str(json, "objectId", g->oid);
  write_open(json, "names", '[');
  for (size_t i = 0; i < g->names.count; i++)
    write_str(json, NULL, g->names.items[i]);
  write_close(json, ']');
  write_open(json, "profiles", '[');
  for (unsigned p = 0; p < CA_PROFILES; p++)
    if (g->profiles & 1u << p)
      write_str(json, NULL, ca_profile_name((enum ca_profile)p));
  write_close(json, ']');
  write_close(json, '}');
}

err_t ca_write_grant(struct ca *ca, const char *oid, struct buf *json) {
  char folded[GUID_SIZE + 1];
  CA_READ_LOCKED(ca);
  const struct grant *g = guid_fold(oid, folded) ? guid_map_get(&ca->grants, folded) : NULL;
  if (!g)
    return ERR_NOT_FOUND;
  write_grant(g, json);
  return buf_ok(json);
}

static int by_oid(const void *a, const void *b) {
  const struct grant *const *l = a, *const *r = b;
  return strcmp((*l)->oid, (*r)->oid);
}

err_t ca_write_grants(struct ca *ca, struct buf *json) {
  void **sorted AUTO_FREE = NULL;
  CA_READ_LOCKED(ca);
  TRY(guid_map_sorted(&ca->grants, by_oid, &sorted));
  write_open(json, NULL, '{');
  write_open(json, "value", '[');
  for (size_t i = 0; i < ca->grants.count; i++)
    write_grant(sorted[i], json);
  write_close(json, ']');
  write_close(json, '}');
  return buf_ok(json);
}
