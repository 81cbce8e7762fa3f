#include "transit/proxy/peer.h"

#include "crypto/cert_match.h"

#include <assert.h>
#include <stdio.h>

/* What a certificate is called when nothing of it had to match. */
static err_t first_name(const struct cert_info *info, struct peer_verdict *v) {
  static const enum cert_san order[] = { SAN_URI, SAN_DNS, SAN_IP, SAN_EMAIL, SAN_UPN };
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (info->is.sans[order[i]].count) {
      snprintf(v->identity, sizeof v->identity, "%s", info->is.sans[order[i]].items[0]);
      return OK;
    }
  snprintf(v->identity, sizeof v->identity, "%s", info->is.subject);
  return OK;
}

/* A SPIFFE ID is a certificate's only URI (X509-SVID, 2). */
static err_t match_server(const struct route *r, const struct cert_info *info,
                          struct peer_verdict *v) {
  const struct cert_texts *uris = &info->is.sans[SAN_URI];
  assert(r->server_name);
  v->admitted = uris->count == 1 && strcmp(uris->items[0], r->server_name) == 0;
  return first_name(info, v);
}

static err_t match_client(const struct route *r, const struct cert_info *info,
                          struct peer_verdict *v) {
  const char *match = cert_match(info, (const char *const *)r->patterns, r->pattern_count);
  v->admitted = match || r->any;
  if (!match)
    return first_name(info, v);
  snprintf(v->identity, sizeof v->identity, "%s", match);
  return OK;
}

static err_t judge(const struct route *r, struct bytes der, struct peer_verdict *v) {
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_read(der, &info));
  return r->spiffe ? match_server(r, &info, v) : match_client(r, &info, v);
}

/* The name was OpenSSL's to check. */
static void name_server(const struct route *r, struct peer_verdict *v) {
  v->admitted = true;
  snprintf(v->identity, sizeof v->identity, "%s", r->server_name);
}

const struct peer_verdict *peer_judge(struct peer_cache *cache, const struct route *route,
                                      struct bytes der) {
  struct peer_verdict v = { .route = route };
  if (crypto_sha256(der, v.sha256) != OK)
    return NULL;
  struct peer_verdict *slot = &cache->slots[v.sha256[0] % PEER_SLOTS];
  if (slot->route == route && memcmp(slot->sha256, v.sha256, sizeof v.sha256) == 0)
    return slot;
  if (route->server_name && !route->spiffe)
    name_server(route, &v);
  else if (judge(route, der, &v) != OK)
    return NULL;
  *slot = v;
  return slot;
}
