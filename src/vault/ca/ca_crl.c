/* Revocation lists. They are signed when something is revoked and before they end, and served from
 * memory. Their numbers are times, which grow without being kept. */
#include "base/clock.h"
#include "crypto/crl.h"
#include "vault/ca/ca_internal.h"

#include <stdlib.h>

struct entries {
  struct crl_entry *items;
  uint8_t (*serials)[CERT_SERIAL_SIZE];
  size_t count;
};
static void entries_free(struct entries *e) {
  mem_free(e->items);
  mem_free(e->serials);
}
#define AUTO_ENTRIES __attribute__((cleanup(entries_free))) struct entries

static err_t reserve(struct entries *e, size_t count) {
  e->items = mem_alloc((count + 1) * sizeof *e->items);
  e->serials = mem_alloc((count + 1) * sizeof *e->serials);
  return e->items && e->serials ? OK : ERR_NOMEM;
}

static void add(struct entries *e, struct bytes serial, int64_t when, unsigned reason) {
  memcpy(e->serials[e->count], serial.data, serial.size);
  e->items[e->count] =
    (struct crl_entry){ bytes_of(e->serials[e->count], serial.size), when, reason };
  e->count++;
}

static err_t collect(struct ca *ca, const struct authority *a, struct entries *e) {
  CA_READ_LOCKED(ca);
  TRY(reserve(e, ca->ledger.revoked_count));
  for (const struct issued *i = ca->ledger.revoked; i; i = i->next_revoked) {
    uint8_t serial[CERT_SERIAL_SIZE];
    size_t n;
    if (i->authority != a->number)
      continue;
    TRY(hex_decode(bytes_str(i->serial), serial, sizeof serial, &n));
    add(e, bytes_of(serial, n), i->revoked_at, i->reason);
  }
  return OK;
}

static err_t sign(const struct key *key, struct bytes ca_der, const struct entries *e, int64_t now,
                  int64_t seconds, struct served_crl *out) {
  const struct crl_list list = { .number = (uint64_t)clock_now_us(),
                                 .this_update = now - 300, /* others' clocks may be behind */
                                 .next_update = now + seconds,
                                 .entries = e->items,
                                 .count = e->count };
  TRY(crl_sign(key, ca_der, &list, &out->der));
  out->next_update = list.next_update;
  return OK;
}

static void exchange(struct served_crl *a, struct served_crl *b) {
  struct served_crl was = *a;
  *a = *b;
  *b = was;
}

static void served_free(struct served_crl *c) {
  buf_free(&c->der);
}
#define AUTO_SERVED __attribute__((cleanup(served_free))) struct served_crl

err_t crl_refresh(struct ca *ca, struct authority *a, int64_t now) {
  AUTO_ENTRIES e = { 0 };
  AUTO_SERVED fresh = { 0 };
  TRY(collect(ca, a, &e));
  TRY(sign(a->key, buf_bytes(&a->der), &e, now, CRL_SECONDS, &fresh));
  CA_WRITE_LOCKED(ca);
  exchange(&a->crl, &fresh);
  a->crl_stale = false;
  return OK;
}

static err_t collect_authorities(const struct ca *ca, struct entries *e) {
  TRY(reserve(e, ca->authority_count));
  for (size_t i = 0; i < ca->authority_count; i++) {
    const struct authority *a = ca->authorities[i];
    AUTO_CERT_INFO info = { 0 };
    if (a->revoked_at == 0)
      continue;
    TRY(cert_read(buf_bytes(&a->der), &info));
    if (info.serial_size > CERT_SERIAL_SIZE)
      FAIL(ERR_CORRUPT, "an issuing authority's serial");
    add(e, bytes_of(info.serial, info.serial_size), a->revoked_at, 4 /* superseded */);
  }
  return OK;
}

err_t crl_refresh_root(struct ca *ca, const struct key *root_key, int64_t now,
                       const struct store_write *others, size_t count) {
  AUTO_ENTRIES e = { 0 };
  AUTO_SERVED fresh = { 0 };
  TRY(collect_authorities(ca, &e));
  TRY(sign(root_key, buf_bytes(&ca->root.der), &e, now, ROOT_CRL_SECONDS, &fresh));
  const struct key *kept = ca->root.key || ca->authority_count ? ca->root.key : root_key;
  TRY(authority_commit_root(ca, kept, &fresh, others, count));
  CA_WRITE_LOCKED(ca);
  exchange(&ca->root.crl, &fresh);
  return OK;
}

static err_t copy(const struct served_crl *from, struct buf *der, int64_t *next_update) {
  buf_put_bytes(der, buf_bytes(&from->der));
  *next_update = from->next_update;
  return buf_ok(der);
}

err_t ca_root_crl(struct ca *ca, struct buf *der, int64_t *next_update) {
  CA_READ_LOCKED(ca);
  return copy(&ca->root.crl, der, next_update);
}

err_t ca_crl(struct ca *ca, unsigned number, struct buf *der, int64_t *next_update) {
  const struct authority *a = number ? authority_get(ca, number) : authority_now(ca);
  if (!a)
    return ERR_NOT_FOUND;
  CA_READ_LOCKED(ca);
  return a->crl.der.size ? copy(&a->crl, der, next_update) : ERR_NOT_FOUND;
}
