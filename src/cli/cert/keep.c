#include "cli/cert/keep.h"

#include "base/clock.h"
#include "cli/cert/hook.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define PART_OF_LIFE 20
#define LEAST_SECONDS 30
#define MOST_SECONDS 3600
#define FIRST_RETRY_SECONDS 5

void trouble_note(const struct keeper *k, struct trouble *t, err_t e) {
  char text[sizeof t->text];
  snprintf(text, sizeof text, "%s", e == OK ? "" : out_error_text(e));
  t->code = e;
  if (strcmp(t->text, text) == 0)
    return;
  memcpy(t->text, text, sizeof text);
  if (k->goes_on)
    out_note("cert issue: %s: %s", k->enrolment.name, e == OK ? "all is well again" : text);
}

/* --- signals --- */

static void end(int number) {
  (void)number;
  _exit(0);
}

static void look_now(int number) {
  (void)number; /* it ends the pause */
}

static sigset_t ending(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void keep_catch_signals(struct keeper *k) {
  struct sigaction ends = { .sa_handler = end }, wakes = { .sa_handler = look_now };
  sigset_t set = ending();
  k->goes_on = true;
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  sigaction(SIGTERM, &ends, NULL);
  sigaction(SIGINT, &ends, NULL);
  sigaction(SIGHUP, &wakes, NULL);
}

/* --- one look --- */

void keeper_hang_up(struct keeper *k) {
  if (k->enrolment.client)
    client_free(TAKE(k->enrolment.client));
}

static err_t read_times(struct keeper *k, json_t *bundle) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_der(bundle, &der));
  TRY(cert_read(buf_bytes(&der), &info));
  k->not_before = info.is.not_before;
  k->not_after = info.is.not_after;
  return cert_version_of(bundle, k->version);
}

/* Whatever asks the vault. The set stays empty if what is live is what the vault has. */
static err_t look(struct keeper *k, struct cert_set *set) {
  AUTO_ANSWER bundle = { 0 };
  if (!k->enrolment.client)
    TRY(ask_open(k->enrolment.a, &k->enrolment.client));
  TRY(enrolment_current(&k->enrolment, &bundle));
  trouble_note(k, &k->renewing, enrolment_renew(&k->enrolment, &bundle));
  TRY(read_times(k, bundle.body));
  if (cert_dir_has(k->dir, k->version))
    return OK;
  return cert_fetch(k->enrolment.client, k->enrolment.name, bundle.body, set);
}

static err_t tell(struct keeper *k) {
  if (!k->hook || cert_dir_told(k->dir))
    return OK;
  TRY(hook_run(k->hook, k->dir->path, k->enrolment.name));
  return cert_dir_mark_told(k->dir);
}

err_t keep_look(struct keeper *k, bool *changed) {
  AUTO_CERT_SET set = { 0 };
  sigset_t ends = ending();
  if (k->goes_on)
    sigprocmask(SIG_UNBLOCK, &ends, NULL);
  err_t e = look(k, &set);
  if (k->goes_on)
    sigprocmask(SIG_BLOCK, &ends, NULL);
  TRY(e);
  *changed = *set.version;
  if (*changed)
    TRY(cert_dir_put(k->dir, &set));
  trouble_note(k, &k->telling, tell(k));
  return OK;
}

/* --- and on --- */

static uint64_t usual_pause(const struct keeper *k) {
  int64_t pause = (k->not_after - k->not_before) / PART_OF_LIFE;
  if (k->interval)
    return k->interval;
  return pause < LEAST_SECONDS  ? LEAST_SECONDS
         : pause > MOST_SECONDS ? MOST_SECONDS
                                : (uint64_t)pause;
}

/* Milliseconds, a tenth more or less: many that were started together do not ask together. */
static int pause_ms(const struct keeper *k, unsigned failures) {
  uint64_t seconds = usual_pause(k), retry = FIRST_RETRY_SECONDS;
  uint16_t random = 0;
  for (unsigned i = 1; i < failures && retry < seconds; i++)
    retry *= 2;
  if (failures && retry < seconds)
    seconds = retry;
  IGNORE(crypto_random(&random, sizeof random));
  return (int)(seconds * 900 + seconds * 200 * random / UINT16_MAX);
}

static void sleep_ms(int ms) {
  struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
  sigset_t none;
  sigemptyset(&none);
  (void)ppoll(NULL, 0, &t, &none);
}

static void note_change(const struct keeper *k) {
  char until[WHEN_SIZE];
  when_format(k->not_after, until);
  out_note("cert issue: %s: version %s, good until %s, is in %s", k->enrolment.name, k->version,
           until, k->dir->path);
}

void keep_on(struct keeper *k) {
  unsigned failures = 0;
  for (;;) {
    bool changed = false;
    sleep_ms(pause_ms(k, failures));
    err_t e = keep_look(k, &changed);
    trouble_note(k, &k->asking, e);
    failures = e == OK ? 0 : failures + 1;
    if (e != OK)
      keeper_hang_up(k);
    if (changed)
      note_change(k);
  }
}
