/*
 * The root and the issuing authorities under it. A fresh issuing authority has a name, a number and
 * a key of its own; the earlier ones go on to answer for what they issued, until that has expired.
 */
#include "base/log.h"
#include "base/pack.h"
#include "vault/ca/ca_internal.h"

#include <stdio.h>

#define FORMAT 1
#define ROOT_DAYS 3653
#define ISSUING_DAYS 1096
#define BACKDATE 300 /* seconds that others' clocks may be behind */

void authority_free(struct authority *a) {
  if (a->issuer)
    cert_issuer_free(a->issuer);
  key_free(a->key);
  buf_free(&a->der);
  cert_texts_free(&a->permitted);
  buf_free(&a->crl.der);
  if (a->responder)
    ocsp_responder_free(a->responder);
  mem_free(a);
}

struct authority *authority_now(struct ca *ca) {
  CA_READ_LOCKED(ca);
  return ca->authority_count ? ca->authorities[ca->authority_count - 1] : NULL;
}

struct authority *authority_get(struct ca *ca, unsigned number) {
  CA_READ_LOCKED(ca);
  for (size_t i = 0; i < ca->authority_count; i++)
    if (ca->authorities[i]->number == number)
      return ca->authorities[i];
  return NULL;
}

void authority_mark_stale(struct ca *ca, unsigned number) {
  for (size_t i = 0; i < ca->authority_count; i++)
    if (ca->authorities[i]->number == number)
      ca->authorities[i]->crl_stale = true;
}

static err_t read_times(struct bytes der, int64_t *not_before, int64_t *not_after) {
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_read(der, &info));
  *not_before = info.is.not_before;
  *not_after = info.is.not_after;
  return OK;
}

static err_t read_format(struct unpack *u) {
  if (unpack_u8(u) != FORMAT)
    FAIL(ERR_CORRUPT, "an authority's record has a format that this version does not know");
  return OK;
}

/* Without the key it is offline. */
err_t authority_load_root(struct ca *ca, struct bytes body) {
  struct unpack u = unpack_of(body);
  TRY(read_format(&u));
  struct bytes key = unpack_bytes(&u);
  buf_put_bytes(&ca->root.der, unpack_bytes(&u));
  ca->root.crl.next_update = unpack_i64(&u);
  buf_put_bytes(&ca->root.crl.der, unpack_bytes(&u));
  TRY(unpack_end(&u));
  TRY(buf_ok(&ca->root.der));
  TRY(buf_ok(&ca->root.crl.der));
  if (key.size)
    TRY(key_import(KEY_EC, key, &ca->root.key));
  return read_times(buf_bytes(&ca->root.der), &ca->root.not_before, &ca->root.not_after);
}

err_t authority_load(struct ca *ca, struct bytes body) {
  AUTO(authority) struct authority *a = mem_zalloc(sizeof *a);
  struct unpack u = unpack_of(body);
  if (!a)
    return ERR_NOMEM;
  TRY(read_format(&u));
  a->number = unpack_u32(&u);
  a->revoked_at = unpack_i64(&u);
  struct bytes key = unpack_bytes(&u);
  buf_put_bytes(&a->der, unpack_bytes(&u));
  for (uint32_t n = unpack_u32(&u); n && !u.bad; n--)
    TRY(cert_texts_add(&a->permitted, unpack_bytes(&u)));
  TRY(unpack_end(&u));
  TRY(buf_ok(&a->der));
  TRY(key_import(KEY_EC, key, &a->key));
  TRY(read_times(buf_bytes(&a->der), &a->not_before, &a->not_after));
  TRY(cert_issuer_new(a->key, buf_bytes(&a->der), &a->issuer));
  TRY(ocsp_issuer_of(buf_bytes(&a->der), &a->hashes));
  if (ca->authority_count == AUTHORITIES_MAX)
    FAIL(ERR_CORRUPT, "there are more than %d issuing authorities", AUTHORITIES_MAX);
  ca->authorities[ca->authority_count++] = TAKE(a);
  return OK;
}

static err_t pack_key(const struct key *key, struct buf *record) {
  AUTO_SECRET private_form = { 0 };
  if (key)
    TRY(key_export(key, &private_form));
  pack_bytes(record, secret_bytes(&private_form));
  return OK;
}

err_t authority_commit_root(struct ca *ca, const struct key *key, const struct served_crl *crl,
                            const struct store_write *others, size_t count) {
  AUTO_BUF record = BUF_EMPTY;
  struct store_write writes[AUTHORITIES_MAX + 1];
  if (count > AUTHORITIES_MAX)
    FAIL(ERR_INTERNAL, "%zu records beside the root's", count);
  pack_u8(&record, FORMAT);
  TRY(pack_key(key, &record));
  pack_bytes(&record, buf_bytes(&ca->root.der));
  pack_i64(&record, crl->next_update);
  pack_bytes(&record, buf_bytes(&crl->der));
  TRY(buf_ok(&record));
  for (size_t i = 0; i < count; i++)
    writes[i] = others[i];
  writes[count] = (struct store_write){ "ca/root", buf_bytes(&record) };
  return store_commit(ca->store, writes, count + 1);
}

void authority_place(const struct authority *a, char out[static STORE_PLACE_MAX + 1]) {
  snprintf(out, STORE_PLACE_MAX + 1, "ca/issuing/%u", a->number);
}

err_t authority_pack(const struct authority *a, struct buf *record) {
  pack_u8(record, FORMAT);
  pack_u32(record, a->number);
  pack_i64(record, a->revoked_at);
  TRY(pack_key(a->key, record));
  pack_bytes(record, buf_bytes(&a->der));
  pack_u32(record, (uint32_t)a->permitted.count);
  for (size_t i = 0; i < a->permitted.count; i++)
    pack_str(record, a->permitted.items[i]);
  return buf_ok(record);
}

static err_t authority_commit(struct ca *ca, const struct authority *a) {
  AUTO_BUF record = BUF_EMPTY;
  char place[STORE_PLACE_MAX + 1];
  TRY(authority_pack(a, &record));
  authority_place(a, place);
  return store_commit(ca->store, &(struct store_write){ place, buf_bytes(&record) }, 1);
}

/* Hubs tell their authorities' names apart by a few random digits. */
static err_t make_name(const char *what, char out[static 80]) {
  uint8_t random[4];
  char hex[2 * sizeof random + 1];
  TRY(crypto_random(random, sizeof random));
  hex_encode(bytes_of(random, sizeof random), hex);
  snprintf(out, 80, "CN=Strongroom %s authority %s", what, hex);
  return OK;
}

static err_t generate(struct key **out) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  return key_generate(&spec, out);
}

err_t authority_make_root(struct ca *ca, int64_t now) {
  char name[80];
  AUTO(key) struct key *key = NULL;
  struct root_authority *root = &ca->root;
  struct cert_profile p = { .usage = USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                            .ca = true,
                            .not_before = now - BACKDATE,
                            .not_after = now + ROOT_DAYS * DAY };
  TRY(make_name("root", name));
  p.subject = name;
  TRY(generate(&key));
  TRY(cert_self_sign(key, &p, &root->der));
  root->not_before = p.not_before;
  root->not_after = p.not_after;
  TRY(crl_refresh_root(ca, key, now, NULL, 0)); /* commits all of it */
  root->key = TAKE(key);
  return OK;
}

static err_t copy_permitted(const struct cert_texts *from, struct cert_texts *to) {
  for (size_t i = 0; from && i < from->count; i++) {
    struct cert_subtree unused;
    TRY(cert_subtree_parse(bytes_str(from->items[i]), &unused));
    TRY(cert_texts_add(to, bytes_str(from->items[i])));
  }
  return OK;
}

static err_t sign_authority(struct ca *ca, const struct key *root_key, struct authority *a) {
  char name[80], root_url[URL_MAX + 32], crl_url[URL_MAX + 32];
  struct cert_profile p = { .usage = USAGE_DIGITAL_SIGNATURE | USAGE_KEY_CERT_SIGN | USAGE_CRL_SIGN,
                            .ca = true,
                            .ca_last = true,
                            .permitted = a->permitted,
                            .not_before = a->not_before,
                            .not_after = a->not_after };
  TRY(make_name("issuing", name));
  p.subject = name;
  snprintf(root_url, sizeof root_url, "%s/pki/root.cer", ca->url);
  snprintf(crl_url, sizeof crl_url, "%s/pki/root.crl", ca->url);
  if (ca->url[0]) {
    p.issuer_url = root_url;
    p.crl_url = crl_url;
  }
  return cert_issue(root_key, buf_bytes(&ca->root.der), a->key, &p, &a->der);
}

err_t authority_make(struct ca *ca, const struct key *root_key, const struct cert_texts *permit,
                     int64_t now) {
  AUTO(authority) struct authority *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  if (ca->authority_count == AUTHORITIES_MAX)
    FAIL(ERR_CONFLICT, "there are %d issuing authorities already", AUTHORITIES_MAX);
  a->number = ca->authority_count ? ca->authorities[ca->authority_count - 1]->number + 1 : 1;
  a->not_before = now - BACKDATE;
  a->not_after = now + ISSUING_DAYS * DAY;
  if (a->not_after > ca->root.not_after)
    a->not_after = ca->root.not_after;
  if (a->not_before < ca->root.not_before)
    a->not_before = ca->root.not_before;
  TRY(copy_permitted(permit, &a->permitted));
  TRY(generate(&a->key));
  TRY(sign_authority(ca, root_key, a));
  TRY(cert_issuer_new(a->key, buf_bytes(&a->der), &a->issuer));
  TRY(ocsp_issuer_of(buf_bytes(&a->der), &a->hashes));
  TRY(crl_refresh(ca, a, now));
  TRY(ocsp_renew(ca, a, now));
  TRY(authority_commit(ca, a));
  log_info("ca", "issuing authority %u was made", a->number);
  CA_WRITE_LOCKED(ca);
  ca->authorities[ca->authority_count++] = TAKE(a);
  return OK;
}

/* The newest stays, so that numbers are not given twice. */
static bool ended_long_ago(const struct ca *ca, size_t i, int64_t now) {
  return i + 1 < ca->authority_count && ca->authorities[i]->not_after < now - RETIRE_AFTER;
}

static err_t remove_ended(struct ca *ca, int64_t now, size_t *count) {
  char places[AUTHORITIES_MAX][STORE_PLACE_MAX + 1];
  struct store_write writes[AUTHORITIES_MAX];
  *count = 0;
  for (size_t i = 0; i < ca->authority_count; i++) {
    if (!ended_long_ago(ca, i, now))
      continue;
    authority_place(ca->authorities[i], places[*count]);
    writes[*count] = (struct store_write){ .place = places[*count] };
    ++*count;
  }
  return *count ? store_commit(ca->store, writes, *count) : OK;
}

err_t authorities_retire(struct ca *ca, int64_t now) {
  size_t count, kept = 0;
  TRY(remove_ended(ca, now, &count));
  if (count == 0)
    return OK;
  CA_WRITE_LOCKED(ca);
  for (size_t i = 0; i < ca->authority_count; i++) {
    struct authority *a = ca->authorities[i];
    if (ended_long_ago(ca, i, now)) {
      a->next_retired = ca->retired;
      ca->retired = a;
    } else {
      ca->authorities[kept++] = a;
    }
  }
  ca->authority_count = kept;
  return OK;
}
