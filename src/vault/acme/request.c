/* Who sends a request: its JWS, nonce, address and signature (RFC 8555, 6). */
#include "base/codec.h"
#include "vault/acme/nonce.h"
#include "vault/acme/state.h"

#include <stdio.h>

void acme_request_free(struct acme_request *r) {
  if (r->jws)
    acme_jws_free(r->jws);
  mem_free(r->jws);
  buf_free(&r->more);
}

static err_t read_jws(struct acme_request *r, struct bytes body) {
  AUTO_JSON *doc = NULL;
  bool algorithm = false;
  TRY(json_read(body, &doc));
  if (!(r->jws = mem_zalloc(sizeof *r->jws)))
    return ERR_NOMEM;
  err_t e = acme_jws_parse(TAKE(doc), false, r->jws, &algorithm);
  if (e != OK && algorithm) {
    r->problem = "badSignatureAlgorithm";
    buf_put_str(&r->more, ",\"algorithms\":" ACME_ALGORITHMS);
  }
  return e;
}

/* Everything that the header must say of this one request. */
static err_t check_header(struct acme_request *r) {
  struct bytes nonce = { 0 }, url = { 0 };
  TRY(json_get_str(r->jws->header, "nonce", &nonce, NULL));
  TRY(json_get_str(r->jws->header, "url", &url, NULL));
  if (!nonce_use(r->acme->nonces, nonce))
    PROBLEM(r, ERR_BAD_PARAMETER, "badNonce",
            "The nonce is not one of this server's, too old, or was used before.");
  if (!bytes_equal_str(url, r->url))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The JWS's url is not that of the request, %s.",
            r->url);
  return OK;
}

/* The account of a kid, which is its URL, and its key. */
static err_t key_of_account(struct acme_request *r, struct bytes kid, struct key **out) {
  char prefix[400], id[GUID_SIZE + 1];
  int n =
    snprintf(prefix, sizeof prefix, "https://" BYTES_FMT "/acme/account/", BYTES_ARG(r->host));
  bool good = n > 0 && (size_t)n < sizeof prefix && bytes_starts(kid, prefix) &&
              bytes_to_cstr(bytes_of(kid.data + n, kid.size - (size_t)n), id, sizeof id) == OK;
  ACME_LOCKED(r->acme);
  struct acme_account *account = good ? guid_map_get(&r->acme->accounts, id) : NULL;
  if (!account)
    PROBLEM(r, ERR_BAD_PARAMETER, "accountDoesNotExist", "There is no account of that kid.");
  memcpy(r->account, account->id, sizeof r->account);
  memcpy(r->oid, account->oid, sizeof r->oid);
  *out = key_ref(account->key);
  return OK;
}

static err_t signing_key(struct acme_request *r, unsigned signers, struct key **out) {
  json_t *jwk = NULL;
  struct bytes kid = { 0 };
  bool has_kid = false;
  TRY(json_get_object(r->jws->header, "jwk", &jwk));
  TRY(json_get_str(r->jws->header, "kid", &kid, &has_kid));
  if ((jwk != NULL) == has_kid)
    REFUSE(ERR_BAD_PARAMETER, "The JWS's header must have one of jwk and kid.");
  if (jwk && !(signers & ACME_BY_KEY))
    REFUSE(ERR_BAD_PARAMETER, "The JWS must name its account by kid here.");
  if (has_kid && !(signers & ACME_BY_ACCOUNT))
    REFUSE(ERR_BAD_PARAMETER, "The JWS must carry its key as jwk here.");
  if (has_kid)
    return key_of_account(r, kid, out);
  err_t e = acme_jwk(jwk, out);
  if (e == ERR_BAD_PARAMETER)
    r->problem = "badPublicKey";
  return e;
}

err_t acme_admit(struct acme_request *r, struct bytes body, unsigned signers) {
  AUTO(key) struct key *key = NULL;
  TRY(read_jws(r, body));
  TRY(check_header(r));
  TRY(signing_key(r, signers, &key));
  if (acme_jws_verify(r->jws, key) != OK) {
    r->account[0] = r->oid[0] = '\0'; /* nobody has shown to be that */
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The JWS's signature is not that of its key.");
  }
  TRY(key_thumbprint(key, r->thumbprint));
  return OK;
}
