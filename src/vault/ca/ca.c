/* The authority as a whole: made, loaded from the store's records in whatever order they come, and
 * made ready. */
#include "vault/ca/ca_internal.h"

#include "base/clock.h"

#include <stdio.h>

err_t ca_new(struct store *s, struct ca **out) {
  AUTO(ca) struct ca *ca = mem_zalloc(sizeof *ca);
  if (!ca)
    return ERR_NOMEM;
  ca->store = s;
  pthread_mutex_init(&ca->changing, NULL);
  pthread_rwlock_init(&ca->lock, NULL);
  TRY(ledger_init(&ca->ledger));
  TRY(ocsp_cache_new(&ca->ocsp));
  *out = TAKE(ca);
  return OK;
}

void ca_free(struct ca *ca) {
  size_t at = 0;
  for (struct grant *g; (g = guid_map_next(&ca->grants, &at));)
    grant_free(g);
  guid_map_free(&ca->grants);
  for (size_t i = 0; i < ca->authority_count; i++)
    authority_free(ca->authorities[i]);
  for (struct authority *a = ca->retired, *next; a; a = next) {
    next = a->next_retired;
    authority_free(a);
  }
  cert_texts_free(&ca->kept_names);
  key_free(ca->root.key);
  buf_free(&ca->root.der);
  buf_free(&ca->root.crl.der);
  if (ca->ocsp)
    ocsp_cache_free(ca->ocsp);
  ledger_free(&ca->ledger);
  pthread_rwlock_destroy(&ca->lock);
  pthread_mutex_destroy(&ca->changing);
  mem_free(ca);
}

bool ca_owns(struct bytes place) {
  return bytes_starts(place, "ca/");
}

static err_t load_issued(struct ca *ca, struct bytes body) {
  struct issued *i = NULL;
  TRY(issued_unpack(body, &i));
  ledger_put(&ca->ledger, i);
  return OK;
}

err_t ca_load(struct ca *ca, struct bytes place, struct bytes body) {
  if (bytes_equal_str(place, "ca/root"))
    return authority_load_root(ca, body);
  if (bytes_equal_str(place, "ca/hub"))
    return hub_facts_load(ca, body);
  if (bytes_starts(place, "ca/issuing/"))
    return authority_load(ca, body);
  if (bytes_starts(place, "ca/cert/"))
    return load_issued(ca, body);
  if (bytes_starts(place, "ca/grant/"))
    return grant_load(ca, body);
  FAIL(ERR_CORRUPT, "a record of the authority that this version does not know");
}

static int by_number(const void *a, const void *b) {
  const struct authority *const *l = a, *const *r = b;
  return (*l)->number < (*r)->number ? -1 : (*l)->number > (*r)->number;
}

/* Revocation lists and the signers of OCSP answers, which are kept in memory. */
static err_t sign_answers(struct ca *ca, int64_t now) {
  for (size_t i = 0; i < ca->authority_count; i++) {
    struct authority *a = ca->authorities[i];
    if (!authority_is_valid(a, now))
      continue;
    TRY(crl_refresh(ca, a, now));
    TRY(ocsp_renew(ca, a, now));
  }
  return OK;
}

err_t ca_ready(struct ca *ca, const struct cert_texts *permit) {
  int64_t now = clock_real();
  qsort(ca->authorities, ca->authority_count, sizeof(struct authority *), by_number);
  TRY(ledger_sort(&ca->ledger));
  if (!ca->root.der.size) {
    if (ca->authority_count)
      FAIL(ERR_CORRUPT, "there are issuing authorities, but no root");
    TRY(authority_make_root(ca, now));
  }
  if (ca->authority_count)
    return sign_answers(ca, now);
  if (!ca->root.key)
    FAIL(ERR_CORRUPT, "there is no issuing authority");
  return authority_make(ca, ca->root.key, permit, now);
}

void ca_set_url(struct ca *ca, const char *url) {
  snprintf(ca->url, sizeof ca->url, "%s", url);
}

err_t ca_root(struct ca *ca, struct buf *der) {
  CA_READ_LOCKED(ca);
  buf_put_bytes(der, buf_bytes(&ca->root.der));
  return buf_ok(der);
}

err_t ca_issuer(struct ca *ca, unsigned number, struct buf *der) {
  const struct authority *a = number ? authority_get(ca, number) : authority_now(ca);
  if (!a)
    return ERR_NOT_FOUND;
  buf_put_bytes(der, buf_bytes(&a->der));
  return buf_ok(der);
}
