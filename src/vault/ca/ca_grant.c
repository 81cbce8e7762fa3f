/* Which identity may have certificates for which names. Whatever no name of a grant covers is
 * refused. */
#include "base/pack.h"
#include "base/write.h"
#include "crypto/cert_match.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

#define FORMAT 1

void grant_free(struct grant *g) {
  cert_texts_free(&g->names);
  mem_free(g);
}

static bool granted(const struct grant *g, enum cert_san kind, const char *name) {
  for (size_t i = 0; i < g->names.count; i++)
    if (cert_pattern_covers(bytes_str(g->names.items[i]), kind, bytes_str(name)))
      return true;
  return false;
}

/* By its text; e-mail addresses and common names as what they look like to those who read them. */
static bool attribute_granted(const struct grant *g, const char *text) {
  struct bytes value = { 0 };
  bool common = bytes_starts(bytes_str(text), "CN=");
  if (common)
    value = bytes_str(text + 3);
  if (common && cert_looks_like_host(value))
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
    if (!cert_pattern_valid(bytes_str(names->items[i])))
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
