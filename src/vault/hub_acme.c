/* The ACME server of the hub: whose authority it asks, and what it does without a request. */
#include "base/clock.h"
#include "base/log.h"
#include "net/dial.h"
#include "net/dns.h"
#include "vault/hub_internal.h"

#include <stdio.h>

static err_t record(void *ctx, const char *operation, const char *object, const char *oid,
                    err_t e) {
  struct hub *h = ctx;
  uint64_t ticket;
  char app_id[GUID_SIZE + 1] = "", unused[GUID_SIZE + 1];
  IGNORE(identity_find(h->identity, oid, app_id, unused));
  struct audit_event event = { .time_us = clock_now_us(),
                               .operation = operation,
                               .status = err_info(e)->status,
                               .code = e == OK ? "" : err_info(e)->code,
                               .object = bytes_str(object),
                               .host = bytes_str(h->url + strlen("https://")),
                               .app_id = app_id,
                               .oid = oid,
                               .peer = "",
                               .request_id = "" };
  TRY(audit_append(h->audit, &event, &ticket));
  return audit_wait(h->audit, ticket);
}

/* Those who manage the authority get no more by ACME than others: what their grant says. */
static bool may_request(void *ctx, const char *oid) {
  const struct hub *h = ctx;
  struct caller who = { .app_id = "" };
  char assignment[GUID_SIZE + 1];
  snprintf(who.oid, sizeof who.oid, "%s", oid);
  return role_decide(h->roles, &who, ACT_CA_ISSUE, "/", assignment);
}

err_t hub_ready_acme(struct hub *h) {
  const struct acme_conf conf = { .authority = { h->ca, ca_issue, ca_check_names, ca_revoke,
                                                 ca_knows },
                                  .enabled = conf_bool(h->conf, "acme.enabled"),
                                  .http_port = (unsigned)conf_uint(h->conf, "acme.http_port"),
                                  .tls_port = (unsigned)conf_uint(h->conf, "acme.tls_port"),
                                  .resolver = conf_str(h->conf, "acme.resolver"),
                                  .may_request = may_request,
                                  .record = record,
                                  .ctx = h };
  struct net_address server;
  if (conf.resolver[0] && !net_address_parse(conf.resolver, 53, &server))
    FAIL(ERR_CONFIG, "acme.resolver takes an address, or an address and a port, not '%s'",
         conf.resolver);
  if (conf.enabled && dns_check(conf.resolver) != OK)
    log_warn("acme",
             "names can't be looked up, so that no validation of a name succeeds: %s. Set "
             "acme.resolver, or mend /etc/resolv.conf and restart.",
             err_last()->why);
  return acme_ready(h->acme, &conf);
}
