#include "client/token.h"

#include "base/clock.h"
#include "client/credential.h"
#include "client/retry.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#define LIFETIME_MAX_S 86400u
#define RENEW_EARLY_S 300u /* or half of the lifetime, if that is less */
#define ASIDE_MS 5000u     /* for a renewal while the old one is good */
#define RETRY_S 30u        /* after a renewal that failed, while the old one is good */

struct token_keeper {
  const struct settings *settings;
  struct pool *authority;
  struct tls *tls;
  pthread_mutex_t lock;
  pthread_cond_t over; /* an attempt to get one */
  /* Below the lock. */
  struct secret text; /* empty: none */
  uint64_t number, renew_us, expires_us;
  bool renewing;
  uint64_t attempts;       /* that are over */
  unsigned tried_ms;       /* the budget of the last one */
  struct err_last failure; /* of the last one that failed */
};

err_t token_keeper_new(const struct settings *s, struct pool *authority, struct tls *tls,
                       struct token_keeper **out) {
  struct token_keeper *k = mem_zalloc(sizeof *k);
  if (!k)
    return ERR_NOMEM;
  pthread_mutex_init(&k->lock, NULL);
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&k->over, &attr);
  pthread_condattr_destroy(&attr);
  k->settings = s;
  k->authority = authority;
  k->tls = tls;
  *out = k;
  return OK;
}

void token_keeper_free(struct token_keeper *k) {
  secret_free(&k->text);
  pthread_cond_destroy(&k->over);
  pthread_mutex_destroy(&k->lock);
  mem_free(k);
}

/* --- getting one --- */

static void token_cleanup(struct token *t) {
  secret_free(&t->text);
}
#define AUTO_TOKEN __attribute__((cleanup(token_cleanup))) struct token

static err_t try_once(struct token_keeper *k, const struct credential *how, unsigned timeout_ms,
                      struct token *out, struct answer_hint *hint) {
  struct credential_call call = { .settings = k->settings,
                                  .tls = k->tls,
                                  .timeout_ms = timeout_ms };
  if (how->local)
    return how->get(&call, out, hint);
  TRY(pool_take(k->authority, &call.authority));
  http_client_set_timeout(call.authority, timeout_ms);
  err_t e = how->get(&call, out, hint);
  pool_give(k->authority, call.authority);
  return e;
}

/* Whatever a token service does not do, it is not the vault that says no. */
static err_t told(err_t e) {
  if (e != ERR_NOT_FOUND && e != ERR_FORBIDDEN && e != ERR_BAD_PARAMETER && e != ERR_CONFLICT)
    return e;
  return answer_retell(ERR_UNAUTHORIZED, "No token for this client: %s", err_text(e));
}

static err_t get(struct token_keeper *k, const struct client_patience *p, struct token *out) {
  const struct credential *how;
  struct retry r;
  TRY(credential_find(k->settings, &how));
  retry_begin(&r, p);
  for (;;) {
    struct answer_hint hint = { 0 };
    err_t e = try_once(k, how, retry_timeout_ms(&r), out, &hint);
    if (e == OK && !out->text.size)
      FAIL(ERR_INTERNAL, "the token service's answer holds an empty token");
    if ((e != ERR_AWAY && e != ERR_BUSY) || !retry_again(&r, hint.retry_after))
      return told(e);
  }
}

/* --- keeping it --- */

static void take_over(struct token_keeper *k, struct token *t, uint64_t began_us) {
  uint64_t life = t->lifetime_s < LIFETIME_MAX_S ? t->lifetime_s : LIFETIME_MAX_S;
  uint64_t early = life / 2 < RENEW_EARLY_S ? life / 2 : RENEW_EARLY_S;
  secret_free(&k->text);
  k->text = secret_take(&t->text);
  k->number++;
  k->expires_us = began_us + life * 1000000;
  k->renew_us = k->expires_us - early * 1000000;
}

static bool is_good(const struct token_keeper *k, uint64_t now) {
  return k->text.size && now < k->expires_us;
}

static void keep_failure(struct token_keeper *k, err_t e) {
  if (err_last()->code != e) /* said without words */
    (void)err_fail(e, __FILE__, __LINE__, "no token");
  k->failure = *err_last();
  k->renew_us = clock_age_us() + RETRY_S * 1000000u;
}

/* Called and left with the lock held, which is given up while the token is asked for. Who has a
 * token that is good is not kept from using it for long. */
static void renew(struct token_keeper *k, const struct client_patience *p) {
  const struct client_patience aside = { 1, 0,
                                         p->timeout_ms < ASIDE_MS ? p->timeout_ms : ASIDE_MS };
  AUTO_TOKEN t = { 0 };
  uint64_t began = clock_age_us();
  p = is_good(k, began) ? &aside : p;
  k->renewing = true;
  pthread_mutex_unlock(&k->lock);
  err_t e = get(k, p, &t);
  pthread_mutex_lock(&k->lock);
  k->renewing = false;
  k->attempts++;
  k->tried_ms = p->budget_ms;
  if (e == OK)
    take_over(k, &t, began);
  else
    keep_failure(k, e);
  pthread_cond_broadcast(&k->over);
}

/* For another thread's attempt, at most as long as an own one would take. */
static err_t wait_over(struct token_keeper *k, const struct client_patience *p) {
  uint64_t attempt = k->attempts, ms = (uint64_t)p->budget_ms + p->timeout_ms;
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += (time_t)(ms / 1000) + 1;
  while (k->attempts == attempt)
    if (pthread_cond_timedwait(&k->over, &k->lock, &until) == ETIMEDOUT)
      REFUSE(ERR_AWAY, "No answer: the token service is slow");
  return OK;
}

/* Whether an own attempt may get what somebody's shorter one did not. */
static bool may_do_better(const struct token_keeper *k, const struct client_patience *p) {
  return (k->failure.code == ERR_AWAY || k->failure.code == ERR_BUSY) && p->budget_ms > k->tried_ms;
}

/* A token that is good, with the lock held throughout but while waiting. */
static err_t have_good(struct token_keeper *k, const struct client_patience *p, bool *fresh) {
  for (;;) {
    uint64_t now = clock_age_us(), number = k->number;
    bool good = is_good(k, now), mine = !k->renewing;
    if (good && (k->renewing || now < k->renew_us))
      return OK;
    if (mine)
      renew(k, p);
    else
      TRY(wait_over(k, p));
    *fresh = k->number != number;
    if (k->text.size && (*fresh || is_good(k, clock_age_us())))
      return OK;
    if (!*fresh && (mine || !may_do_better(k, p))) {
      err_restore(&k->failure);
      return k->failure.code;
    }
  }
}

static void put(const struct secret *text, struct buf *headers) {
  buf_put_str(headers, "Authorization: Bearer ");
  buf_put_bytes(headers, secret_bytes(text));
  buf_put_str(headers, "\r\n");
}

err_t token_put(struct token_keeper *k, const struct client_patience *p, struct buf *headers,
                struct token_use *use) {
  *use = (struct token_use){ 0 };
  pthread_mutex_lock(&k->lock);
  err_t e = have_good(k, p, &use->fresh);
  if (e == OK) {
    put(&k->text, headers);
    use->number = k->number;
  }
  pthread_mutex_unlock(&k->lock);
  return e;
}

void token_reject(struct token_keeper *k, const struct token_use *use) {
  pthread_mutex_lock(&k->lock);
  if (k->number == use->number)
    secret_free(&k->text);
  pthread_mutex_unlock(&k->lock);
}

err_t token_copy(struct token_keeper *k, const struct client_patience *p, struct secret *out) {
  bool fresh;
  pthread_mutex_lock(&k->lock);
  err_t e = have_good(k, p, &fresh);
  if (e == OK)
    e = secret_copy(secret_bytes(&k->text), out);
  pthread_mutex_unlock(&k->lock);
  return e;
}
