/* The resources as JSON (RFC 8555, 7.1). */
#include "base/write.h"
#include "base/clock.h"
#include "vault/acme/state.h"

#include <stdarg.h>
#include <stdio.h>

static void put_url(const struct acme_request *r, struct buf *b, const char *format, va_list ap)
  __attribute__((format(printf, 3, 0)));
static void put_url(const struct acme_request *r, struct buf *b, const char *format, va_list ap) {
  char path[160];
  vsnprintf(path, sizeof path, format, ap);
  buf_printf(b, "https://" BYTES_FMT "/acme/%s", BYTES_ARG(r->host), path);
}

void acme_put_url(const struct acme_request *r, struct buf *b, const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  put_url(r, b, format, ap);
  va_end(ap);
}

void acme_write_url(const struct acme_request *r, struct buf *b, const char *key,
                    const char *format, ...) {
  AUTO_BUF url = BUF_EMPTY;
  va_list ap;
  va_start(ap, format);
  put_url(r, &url, format, ap);
  va_end(ap);
  b->failed |= url.failed;
  write_text(b, key, buf_bytes(&url));
}

/* RFC 3339, in whole seconds. */
void acme_write_time(struct buf *b, const char *key, int64_t seconds) {
  char text[28];
  clock_format(seconds * 1000000, text);
  memcpy(text + 19, "Z", 2);
  write_str(b, key, text);
}

static void write_failure(struct buf *b, const struct failure *f) {
  char type[80];
  if (!f->type[0])
    return;
  snprintf(type, sizeof type, "urn:ietf:params:acme:error:%s", f->type);
  write_open(b, "error", '{');
  write_str(b, "type", type);
  write_str(b, "detail", f->detail);
  write_i64(b, "status", 403);
  write_close(b, '}');
}

static void write_identifier(struct buf *b, const char *key, bool address, const char *value) {
  write_open(b, key, '{');
  write_str(b, "type", address ? "ip" : "dns");
  write_str(b, "value", value);
  write_close(b, '}');
}

enum order_status acme_order_status(const struct acme_order *o, int64_t now) {
  size_t valid = 0;
  if (o->state != ORDER_OPEN)
    return o->state == ORDER_VALID ? STATUS_VALID : STATUS_INVALID;
  if (o->busy)
    return STATUS_PROCESSING;
  if (o->expires <= now)
    return STATUS_INVALID;
  for (size_t i = 0; i < o->count; i++)
    valid += o->authzs[i].state == AUTHZ_VALID;
  return valid == o->count ? STATUS_READY : STATUS_PENDING;
}

static void locate(struct acme_request *r, const struct acme_order *o) {
  snprintf(r->location, sizeof r->location, "https://" BYTES_FMT "/acme/order/%s",
           BYTES_ARG(r->host), o->id);
  snprintf(r->object, sizeof r->object, "acme/orders/%s", o->id);
}

void acme_write_order(struct acme_request *r, const struct acme_order *o) {
  static const char *const statuses[] = { "pending", "ready", "processing", "valid", "invalid" };
  struct buf *b = r->body;
  enum order_status status = acme_order_status(o, clock_now());
  locate(r, o);
  if (status == STATUS_PROCESSING)
    r->retry_after = 1;
  write_open(b, NULL, '{');
  write_str(b, "status", statuses[status]);
  acme_write_time(b, "expires", o->expires);
  write_open(b, "identifiers", '[');
  for (size_t i = 0; i < o->count; i++) {
    char name[ACME_NAME_SIZE + 3];
    acme_full_name(&o->authzs[i], name);
    write_identifier(b, NULL, o->authzs[i].address, name);
  }
  write_close(b, ']');
  if (o->not_before)
    acme_write_time(b, "notBefore", o->not_before);
  if (o->not_after)
    acme_write_time(b, "notAfter", o->not_after);
  if (o->replaces[0])
    write_str(b, "replaces", o->replaces);
  write_failure(b, &o->failure);
  write_open(b, "authorizations", '[');
  for (size_t i = 0; i < o->count; i++)
    acme_write_url(r, b, NULL, "authz/%s.%zu", o->id, i);
  write_close(b, ']');
  acme_write_url(r, b, "finalize", "order/%s/finalize", o->id);
  if (status == STATUS_VALID)
    acme_write_url(r, b, "certificate", "cert/%s", o->id);
  write_close(b, '}');
}

const char *challenge_name(enum challenge c) {
  static const char *const names[] = { "", "http-01", "dns-01", "tls-alpn-01" };
  return names[c];
}

bool acme_offers(const struct acme_authz *z, enum challenge c) {
  if (z->wildcard)
    return c == CHALLENGE_DNS;
  return !(z->address && c == CHALLENGE_DNS);
}

static const char *challenge_status(const struct acme_authz *z, enum challenge c) {
  if (c != z->tried)
    return "pending";
  return z->state == AUTHZ_VALID ? "valid" : z->state == AUTHZ_PENDING ? "processing" : "invalid";
}

void acme_write_challenge(struct acme_request *r, const struct acme_order *o, size_t index,
                          enum challenge c, struct buf *b) {
  const struct acme_authz *z = &o->authzs[index];
  write_open(b, NULL, '{');
  write_str(b, "type", challenge_name(c));
  acme_write_url(r, b, "url", "chall/%s.%zu.%s", o->id, index, challenge_name(c));
  write_str(b, "status", challenge_status(z, c));
  write_str(b, "token", z->token);
  if (c == z->tried && z->state == AUTHZ_VALID)
    acme_write_time(b, "validated", z->validated);
  if (c == z->tried)
    write_failure(b, &z->failure);
  write_close(b, '}');
}

static const char *authz_status(const struct acme_order *o, const struct acme_authz *z) {
  static const char *const statuses[] = { "pending", "valid", "invalid", "deactivated" };
  bool over = o->state == ORDER_OPEN && o->expires <= clock_now();
  return over && z->state <= AUTHZ_VALID ? "expired" : statuses[z->state];
}

/* Of one that is no longer pending only the challenge that decided is shown. */
void acme_write_authz(struct acme_request *r, const struct acme_order *o, size_t index) {
  const struct acme_authz *z = &o->authzs[index];
  struct buf *b = r->body;
  snprintf(r->object, sizeof r->object, "acme/orders/%s", o->id);
  if (z->state == AUTHZ_PENDING && z->tried)
    r->retry_after = 1;
  write_open(b, NULL, '{');
  write_identifier(b, "identifier", z->address, z->name);
  write_str(b, "status", authz_status(o, z));
  acme_write_time(b, "expires", o->expires);
  if (z->wildcard)
    write_bool(b, "wildcard", true);
  write_open(b, "challenges", '[');
  for (enum challenge c = CHALLENGE_HTTP; c <= CHALLENGE_ALPN; c++)
    if (acme_offers(z, c) && (z->state == AUTHZ_PENDING || c == z->tried))
      acme_write_challenge(r, o, index, c, b);
  write_close(b, ']');
  write_close(b, '}');
}

static const char *account_status(const struct acme *a, const struct acme_account *account) {
  if (account->deactivated)
    return "deactivated";
  return acme_account_works(a, account) ? "valid" : "revoked";
}

static void write_contacts(const struct acme_account *account, struct buf *b) {
  write_open(b, "contact", '[');
  for (size_t i = 0; i < account->contact_count; i++)
    write_str(b, NULL, account->contacts[i]);
  write_close(b, ']');
}

void acme_write_account(struct acme_request *r, const struct acme_account *account) {
  struct buf *b = r->body;
  write_open(b, NULL, '{');
  write_str(b, "status", account_status(r->acme, account));
  write_contacts(account, b);
  acme_write_url(r, b, "orders", "account/%s/orders", account->id);
  write_close(b, '}');
}

static int by_created(const void *a, const void *b) {
  const struct acme_account *x = *(void *const *)a, *y = *(void *const *)b;
  if (x->created != y->created)
    return x->created < y->created ? -1 : 1;
  return strcmp(x->id, y->id);
}

err_t acme_write_accounts(struct acme *a, struct buf *json) {
  AUTO_FREE void **list = NULL;
  ACME_LOCKED(a);
  TRY(guid_map_sorted(&a->accounts, by_created, &list));
  write_open(json, NULL, '{');
  write_open(json, "value", '[');
  for (size_t i = 0; i < a->accounts.count; i++) {
    const struct acme_account *account = list[i];
    char name[4 * IDENTITY_NAME_MAX + 1];
    identity_name(a->identity, account->oid, name);
    write_open(json, NULL, '{');
    write_str(json, "id", account->id);
    write_str(json, "kid", account->kid);
    write_str(json, "identity", name);
    write_str(json, "objectId", account->oid);
    write_str(json, "status", account_status(a, account));
    write_i64(json, "created", account->created);
    write_contacts(account, json);
    write_i64(json, "orders", account->kept);
    write_close(json, '}');
  }
  write_close(json, ']');
  write_close(json, '}');
  return buf_ok(json);
}
