/* What happens by time: rotations and purges that are due, and the renewal of the server's
 * certificate. */
#include "base/clock.h"
#include "base/log.h"
#include "vault/hub_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PERIOD_MS 30000
enum { WAKE = 'w', STOP = 'q' }; /* bytes of the pipe */

/* Each is on the disk before the next one begins: nothing is done that can't be recorded. */
err_t hub_record_due(struct hub *h, const char *host, const char *operation, const char *object,
                     err_t e) {
  uint64_t ticket;
  struct audit_event event = { .time_us = clock_now_us(),
                               .operation = operation,
                               .status = err_info(e)->status,
                               .code = e == OK ? "" : err_info(e)->code,
                               .object = bytes_str(object),
                               .host = bytes_str(host),
                               .app_id = "",
                               .oid = "",
                               .peer = "",
                               .request_id = "" };
  if (e != OK)
    log_err("scheduler", e, operation);
  TRY(audit_append(h->audit, &event, &ticket));
  return audit_wait(h->audit, ticket);
}

static err_t record_renewal(struct hub *h, unsigned number) {
  char object[64];
  uint64_t ticket;
  snprintf(object, sizeof object, "hub/ca/authorities/%u", number);
  struct audit_event event = { .time_us = clock_now_us(),
                               .operation = "CaRenew",
                               .status = 200,
                               .code = "",
                               .object = bytes_str(object),
                               .host = bytes_str(h->url + strlen("https://")),
                               .app_id = "",
                               .oid = "",
                               .peer = "",
                               .request_id = "" };
  TRY(audit_append(h->audit, &event, &ticket));
  return audit_wait(h->audit, ticket);
}

/* Certificates live by real time, whatever a test does to the clock. */
static void keep_authority(struct hub *h) {
  unsigned renewed = 0;
  err_t e = ca_carry_out_due(h->ca, clock_real(), &renewed);
  if (renewed) {
    err_t recorded = record_renewal(h, renewed);
    if (e == OK)
      e = recorded;
  }
  if (e != OK)
    log_err("scheduler", e, "keeping the authority up to date");
}

static void renew_certificate(struct hub *h) {
  AUTO(tls) struct tls *tls = NULL;
  if (!hub_tls_due(h))
    return;
  err_t e = hub_tls(h, &tls);
  if (e == OK)
    http_server_reload(h->server, tls);
  else
    log_err("scheduler", e, "renewing the server's certificate");
}

static void tidy_acme(struct hub *h) {
  err_t e = acme_carry_out_due(h->acme);
  if (e != OK)
    log_err("scheduler", e, "forgetting finished ACME orders");
}

static void mark_audit(struct hub *h) {
  err_t e = hub_mark_audit(h);
  if (e != OK)
    log_err("scheduler", e, "marking how far the audit log has come");
}

/* Waits for the next period, or until it is woken. */
static bool told_to_stop(struct hub *h) {
  struct pollfd p = { .fd = h->wake[0], .events = POLLIN };
  char byte = WAKE;
  int n = poll(&p, 1, PERIOD_MS);
  if (n > 0 && read(h->wake[0], &byte, 1) != 1)
    return true;
  return n < 0 || byte == STOP;
}

static void *run(void *ctx) {
  struct hub *h = ctx;
  do {
    err_t e = audit_check(h->audit);
    if (e == OK)
      e = hub_vaults_due(h);
    if (e != OK)
      log_err("scheduler", e, "carrying out what is due");
    keep_authority(h);
    renew_certificate(h);
    tidy_acme(h);
    mark_audit(h);
  } while (!told_to_stop(h));
  mark_audit(h);
  return NULL;
}

err_t hub_scheduler_start(struct hub *h) {
  if (pipe2(h->wake, O_CLOEXEC) != 0 || pthread_create(&h->scheduler, NULL, run, h) != 0)
    FAIL(ERR_NOMEM, "cannot start the scheduler");
  h->scheduling = true;
  return OK;
}

static void tell(struct hub *h, char what) {
  ssize_t w = write(h->wake[1], &what, 1);
  (void)w; /* there is room: what wakes it is rare */
}

/* Before it runs there is no need to: it begins with a look at what is due. */
void hub_scheduler_wake(void *hub) {
  struct hub *h = hub;
  if (h->scheduling)
    tell(h, WAKE);
}

void hub_scheduler_stop(struct hub *h) {
  if (!h->scheduling)
    return;
  tell(h, STOP);
  pthread_join(h->scheduler, NULL);
  close(h->wake[0]);
  close(h->wake[1]);
  h->scheduling = false;
}
