/*
 * The thread, and what others ask of it. Two things are looked after, each with a time of its own:
 * the certificate and the revocation lists. Pauses are counted in time that nobody sets
 * (clock_age_us()); what is due is decided by the clock.
 */
#include "transit/enrol.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "client/retry.h"
#include "transit/enrol_internal.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define SECOND UINT64_C(1000000) /* microseconds */
#define LOOK_US (60 * SECOND)    /* the clock may have jumped */
#define PACE_US (5 * SECOND)     /* between two certificates, whatever they say of their times */
#define GAP_US (SECOND / 4)      /* between two looks that are asked for */
#define RETRY_US (900 * SECOND)  /* longer than any pause after a failure */
#define LISTS_S 300
#define TIMEOUT_MS 5000 /* of a request: enrol_free() waits for it */

/* Something that is asked for again and again. */
struct chore {
  const char *what;
  uint64_t pause_us, retry_us; /* after success; at most, after a failure */
  uint64_t next_us;            /* not before */
  uint64_t failures;           /* in a row */
  enum due_stage told;
  char trouble[256];
};

struct enrol {
  struct client *client;
  struct wanted wanted;
  int dir;
  pthread_t thread;
  bool started;
  void (*changed)(void *ctx, struct enrolled *now);
  void *ctx;
  _Atomic bool stop;
  pthread_mutex_t lock; /* of the next four */
  pthread_cond_t wake;
  bool look;
  struct enrolled *current;
  struct enrol_status status;
  /* The thread's, and enrol_new()'s before there is one. */
  struct held id;
  int64_t begin, renew_at; /* begin: what its life is counted from */
  uint64_t renewals;
  struct lists lists;
  bool revoked, unsaved, unshown;
  struct chore renewing, listing;
};

static inline void unlock(pthread_mutex_t **m) {
  pthread_mutex_unlock(*m);
}
/* Until the end of the scope. */
#define LOCKED(e) \
  __attribute__((cleanup(unlock), unused)) pthread_mutex_t *locked_ = &(e)->lock; \
  pthread_mutex_lock(locked_)

static uint16_t chance(void) {
  uint16_t random = 0;
  IGNORE(crypto_random(&random, sizeof random));
  return random;
}

/* To ask the hub with. */
static struct enrol_asking asking(struct enrol *e, unsigned timeout_ms) {
  LOCKED(e);
  e->status.asked_at = clock_now();
  return (struct enrol_asking){ e->client, timeout_ms, &e->stop };
}

/* --- what is in use --- */

static void adopt(struct enrol *e, struct held *id, int64_t begin) {
  held_move(id, &e->id);
  e->begin = begin;
  e->renew_at = due_renewal(begin, e->id.not_after, chance());
  e->revoked = false;
  e->unshown = true;
}

static void log_issued(const struct enrol *e) {
  char until[28], renewal[28];
  clock_format(e->id.not_after * 1000000, until);
  clock_format(e->renew_at * 1000000, renewal);
  log_info("enrol", "a certificate was issued, good until %s; the next one is due at %s", until,
           renewal);
}

/* The life of one that was issued now: it says that it began a little earlier. */
static err_t get_certificate(struct enrol *e, unsigned timeout_ms) {
  const struct enrol_asking ask = asking(e, timeout_ms);
  AUTO_HELD id = { 0 };
  TRY(held_ask(&ask, &e->wanted, &id));
  int64_t begin = held_when(clock_now(), id.not_before);
  adopt(e, &id, begin);
  e->unsaved = true;
  log_issued(e);
  return OK;
}

static err_t save(struct enrol *e) {
  if (e->unsaved)
    TRY(enrol_state_save(&e->wanted, &e->id));
  e->unsaved = false;
  return OK;
}

static err_t get_lists(struct enrol *e, unsigned timeout_ms) {
  const struct enrol_asking ask = asking(e, timeout_ms);
  bool changed = false, was_revoked = e->revoked;
  err_t result = lists_ask(&ask, e->wanted.state, &e->id, &e->lists, &changed);
  struct err_last why = *err_last();
  e->unshown |= changed;
  e->revoked = lists_revoke(&e->lists, &e->id);
  if (e->revoked && !was_revoked)
    log_warn("enrol", "the certificate in use was revoked: a new one is asked for");
  if (result != OK)
    err_restore(&why);
  return result;
}

static err_t show(struct enrol *e) {
  AUTO(enrolled) struct enrolled *now = NULL, *old = NULL;
  if (!e->unshown)
    return OK;
  TRY(enrolled_new(&e->id, &e->lists, &now));
  {
    LOCKED(e);
    old = e->current;
    e->current = enrolled_ref(now);
    e->status.not_after = now->not_after;
    e->status.renew_at = e->renew_at;
    e->status.lists_until = now->lists_until;
    e->status.renewals = e->renewals;
  }
  e->unshown = false;
  if (old && e->changed)
    e->changed(e->ctx, now);
  return OK;
}

/* --- the thread --- */

static void chore_rest(struct chore *c) {
  c->failures = 0;
  c->told = DUE_FINE;
  c->trouble[0] = '\0';
}

/* False when it was done. */
static bool chore_failed(struct chore *c, err_t result) {
  uint64_t pause = c->pause_us;
  if (result == ERR_INTERRUPTED)
    return false;
  if (result == OK) {
    if (c->told != DUE_FINE)
      log_info("enrol", "%s: all is well again", c->what);
    chore_rest(c);
  } else {
    snprintf(c->trouble, sizeof c->trouble, "%s", err_reason(result));
    pause = due_retry_us(++c->failures, chance());
    pause = pause < c->retry_us ? pause : c->retry_us;
  }
  c->next_us = clock_age_us() + pause;
  return result != OK;
}

static bool renewal_due(const struct enrol *e) {
  return e->revoked || clock_now() >= e->renew_at;
}

static err_t renew(struct enrol *e) {
  TRY(get_certificate(e, TIMEOUT_MS));
  e->listing.next_us = 0; /* its authority may be another one */
  e->renewals++;
  return save(e);
}

static enum due_stage certificate_stage(const struct enrol *e) {
  return e->revoked ? DUE_REVOKED : due_stage(e->begin, e->id.not_after, clock_now());
}

static void keep_certificate(struct enrol *e, bool forced) {
  struct chore *c = &e->renewing;
  bool due = renewal_due(e);
  if (!due && !e->unsaved) {
    chore_rest(c);
    return;
  }
  if (!forced && clock_age_us() < c->next_us)
    return;
  if (chore_failed(c, due ? renew(e) : save(e)))
    due_tell(&c->told, certificate_stage(e), c->what, e->id.not_after, c->trouble);
}

static void keep_lists(struct enrol *e, bool forced) {
  struct chore *c = &e->listing;
  if (!e->wanted.lists || (!forced && clock_age_us() < c->next_us))
    return;
  bool failed = chore_failed(c, get_lists(e, TIMEOUT_MS));
  int64_t until = e->current->lists_until;
  if (failed)
    due_tell(&c->told, clock_now() >= until ? DUE_OVER : DUE_FAILED, c->what, until, c->trouble);
}

static void report(struct enrol *e) {
  const struct chore *worse =
    e->renewing.failures >= e->listing.failures ? &e->renewing : &e->listing;
  LOCKED(e);
  e->status.failures = worse->failures;
  memcpy(e->status.trouble, worse->trouble, sizeof e->status.trouble);
}

static void look(struct enrol *e, bool forced) {
  keep_certificate(e, forced);
  keep_lists(e, forced);
  err_t shown = show(e);
  if (shown != OK)
    log_err("enrol", shown, "taking a new certificate into use");
  report(e);
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t wait_us(const struct enrol *e) {
  uint64_t age = clock_age_us(), wait = LOOK_US;
  int64_t left = e->renew_at - clock_now();
  if (renewal_due(e) || e->unsaved)
    wait = least(wait, e->renewing.next_us > age ? e->renewing.next_us - age : 0);
  else if (left < 60)
    wait = (uint64_t)left * SECOND;
  if (e->wanted.lists)
    wait = least(wait, e->listing.next_us > age ? e->listing.next_us - age : 0);
  return wait;
}

/* *forced: somebody asked for a look; who asks again and again gets one each GAP_US. */
static bool rest(struct enrol *e, bool *forced) {
  uint64_t now = clock_mono_us(), until = now + wait_us(e), gap = now + GAP_US;
  LOCKED(e);
  for (;;) {
    uint64_t at = e->look ? least(gap, until) : until;
    if (atomic_load(&e->stop) || clock_mono_us() >= at)
      break;
    const struct timespec t = { (time_t)(at / SECOND), (long)(at % SECOND * 1000) };
    pthread_cond_timedwait(&e->wake, &e->lock, &t);
  }
  *forced = e->look;
  e->look = false;
  return !atomic_load(&e->stop);
}

static void *run(void *ctx) {
  struct enrol *e = ctx;
  bool forced = false;
  do
    look(e, forced);
  while (rest(e, &forced));
  return NULL;
}

/* --- the beginning --- */

static err_t ask_for_lists(struct enrol *e, unsigned timeout_ms) {
  if (!e->wanted.lists || lists_serve(&e->lists, &e->id))
    return OK;
  err_t result = get_lists(e, timeout_ms);
  if (result == OK)
    e->listing.next_us = clock_age_us() + e->listing.pause_us;
  if (lists_serve(&e->lists, &e->id))
    return OK;
  TRY(result);
  FAIL(ERR_INTERNAL, "the hub has no revocation list of the authority that issued the certificate");
}

static err_t ask_once(struct enrol *e, unsigned timeout_ms) {
  if (!e->id.key) {
    TRY(enrol_state_try(e->wanted.state));
    TRY(get_certificate(e, timeout_ms));
  }
  TRY(save(e));
  return ask_for_lists(e, timeout_ms);
}

/* Before each attempt, which may take its time: what is waited for, and from where. */
static void tell_wait(struct enrol *e, const struct retry *r, unsigned wait_ms) {
  bool lacks = !e->id.key;
  if (r->tried == 0 && (lacks || (e->wanted.lists && !lists_serve(&e->lists, &e->id))))
    log_info("enrol", "asking the hub (%s) for %s", client_url(e->client),
             lacks ? "a certificate" : "revocation lists");
  else if (r->tried == 1)
    log_warn("enrol", "waiting for the hub, %u s at most: %s", wait_ms / 1000,
             err_reason(err_last()->code));
}

static err_t ask_for_what_lacks(struct enrol *e, unsigned wait_ms) {
  const struct client_patience patience = { UINT_MAX, wait_ms, TIMEOUT_MS };
  struct retry r;
  PROCESS_STOPPABLE;
  retry_begin(&r, &patience);
  for (;;) {
    tell_wait(e, &r, wait_ms);
    err_t result = ask_once(e, retry_timeout_ms(&r));
    bool may_pass = result == ERR_AWAY || result == ERR_BUSY || result == ERR_SEALED;
    if (!may_pass || !retry_again(&r, 0))
      return result;
  }
}

static err_t load(struct enrol *e) {
  AUTO_BUF anchors = BUF_EMPTY;
  AUTO_HELD id = { 0 };
  TRY(enrol_read_anchors(e->client, &anchors));
  err_t result = enrol_state_load(&e->wanted, buf_bytes(&anchors), clock_now(), &id);
  if (result == ERR_CONFIG)
    log_warn("enrol", "the certificate in %s is not used, a new one is asked for: %s",
             e->wanted.state, err_reason(result));
  if (result == ERR_CONFIG || result == ERR_NOT_FOUND)
    return OK;
  TRY(result);
  int64_t begin = id.not_before;
  adopt(e, &id, begin);
  if (e->wanted.lists) {
    lists_load(e->wanted.state, &e->id, clock_now(), &e->lists);
    e->revoked = lists_revoke(&e->lists, &e->id);
  }
  return OK;
}

static err_t set_up(struct enrol *e, const struct enrol_options *o) {
  pthread_condattr_t attr;
  uint64_t lists_us = (o->list_s ? o->list_s : LISTS_S) * SECOND;
  e->renewing =
    (struct chore){ .what = "the certificate", .pause_us = PACE_US, .retry_us = RETRY_US };
  e->listing =
    (struct chore){ .what = "a revocation list", .pause_us = lists_us, .retry_us = lists_us };
  pthread_mutex_init(&e->lock, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&e->wake, &attr);
  pthread_condattr_destroy(&attr);
  TRY(wanted_copy(o, &e->wanted));
  return enrol_state_open(e->wanted.state, &e->dir);
}

err_t enrol_new(struct client *c, const struct enrol_options *o, unsigned wait_ms,
                struct enrol **out) {
  AUTO(enrol) struct enrol *e = mem_zalloc(sizeof *e);
  if (!e)
    return ERR_NOMEM;
  e->client = c;
  e->dir = -1;
  TRY(set_up(e, o));
  TRY(load(e));
  TRY(ask_for_what_lacks(e, wait_ms));
  TRY(show(e));
  *out = TAKE(e);
  return OK;
}

/* Signals are for the other threads. */
err_t enrol_start(struct enrol *e, void (*changed)(void *ctx, struct enrolled *now), void *ctx) {
  sigset_t all, before;
  e->changed = changed;
  e->ctx = ctx;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&e->thread, NULL, run, e);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0)
    FAIL(ERR_NOMEM, "cannot start the thread that keeps the certificate: %s", strerror(error));
  e->started = true;
  return OK;
}

/* --- others --- */

void enrol_free(struct enrol *e) {
  if (!e)
    return;
  if (e->started) {
    pthread_mutex_lock(&e->lock);
    atomic_store(&e->stop, true);
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    pthread_join(e->thread, NULL);
  }
  enrolled_free(e->current);
  held_free(&e->id);
  lists_free(&e->lists);
  wanted_free(&e->wanted);
  file_close(&e->dir);
  pthread_cond_destroy(&e->wake);
  pthread_mutex_destroy(&e->lock);
  mem_free(e);
}

struct enrolled *enrol_current(struct enrol *e) {
  LOCKED(e);
  return enrolled_ref(e->current);
}

void enrol_look_now(struct enrol *e) {
  LOCKED(e);
  e->look = true;
  pthread_cond_signal(&e->wake);
}

void enrol_status(struct enrol *e, struct enrol_status *out) {
  LOCKED(e);
  *out = e->status;
}
