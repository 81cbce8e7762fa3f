/* Accounts (RFC 8555, 7.3). */
#include "base/clock.h"
#include "base/write.h"
#include "vault/acme/state.h"

#include <stdio.h>

static err_t read_contact(struct acme_request *r, json_t *item, char **out) {
  struct bytes text = bytes_of(json_string_value(item), json_string_length(item));
  if (!json_is_string(item) || !bytes_starts(text, "mailto:"))
    PROBLEM(r, ERR_BAD_PARAMETER, "unsupportedContact", "Contacts are mailto: URLs.");
  bool plain = text.size <= ACME_CONTACT_SIZE;
  for (size_t i = 0; i < text.size; i++)
    plain &= text.data[i] > ' ' && text.data[i] < 0x7f && !strchr(",?\"\\<>", text.data[i]);
  if (!plain || !memchr(text.data, '@', text.size))
    PROBLEM(r, ERR_BAD_PARAMETER, "invalidContact", "A contact is not one address of mail.");
  *out = mem_strdup((const char *)text.data);
  return *out ? OK : ERR_NOMEM;
}

/* The contacts of a payload; *given: it has some, or an empty list. */
static err_t read_contacts(struct acme_request *r, json_t *payload, struct acme_account *into,
                           bool *given) {
  json_t *list = NULL;
  TRY(json_get_array(payload, "contact", &list));
  *given = list != NULL;
  size_t count = json_array_size(list);
  if (count > ACME_CONTACTS_MAX)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "An account has at most %d contacts.",
            ACME_CONTACTS_MAX);
  for (size_t i = 0; i < count; i++) {
    TRY(read_contact(r, json_array_get(list, i), &into->contacts[i]));
    into->contact_count++;
  }
  return OK;
}

static void locate(struct acme_request *r, const char *id) {
  snprintf(r->location, sizeof r->location, "https://" BYTES_FMT "/acme/account/%s",
           BYTES_ARG(r->host), id);
  snprintf(r->object, sizeof r->object, "acme/accounts/%s", id);
}

/* The key is one of an account: that is the answer, if it still works. */
static err_t present(struct acme_request *r, const struct acme_account *account) {
  memcpy(r->account, account->id, sizeof r->account);
  memcpy(r->oid, account->oid, sizeof r->oid);
  locate(r, account->id);
  if (!acme_account_works(r->acme, account))
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized",
            "The key is that of an account that is deactivated, or whose identity or binding is "
            "gone.");
  acme_write_account(r, account);
  return OK;
}

static err_t make(struct acme_request *r, json_t *payload, struct acme_key *k) {
  struct acme *a = r->acme;
  json_t *jwk = json_object_get(r->jws->header, "jwk");
  bool given;
  AUTO(acme_account) struct acme_account *account = mem_zalloc(sizeof *account);
  if (!account)
    return ERR_NOMEM;
  TRY(guid_random(account->id));
  TRY(acme_jwk(jwk, &account->key));
  TRY(read_contacts(r, payload, account, &given));
  memcpy(account->kid, k->kid, sizeof account->kid);
  memcpy(account->oid, k->oid, sizeof account->oid);
  memcpy(account->thumbprint, r->thumbprint, sizeof account->thumbprint);
  account->created = clock_now();
  if (a->accounts.count >= ACME_ACCOUNTS_MAX)
    return acme_limited(r, 3600, "accounts");
  TRY(guid_map_reserve(&a->accounts));
  TRY(acme_index_reserve(a));
  memcpy(r->account, account->id, sizeof r->account);
  memcpy(r->oid, account->oid, sizeof r->oid);
  locate(r, account->id);
  r->status = 201;
  acme_write_account(r, account);
  TRY(buf_ok(r->body));
  TRY(acme_commit_account(a, account));
  guid_map_put(&a->accounts, account->id, account);
  acme_index_account(a, account);
  k->accounts++;
  account = NULL;
  return OK;
}

err_t acme_new_account(struct acme_request *r) {
  AUTO_JSON *payload = NULL;
  json_t *binding = NULL;
  struct acme_key *k = NULL;
  bool existing = false;
  TRY(json_read(buf_bytes(&r->jws->payload), &payload));
  TRY(json_get_bool(payload, "onlyReturnExisting", &existing, NULL));
  TRY(json_get_object(payload, "externalAccountBinding", &binding));
  ACME_LOCKED(r->acme);
  const struct acme_account *account = acme_account_by_key(r->acme, r->thumbprint);
  if (account)
    return present(r, account);
  if (existing)
    PROBLEM(r, ERR_BAD_PARAMETER, "accountDoesNotExist", "There is no account of that key.");
  TRY(acme_check_binding(r, binding, &k));
  return make(r, payload, k);
}

/* Commits what changed, by a copy of the account that shares what stays. */
static err_t change(struct acme *a, struct acme_account *account, bool deactivated,
                    struct acme_account *contacts) {
  struct acme_account next = *account;
  next.deactivated = deactivated;
  if (contacts) {
    memcpy(next.contacts, contacts->contacts, sizeof next.contacts);
    next.contact_count = contacts->contact_count;
  }
  TRY(acme_commit_account(a, &next));
  account->deactivated = deactivated;
  if (contacts) { /* the old ones go where the new ones were, to be released */
    memcpy(contacts->contacts, account->contacts, sizeof next.contacts);
    contacts->contact_count = account->contact_count;
    memcpy(account->contacts, next.contacts, sizeof next.contacts);
    account->contact_count = next.contact_count;
  }
  return OK;
}

static err_t update(struct acme_request *r, json_t *payload, struct acme_account *account) {
  AUTO(acme_account) struct acme_account *contacts = mem_zalloc(sizeof *contacts);
  struct bytes status = { 0 };
  bool has_status = false, has_contacts = false;
  if (!contacts)
    return ERR_NOMEM;
  TRY(json_get_str(payload, "status", &status, &has_status));
  if (has_status && !bytes_equal_str(status, "deactivated"))
    REFUSE(ERR_BAD_PARAMETER, "An account's status can only be set to deactivated.");
  TRY(read_contacts(r, payload, contacts, &has_contacts));
  if (has_status || has_contacts)
    TRY(change(r->acme, account, has_status, has_contacts ? contacts : NULL));
  return OK;
}

err_t acme_account(struct acme_request *r, const char *id) {
  struct acme_account *account;
  AUTO_JSON *payload = NULL;
  ACME_LOCKED(r->acme);
  TRY(acme_signer(r, &account));
  if (strcmp(account->id, id) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The account is another one than the signer's.");
  locate(r, account->id);
  if (r->jws->payload.size) {
    TRY(json_read(buf_bytes(&r->jws->payload), &payload));
    TRY(update(r, payload, account));
  }
  acme_write_account(r, account);
  return OK;
}

err_t acme_orders(struct acme_request *r, const char *id) {
  struct acme_account *account;
  size_t at = 0;
  ACME_LOCKED(r->acme);
  TRY(acme_signer(r, &account));
  if (strcmp(account->id, id) != 0)
    PROBLEM(r, ERR_FORBIDDEN, "unauthorized", "The account is another one than the signer's.");
  write_open(r->body, NULL, '{');
  write_open(r->body, "orders", '[');
  for (const struct acme_order *o; (o = guid_map_next(&r->acme->orders, &at));)
    if (strcmp(o->account, id) == 0 && o->state != ORDER_INVALID)
      acme_write_url(r, r->body, NULL, "order/%s", o->id);
  write_close(r->body, ']');
  write_close(r->body, '}');
  return OK;
}

/* The inner JWS of a key change, signed by the new key: that it agrees. */
static err_t read_change(struct acme_request *r, struct acme_jws *inner, struct key **out) {
  AUTO_JSON *doc = NULL;
  json_t *jwk = NULL;
  struct bytes url = { 0 };
  bool algorithm;
  TRY(json_read(buf_bytes(&r->jws->payload), &doc));
  TRY(acme_jws_parse(TAKE(doc), false, inner, &algorithm));
  TRY(json_get_object(inner->header, "jwk", &jwk));
  TRY(json_get_str(inner->header, "url", &url, NULL));
  if (!jwk || json_object_get(inner->header, "kid") || json_object_get(inner->header, "nonce") ||
      !bytes_equal_str(url, r->url))
    REFUSE(ERR_BAD_PARAMETER,
           "The inner JWS must have the new key as jwk, the url of the outer one, and no nonce.");
  TRY(acme_jwk(jwk, out));
  return acme_jws_verify(inner, *out);
}

/* What the new key signed: which account, and that it had the key that it has. */
static err_t check_change(struct acme_request *r, const struct acme_jws *inner) {
  AUTO_JSON *said = NULL;
  AUTO(key) struct key *old = NULL;
  AUTO_BUF url = BUF_EMPTY;
  char thumbprint[44];
  json_t *old_jwk = NULL;
  struct bytes account = { 0 };
  TRY(json_read(buf_bytes(&inner->payload), &said));
  TRY(json_get_str(said, "account", &account, NULL));
  TRY(json_get_object(said, "oldKey", &old_jwk));
  acme_put_url(r, &url, "account/%s", r->account);
  TRY(buf_ok(&url));
  if (!bytes_equal(account, buf_bytes(&url)) || !old_jwk)
    REFUSE(ERR_BAD_PARAMETER, "The inner JWS must name the account and its present key.");
  TRY(acme_jwk(old_jwk, &old));
  TRY(key_thumbprint(old, thumbprint));
  if (strcmp(thumbprint, r->thumbprint) != 0)
    REFUSE(ERR_BAD_PARAMETER, "oldKey is not the account's present key.");
  return OK;
}

err_t acme_key_change(struct acme_request *r) {
  AUTO_ACME_JWS inner = { 0 };
  AUTO(key) struct key *key = NULL;
  char thumbprint[44];
  struct acme_account *account;
  TRY(read_change(r, &inner, &key));
  TRY(check_change(r, &inner));
  TRY(key_thumbprint(key, thumbprint));
  ACME_LOCKED(r->acme);
  TRY(acme_signer(r, &account));
  const struct acme_account *other = acme_account_by_key(r->acme, thumbprint);
  if (other) {
    locate(r, other->id);
    PROBLEM(r, ERR_CONFLICT, "malformed", "The new key is that of an account already.");
  }
  struct acme_account next = *account;
  next.key = key;
  TRY(acme_commit_account(r->acme, &next));
  key = account->key;
  account->key = next.key;
  memcpy(account->thumbprint, thumbprint, sizeof thumbprint);
  acme_index_account(r->acme, account);
  locate(r, account->id);
  acme_write_account(r, account);
  return OK;
}
