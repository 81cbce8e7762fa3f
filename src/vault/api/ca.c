/* The hub's certificate authority for those who ask it. */
#include "base/write.h"
#include "crypto/x509.h"
#include "vault/api/ca_read.h"

#include <stdio.h>

static bool may(struct roles *roles, const struct caller *who, enum action action) {
  char assignment[GUID_SIZE + 1];
  return role_decide(roles, who, action, "/", assignment);
}

bool api_may_issue_any(struct roles *roles, const struct caller *who) {
  return may(roles, who, ACT_CA_WRITE);
}

err_t api_may_issue(struct ca *ca, struct roles *roles, const struct caller *who,
                    enum ca_profile profile, const struct cert_profile *says) {
  if (api_may_issue_any(roles, who))
    return OK;
  if (!may(roles, who, ACT_CA_ISSUE))
    REFUSE(ERR_ACCESS_DENIED,
           "The caller may not have certificates of the hub's authority: it "
           "lacks a role with the action '%s'.",
           action_name(ACT_CA_ISSUE));
  return ca_check_names(ca, who->oid, profile, says);
}

err_t call_may_issue(struct call *c, enum ca_profile profile, const struct cert_profile *says) {
  return api_may_issue(c->api->ca, c->api->roles, &c->who, profile, says);
}

err_t ca_get(struct call *c) {
  return ca_write(c->api->ca, call_body(c));
}

#define NAMED_MAX 250

/* Of a name, the newest are shown; all others go page by page. */
err_t ca_certificates(struct call *c) {
  char name[300], last[2 * CERT_SERIAL_SIZE + 1];
  bool named;
  struct page p;
  struct buf *b = call_body(c);
  TRY(http_query_get(c->x->req.query, "name", name, sizeof name, &named));
  TRY(page_read(c, &p));
  const struct ca_page page = { named ? name : NULL, p.marker, named ? NAMED_MAX : (size_t)p.max };
  write_open(b, NULL, '{');
  TRY(ca_write_certificates(c->api->ca, &page, b, last));
  page_write_next(c, &p, last[0] ? last : NULL);
  write_close(b, '}');
  return OK;
}

static err_t write_chain(struct call *c, const struct cert_chain *chain,
                         const struct ca_facts *facts) {
  AUTO_BUF pem = BUF_EMPTY;
  struct buf *b = call_body(c);
  for (size_t i = 0; i < chain->count; i++)
    TRY(x509_to_pem(buf_bytes(&chain->ders[i]), &pem));
  call_object(c, "hub/ca/certificates/%s", facts->serial);
  write_open(b, NULL, '{');
  write_str(b, "serial", facts->serial);
  write_i64(b, "notBefore", facts->not_before);
  write_i64(b, "notAfter", facts->not_after);
  write_text(b, "certificate", buf_bytes(&pem));
  write_close(b, '}');
  return OK;
}

err_t ca_issue_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_CERT_INFO info = { 0 };
  AUTO_CERT_CHAIN chain = { 0 };
  struct ca_facts facts;
  struct ca_request rq = { .oid = c->who.oid, .via = "api" };
  TRY(call_json(c, &body));
  TRY(ca_read_request(body, &info, &rq));
  TRY(call_may_issue(c, rq.profile, &rq.says));
  TRY(ca_issue_facts(c->api->ca, &rq, &chain, &facts));
  c->x->res.status = 201;
  return write_chain(c, &chain, &facts);
}

static err_t revoke_one(struct call *c, struct bytes text, unsigned reason, size_t *count) {
  char serial[2 * CERT_SERIAL_SIZE + 1];
  if (bytes_to_cstr(text, serial, sizeof serial) != OK)
    return ERR_CERTIFICATE_NOT_FOUND;
  call_object(c, "hub/ca/certificates/%s", serial);
  TRY(ca_revoke(c->api->ca, serial, reason, NULL));
  *count = 1;
  return OK;
}

static err_t revoke_named(struct call *c, struct bytes text, unsigned reason, size_t *count) {
  char name[300];
  if (bytes_to_cstr(text, name, sizeof name) != OK)
    REFUSE(ERR_BAD_PARAMETER, "Property name has invalid value\r\n");
  call_object(c, "hub/ca/certificates?name=%s", name);
  TRY(ca_revoke_name(c->api->ca, name, reason, count));
  if (*count == 0)
    REFUSE(ERR_CERTIFICATE_NOT_FOUND,
           "The hub's authority has issued no certificate for that name that is still good.");
  return OK;
}

err_t ca_revoke_post(struct call *c) {
  AUTO_JSON *body = NULL;
  struct bytes serial = { 0 }, name = { 0 }, text = bytes_str("unspecified");
  unsigned reason;
  size_t count = 0;
  TRY(call_json(c, &body));
  TRY(json_get_str(body, "serial", &serial, NULL));
  TRY(json_get_str(body, "name", &name, NULL));
  TRY(json_get_str(body, "reason", &text, NULL));
  if (!ca_reason_parse(text, &reason))
    REFUSE(ERR_BAD_PARAMETER, "Property reason has invalid value: keyCompromise, superseded, "
                              "cessationOfOperation, .. expected\r\n");
  if ((serial.size == 0) == (name.size == 0))
    REFUSE(ERR_BAD_PARAMETER, "Property serial or name is required, and not both\r\n");
  TRY(serial.size ? revoke_one(c, serial, reason, &count) : revoke_named(c, name, reason, &count));
  write_open(call_body(c), NULL, '{');
  write_i64(call_body(c), "revoked", (int64_t)count);
  write_close(call_body(c), '}');
  return OK;
}

/* The identity that the path names, in whatever way. */
static err_t find(struct call *c, char oid[static GUID_SIZE + 1]) {
  char app_id[GUID_SIZE + 1];
  err_t e = identity_find(c->api->identity, c->id, app_id, oid);
  if (e == ERR_IDENTITY_NOT_FOUND && guid_valid(bytes_str(c->id)))
    snprintf(oid, GUID_SIZE + 1, "%s", c->id); /* one that is gone may have left a grant */
  else
    TRY(e);
  call_object(c, "hub/ca/grants/%s", oid);
  return OK;
}

err_t ca_grants(struct call *c) {
  return ca_write_grants(c->api->ca, call_body(c));
}

err_t ca_grant_get(struct call *c) {
  char oid[GUID_SIZE + 1];
  TRY(find(c, oid));
  return ca_write_grant(c->api->ca, oid, call_body(c));
}

err_t ca_grant_put(struct call *c) {
  struct cert_texts names __attribute__((cleanup(cert_texts_free))) = { 0 };
  AUTO_JSON *body = NULL;
  char oid[GUID_SIZE + 1];
  unsigned profiles;
  TRY(find(c, oid));
  TRY(call_json(c, &body));
  TRY(ca_read_texts(body, "names", &names));
  TRY(ca_read_profiles(body, &profiles));
  if (names.count == 0 || profiles == 0)
    REFUSE(ERR_BAD_PARAMETER, "Properties names and profiles are required\r\n");
  TRY(ca_grant(c->api->ca, oid, profiles, &names));
  return ca_write_grant(c->api->ca, oid, call_body(c));
}

err_t ca_grant_delete(struct call *c) {
  const struct cert_texts none = { 0 };
  char oid[GUID_SIZE + 1];
  TRY(find(c, oid));
  TRY(ca_grant(c->api->ca, oid, 0, &none));
  c->x->res.status = 204;
  return OK;
}
