/* strongroom cert issue NAME: writes a certificate's files, and keeps them fresh. */
#include "base/write.h"
#include "cli/cert/hook.h"
#include "cli/cert/keep.h"
#include "cli/cert/policy_write.h"
#include "cli/verbs.h"

#include <stdio.h>

static err_t print(const struct keeper *k, bool changed) {
  char until[WHEN_SIZE];
  when_format(k->not_after, until);
  if (!args_flag(k->enrolment.a, "json")) {
    out_field_str("Name", k->enrolment.name);
    out_field_str("Version", k->version);
    out_field_str("Expires", until);
    out_field_str("Directory", k->dir->path);
    out_field_str("Files", changed ? "written" : "as they were");
    return OK;
  }
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_str(&b, "name", k->enrolment.name);
  write_str(&b, "version", k->version);
  write_i64(&b, "expires", k->not_after);
  write_str(&b, "directory", k->dir->path);
  write_bool(&b, "changed", changed);
  write_close(&b, '}');
  TRY(buf_ok(&b));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
  return OK;
}

/* What one look ends with, where there is no second. */
static err_t outcome(const struct keeper *k) {
  const struct trouble *t = k->renewing.code != OK ? &k->renewing : &k->telling;
  if (t->code != OK)
    FAIL(t->code, "%s", t->text);
  return OK;
}

/* A vault that can't be reached now may be reached later; what else is wrong stays wrong. */
static bool passes(err_t e) {
  return e == ERR_AWAY || e == ERR_BUSY || e == ERR_SEALED;
}

static err_t begin(struct keeper *k, bool renew) {
  bool changed = false;
  err_t e = keep_look(k, &changed);
  if (renew && passes(e)) {
    trouble_note(k, &k->asking, e);
    return OK;
  }
  TRY(e);
  return print(k, changed);
}

static err_t read_options(const struct args *a, struct keeper *k) {
  bool renew = args_flag(a, "renew");
  if (args_flag(a, "interval") && !renew)
    FAIL(ERR_USAGE, "--interval is for --renew");
  TRY(args_uint(a, "interval", 1, 86400, &k->interval));
  k->hook = args_value(a, "hook");
  if (k->hook)
    TRY(hook_check(k->hook));
  if (!args_flag(a, "out"))
    FAIL(ERR_USAGE, "--out DIR is missing: where the files go");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_CERT_DIR dir = CERT_DIR_CLOSED;
  struct keeper k __attribute__((cleanup(keeper_hang_up))) = { 0 };
  bool renew = args_flag(a, "renew");
  k.enrolment.a = a;
  k.enrolment.name = args_word(a, 0);
  TRY(read_options(a, &k));
  TRY(ask_open(a, &k.enrolment.client));
  TRY(cert_dir_open(args_value(a, "out"), &dir));
  k.dir = &dir;
  if (renew)
    keep_catch_signals(&k);
  TRY(begin(&k, renew));
  if (!renew)
    return outcome(&k);
  fflush(stdout);
  keep_on(&k);
}

static const struct opt options[] = {
  { "out", OPT_VALUE, "DIR", NULL, "where the files are; made if it is not there" },
  { "renew", OPT_FLAG, NULL, NULL, "go on: keep the files fresh until stopped" },
  { "hook", OPT_VALUE, "FILE", NULL, "a program to run when the files have changed" },
  { "interval", OPT_VALUE, "SECONDS", NULL, "between two looks (default: 1/20 of the lifetime)" },
  POLICY_OPTIONS,
  OPT_END,
};

const struct verb verb_cert_issue = {
  .noun = "cert",
  .name = "issue",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Enrol for a certificate, write its files and keep them fresh",
  .details =
    "A certificate that is not there yet is made as the options say: else with the issuer Hub,\n"
    "a new P-256 key for each version, for serverAuth (with --uri for clientAuth, too). DIR has\n"
    "cert.pem, chain.pem, fullchain.pem, ca.pem and key.pem (mode 0600), as links through\n"
    "DIR/live to the files of one version, which changes at once: certificate and key match at\n"
    "any time. One look writes what is new. With --renew it looks again and again, and asks for\n"
    "a new version where the vault did not renew in time; SIGHUP makes it look at once, SIGTERM\n"
    "ends it. The hook is run without a shell or arguments, with STRONGROOM_CERT_DIR and\n"
    "STRONGROOM_CERT_NAME set, and again with the next look until it ends with 0.",
  .options = options,
  .examples =
    "strongroom cert issue web --out /etc/web/tls --dns web.corp.example\n"
    "strongroom cert issue web --out /etc/web/tls --renew --hook /usr/local/bin/reload-web\n"
    "strongroom cert issue node1 --out tls --uri spiffe://corp.example/node1 --ip 10.0.0.1",
  .run = run,
};
