/* The root's key elsewhere: sealed under a passphrase in a file, and brought back for the moment
 * that it takes to make an issuing authority. */
#include "base/clock.h"
#include "vault/ca/ca_internal.h"

err_t ca_seal_root(struct ca *ca, struct bytes passphrase, struct buf *out) {
  AUTO(root) struct root *root = NULL;
  AUTO_SECRET private_form = { 0 };
  if (!ca->root.key)
    FAIL(ERR_CONFLICT, "the root's key is offline already");
  TRY(root_open("passphrase", passphrase, &root));
  TRY(key_export(ca->root.key, &private_form));
  return root_wrap(root, secret_bytes(&private_form), out);
}

err_t ca_open_root(struct ca *ca, struct bytes passphrase, struct bytes sealed, struct key **out) {
  AUTO(root) struct root *root = NULL;
  AUTO(key) struct key *key = NULL;
  AUTO_SECRET private_form = { 0 };
  TRY(root_open("passphrase", passphrase, &root));
  err_t e = root_unwrap(root, sealed, &private_form);
  if (e == ERR_ROOT_KEY)
    FAIL(e, "this is not the passphrase of the root's key");
  if (e == ERR_CORRUPT)
    FAIL(e, "the file holds no key of a root: 'strongroom ca take-offline' writes one");
  TRY(e);
  TRY(key_import(KEY_EC, secret_bytes(&private_form), &key));
  if (cert_matches_key(buf_bytes(&ca->root.der), key) != OK)
    FAIL(ERR_CONFLICT, "this is the key of another root");
  *out = TAKE(key);
  return OK;
}

err_t ca_forget_root(struct ca *ca) {
  CA_CHANGING(ca);
  TRY(authority_commit_root(ca, NULL, &ca->root.crl, NULL, 0));
  CA_WRITE_LOCKED(ca);
  key_free(TAKE(ca->root.key));
  return OK;
}

struct revoked {
  struct authority *of[AUTHORITIES_MAX];
  size_t count;
  char places[AUTHORITIES_MAX][STORE_PLACE_MAX + 1];
  struct buf records[AUTHORITIES_MAX];
  struct store_write writes[AUTHORITIES_MAX];
};
static void revoked_free(struct revoked *r) {
  for (size_t i = 0; i < r->count; i++)
    buf_free(&r->records[i]);
  mem_free(r);
}
CLEANUP(revoked, struct revoked *, revoked_free)

static err_t commit_revoked(struct ca *ca, const struct key *root_key, int64_t now,
                            struct revoked *r) {
  for (size_t i = 0; i < r->count; i++) {
    TRY(authority_pack(r->of[i], &r->records[i]));
    authority_place(r->of[i], r->places[i]);
    r->writes[i] = (struct store_write){ r->places[i], buf_bytes(&r->records[i]) };
  }
  return crl_refresh_root(ca, root_key, now, r->writes, r->count);
}

/* All but the newest, and the list that says so: both or neither. */
static err_t revoke_earlier(struct ca *ca, const struct key *root_key, int64_t now) {
  AUTO(revoked) struct revoked *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  for (size_t i = 0; i + 1 < ca->authority_count; i++) {
    struct authority *a = ca->authorities[i];
    if (a->revoked_at)
      continue;
    a->revoked_at = now;
    r->of[r->count++] = a;
  }
  err_t e = commit_revoked(ca, root_key, now, r);
  for (size_t i = 0; e != OK && i < r->count; i++)
    r->of[i]->revoked_at = 0;
  return e;
}

err_t ca_renew(struct ca *ca, const struct key *root_key, const struct cert_texts *permit,
               bool revoke, unsigned *number) {
  struct cert_texts permitted __attribute__((cleanup(cert_texts_free))) = { 0 };
  int64_t now = clock_real();
  CA_CHANGING(ca);
  if (!root_key && !(root_key = ca->root.key))
    FAIL(ERR_CONFIG, "the root's key is offline: give its file with --root-key");
  const struct cert_texts *from = permit->count ? permit : &authority_now(ca)->permitted;
  for (size_t i = 0; i < from->count; i++)
    TRY(cert_texts_add(&permitted, bytes_str(from->items[i])));
  TRY(authorities_retire(ca, now));
  TRY(authority_make(ca, root_key, &permitted, now));
  *number = authority_now(ca)->number;
  return revoke ? revoke_earlier(ca, root_key, now) : crl_refresh_root(ca, root_key, now, NULL, 0);
}
