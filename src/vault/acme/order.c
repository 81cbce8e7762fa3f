/* Orders and their authorizations (RFC 8555, 7.4 and 7.5). */
#include "base/clock.h"
#include "base/codec.h"
#include "base/write.h"
#include "vault/acme/state.h"

#include <stdio.h>
#include <time.h>

#define AHEAD_MAX (2 * 86400)
#define LIFETIME_MAX (398 * 86400) /* of the server profile */

err_t acme_directory(struct acme_request *r) {
  static const struct {
    const char *name, *path;
  } entries[] = {
    { "newNonce", "new-nonce" },   { "newAccount", "new-account" },
    { "newOrder", "new-order" },   { "revokeCert", "revoke-cert" },
    { "keyChange", "key-change" }, { "renewalInfo", "renewal-info" },
  };
  write_open(r->body, NULL, '{');
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    acme_write_url(r, r->body, entries[i].name, "%s", entries[i].path);
  write_open(r->body, "meta", '{');
  write_bool(r->body, "externalAccountRequired", true);
  write_close(r->body, '}');
  write_close(r->body, '}');
  return OK;
}

/* Takes exactly that many digits off a text. */
static bool take_number(struct bytes *text, size_t digits, int *out) {
  uint64_t n;
  if (text->size < digits || bytes_to_u64(bytes_of(text->data, digits), 9999, &n) != OK)
    return false;
  *out = (int)n;
  *text = bytes_of(text->data + digits, text->size - digits);
  return true;
}

static bool take_char(struct bytes *text, const char *any, char *out) {
  if (text->size == 0 || text->data[0] == 0 || !strchr(any, text->data[0]))
    return false;
  *out = (char)text->data[0];
  *text = bytes_of(text->data + 1, text->size - 1);
  return true;
}

/* What stands behind the seconds: a fraction, which is dropped, and Z or an offset. */
static bool take_zone(struct bytes *text, int64_t *offset) {
  char c, sign;
  int hours, minutes;
  if (take_char(text, ".", &c))
    while (take_char(text, "0123456789", &c))
      ;
  *offset = 0;
  if (take_char(text, "Zz", &c))
    return text->size == 0;
  if (!take_char(text, "+-", &sign) || !take_number(text, 2, &hours) || !take_char(text, ":", &c) ||
      !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
    return false;
  *offset = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
  return text->size == 0;
}

/* "2026-11-24T08:04:06Z" (RFC 3339). */
static bool parse_time(struct bytes text, int64_t *out) {
  struct tm tm = { 0 };
  char c;
  int64_t offset;
  if (!take_number(&text, 4, &tm.tm_year) || !take_char(&text, "-", &c) ||
      !take_number(&text, 2, &tm.tm_mon) || !take_char(&text, "-", &c) ||
      !take_number(&text, 2, &tm.tm_mday) || !take_char(&text, "Tt", &c) ||
      !take_number(&text, 2, &tm.tm_hour) || !take_char(&text, ":", &c) ||
      !take_number(&text, 2, &tm.tm_min) || !take_char(&text, ":", &c) ||
      !take_number(&text, 2, &tm.tm_sec) || !take_zone(&text, &offset))
    return false;
  if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
      tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
    return false;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  *out = timegm(&tm) - offset;
  return true;
}

static err_t read_time(struct acme_request *r, json_t *payload, const char *name, int64_t *out) {
  struct bytes text = { 0 };
  bool found = false;
  TRY(json_get_str(payload, name, &text, &found));
  if (found && !parse_time(text, out))
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "%s is no time as RFC 3339 writes it.", name);
  return OK;
}

static err_t read_times(struct acme_request *r, json_t *payload, struct acme_order *o) {
  TRY(read_time(r, payload, "notBefore", &o->not_before));
  TRY(read_time(r, payload, "notAfter", &o->not_after));
  if (o->not_after && (o->not_after <= o->not_before || o->not_after <= o->created))
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed",
            "notAfter is not after notBefore, or not in the future.");
  /* As the authority would, but before the client has shown anything. */
  if (o->not_before > clock_real() + AHEAD_MAX)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "notBefore is more than 2 days ahead.");
  if (o->not_after && o->not_after - clock_real() > LIFETIME_MAX)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed",
            "notAfter is more than %d days ahead, the longest that a server's certificate lasts.",
            LIFETIME_MAX / 86400);
  return OK;
}

static bool shares_name(const struct acme_order *a, const struct acme_order *b) {
  for (size_t i = 0; i < a->count; i++)
    for (size_t k = 0; k < b->count; k++)
      if (strcmp(a->authzs[i].name, b->authzs[k].name) == 0)
        return true;
  return false;
}

/* RFC 9773, 5. Under the lock. */
static err_t check_replaces(struct acme_request *r, const struct acme_order *o) {
  if (!o->replaces[0])
    return OK;
  const struct acme_order *old = acme_order_by_cert(r->acme, o->replaces);
  if (!old || strcmp(old->account, r->account) != 0 || !shares_name(old, o))
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed",
            "The certificate that is to be replaced is not one of this account's, or shares no "
            "name with the order.");
  if (acme_is_replaced(r->acme, o->replaces))
    PROBLEM(r, ERR_CONFLICT, "alreadyReplaced", "The certificate has been replaced already.");
  return OK;
}

static err_t make_tokens(struct acme_order *o) {
  TRY(guid_random(o->id));
  for (size_t i = 0; i < o->count; i++) {
    uint8_t raw[32];
    AUTO_BUF text = BUF_EMPTY;
    TRY(crypto_random(raw, sizeof raw));
    buf_put_b64url(&text, bytes_of(raw, sizeof raw));
    TRY(buf_ok(&text));
    TRY(bytes_to_cstr(buf_bytes(&text), o->authzs[i].token, sizeof o->authzs[i].token));
  }
  return OK;
}

static err_t read_order(struct acme_request *r, struct acme_order *o) {
  AUTO_JSON *payload = NULL;
  json_t *list = NULL;
  struct bytes replaces = { 0 };
  TRY(json_read(buf_bytes(&r->jws->payload), &payload));
  TRY(json_get_array(payload, "identifiers", &list));
  TRY(acme_read_identifiers(r, list, o));
  o->created = clock_now();
  o->expires = o->created + ACME_ORDER_SECONDS;
  TRY(read_times(r, payload, o));
  TRY(json_get_str(payload, "replaces", &replaces, NULL));
  if (replaces.size && bytes_to_cstr(replaces, o->replaces, sizeof o->replaces) != OK)
    PROBLEM(r, ERR_BAD_PARAMETER, "malformed", "replaces is no id of a certificate.");
  return make_tokens(o);
}

/* Under the lock. */
static err_t check_limits(struct acme_request *r, struct acme_account *account,
                          const struct acme_order *o) {
  unsigned wait;
  for (size_t i = 0; i < o->count; i++)
    if (!acme_may_try(r->acme, account->id, o->authzs[i].name, &wait))
      return acme_limited(r, wait, "failed validations of a name of the order");
  if (account->open >= ACME_ORDERS_OPEN)
    return acme_limited(r, 3600, "orders of the account that are not finished");
  if (r->acme->orders.count >= ACME_ORDERS_MAX)
    return acme_limited(r, 3600, "orders");
  if (!hourly_take(&account->orders, ACME_ORDERS_HOURLY, o->created, &wait))
    return acme_limited(r, wait, "new orders of the account");
  return OK;
}

err_t acme_new_order(struct acme_request *r) {
  struct acme_account *account;
  AUTO(acme_order) struct acme_order *o = mem_zalloc(sizeof *o);
  if (!o)
    return ERR_NOMEM;
  TRY(read_order(r, o));
  ACME_LOCKED(r->acme);
  TRY(acme_signer(r, &account));
  memcpy(o->account, account->id, sizeof o->account);
  TRY(check_limits(r, account, o));
  TRY(acme_check_names(r, o));
  TRY(check_replaces(r, o));
  if (account->kept >= ACME_ORDERS_KEPT) {
    err_t e = acme_make_room(r->acme, account);
    if (e == ERR_THROTTLED)
      return acme_limited(r, 86400, "orders of the account");
    TRY(e);
  }
  TRY(guid_map_reserve(&r->acme->orders));
  acme_write_order(r, o);
  TRY(buf_ok(r->body));
  TRY(acme_commit_order(r->acme, o));
  account->open++;
  o->counted = true;
  account->kept++;
  guid_map_put(&r->acme->orders, o->id, o);
  o = NULL;
  r->status = 201;
  return OK;
}

err_t acme_order(struct acme_request *r, const char *id) {
  struct acme_order *o;
  ACME_LOCKED(r->acme);
  TRY(acme_order_find(r, id, &o));
  acme_write_order(r, o);
  return OK;
}

/* "ORDER.INDEX" or "ORDER.INDEX.CHALLENGE". Under the lock. */
static err_t find_authz(struct acme_request *r, const char *text, struct acme_order **order,
                        size_t *index, struct bytes *rest) {
  char id[GUID_SIZE + 1];
  struct bytes head, number;
  uint64_t n;
  *rest = bytes_split(bytes_str(text), '.', &head);
  *rest = bytes_split(*rest, '.', &number);
  if (bytes_to_cstr(head, id, sizeof id) != OK || bytes_to_u64(number, ACME_NAMES_MAX, &n) != OK)
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "There is no such authorization.");
  TRY(acme_order_find(r, id, order));
  if (n >= (*order)->count)
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "There is no such authorization.");
  *index = (size_t)n;
  return OK;
}

/* An order of which a name will never be shown is over. */
static err_t deactivate(struct acme_request *r, struct acme_order *o, struct acme_authz *z) {
  const struct acme_authz was = *z;
  AUTO_JSON *payload = NULL;
  struct bytes status = { 0 };
  TRY(json_read(buf_bytes(&r->jws->payload), &payload));
  TRY(json_get_str(payload, "status", &status, NULL));
  if (!bytes_equal_str(status, "deactivated"))
    REFUSE(ERR_BAD_PARAMETER, "An authorization's status can only be set to deactivated.");
  if (o->state != ORDER_OPEN || o->busy)
    REFUSE(ERR_BAD_PARAMETER, "The order is finished, and its authorizations with it.");
  z->state = AUTHZ_DEACTIVATED;
  o->state = ORDER_INVALID;
  err_t e = acme_commit_order(r->acme, o);
  if (e != OK) {
    *z = was;
    o->state = ORDER_OPEN;
    return e;
  }
  acme_not_open(r->acme, o);
  return OK;
}

err_t acme_authz(struct acme_request *r, const char *id) {
  struct acme_order *o;
  struct bytes rest;
  size_t index;
  ACME_LOCKED(r->acme);
  TRY(find_authz(r, id, &o, &index, &rest));
  if (r->jws->payload.size)
    TRY(deactivate(r, o, &o->authzs[index]));
  acme_write_authz(r, o, index);
  return OK;
}

static bool challenge_parse(struct bytes text, const struct acme_authz *z, enum challenge *out) {
  for (enum challenge c = CHALLENGE_HTTP; c <= CHALLENGE_ALPN; c++)
    if (acme_offers(z, c) && bytes_equal_str(text, challenge_name(c))) {
      *out = c;
      return true;
    }
  return false;
}

/* The client is ready: the challenge is kept as tried, so that a restart takes it up again. */
static err_t begin(struct acme_request *r, struct acme_order *o, size_t index, enum challenge c) {
  struct acme_authz *z = &o->authzs[index];
  unsigned wait;
  if (z->state != AUTHZ_PENDING || z->tried || acme_order_status(o, clock_now()) != STATUS_PENDING)
    return OK;
  if (!acme_may_try(r->acme, o->account, z->name, &wait))
    return acme_limited(r, wait, "failed validations of this name");
  if (acme_validators_full(r->acme, r->oid))
    return acme_limited(r, 30, "validations under way");
  z->tried = c;
  err_t e = acme_commit_order(r->acme, o);
  if (e == OK && !acme_validate(r->acme, o, index))
    e = ERR_NOMEM;
  if (e != OK)
    z->tried = CHALLENGE_NONE;
  return e;
}

err_t acme_challenge(struct acme_request *r, const char *id) {
  struct acme_order *o;
  struct bytes rest;
  enum challenge c;
  size_t index;
  ACME_LOCKED(r->acme);
  TRY(find_authz(r, id, &o, &index, &rest));
  if (!challenge_parse(rest, &o->authzs[index], &c))
    PROBLEM(r, ERR_NOT_FOUND, "malformed", "There is no such challenge.");
  snprintf(r->object, sizeof r->object, "acme/orders/%s", o->id);
  if (r->jws->payload.size)
    TRY(begin(r, o, index, c));
  if (o->authzs[index].state == AUTHZ_PENDING && o->authzs[index].tried)
    r->retry_after = 1;
  snprintf(r->up, sizeof r->up, "https://" BYTES_FMT "/acme/authz/%s.%zu", BYTES_ARG(r->host),
           o->id, index);
  acme_write_challenge(r, o, index, c, r->body);
  return OK;
}
