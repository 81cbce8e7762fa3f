/*
 * Validations on threads of their own: a bounded number at once, a bounded number that waits, both
 * bounded for each identity, too, so that nobody keeps the others waiting; each tried a few times.
 * A job is a copy of what it needs; what became of it is written to the order if that still waits
 * for it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "vault/acme/state.h"

#include <stdio.h>

#define THREADS 8
#define THREADS_EACH 3 /* of one identity, at once */
#define JOBS_EACH 128  /* of one identity, that wait */
#define TRIES 3
#define PAUSE_MS 2000

struct job {
  struct job *next;
  char order[GUID_SIZE + 1], oid[GUID_SIZE + 1];
  size_t index;
  enum challenge challenge;
  bool address;
  char name[ACME_NAME_SIZE + 1], token[ACME_TOKEN_SIZE + 1];
  char authorization[ACME_TOKEN_SIZE + 1 + 44];
};

/* Its lock is taken inside acme.lock, or alone. */
struct validators {
  struct acme *acme;
  pthread_t threads[THREADS];
  unsigned count;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  struct job *first, **last;
  const struct job *running[THREADS]; /* NULL: none */
  size_t waiting;
  bool stopping;
};

/* How many of an identity's jobs are being carried out. */
static unsigned running_of(const struct validators *v, const char *oid) {
  unsigned n = 0;
  for (unsigned i = 0; i < THREADS; i++)
    n += v->running[i] && strcmp(v->running[i]->oid, oid) == 0;
  return n;
}

/* Takes the first job off the queue whose identity has its share of threads not yet. */
static struct job *take_job(struct validators *v) {
  for (struct job **at = &v->first; *at; at = &(*at)->next) {
    struct job *j = *at;
    if (running_of(v, j->oid) >= THREADS_EACH)
      continue;
    *at = j->next;
    if (v->last == &j->next)
      v->last = at;
    v->waiting--;
    return j;
  }
  return NULL;
}

/* Puts one in the place of another among those that run. Under the lock. */
static void run_instead(struct validators *v, const struct job *was, const struct job *is) {
  for (unsigned i = 0; i < THREADS; i++)
    if (v->running[i] == was) {
      v->running[i] = is;
      return;
    }
}

/* Until there is a job; NULL: it is over. */
static struct job *next_job(struct validators *v) {
  struct job *j = NULL;
  pthread_mutex_lock(&v->lock);
  while (!v->stopping && !(j = take_job(v)))
    pthread_cond_wait(&v->wake, &v->lock);
  if (j)
    run_instead(v, NULL, j);
  pthread_mutex_unlock(&v->lock);
  return j;
}

static void end_job(struct validators *v, struct job *j) {
  pthread_mutex_lock(&v->lock);
  run_instead(v, j, NULL);
  pthread_cond_broadcast(&v->wake); /* one of its identity may be what the others wait for */
  pthread_mutex_unlock(&v->lock);
  mem_free(j);
}

/* False when it is over. */
static bool pause_between(struct validators *v) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += PAUSE_MS % 1000 * 1000000l;
  until.tv_sec += PAUSE_MS / 1000 + until.tv_nsec / 1000000000;
  until.tv_nsec %= 1000000000;
  pthread_mutex_lock(&v->lock);
  while (!v->stopping && pthread_cond_timedwait(&v->wake, &v->lock, &until) == 0)
    ;
  bool going = !v->stopping;
  pthread_mutex_unlock(&v->lock);
  return going;
}

/* The authorization that a job is for, if it still waits. Under the lock. */
static struct acme_authz *awaited(struct acme *a, const struct job *j, struct acme_order **order) {
  struct acme_order *o = guid_map_get(&a->orders, j->order);
  if (!o || o->state != ORDER_OPEN || j->index >= o->count)
    return NULL;
  struct acme_authz *z = &o->authzs[j->index];
  if (z->state != AUTHZ_PENDING || z->tried != j->challenge || strcmp(z->token, j->token) != 0)
    return NULL;
  *order = o;
  return z;
}

/* First in the audit log, then in the store, then to be seen. */
static err_t settle(struct acme *a, const struct job *j, bool good, const struct failure *why) {
  struct acme_order *o;
  char object[ACME_NAME_SIZE + 80];
  ACME_LOCKED(a);
  struct acme_authz *z = awaited(a, j, &o);
  if (!z)
    return OK;
  const struct acme_authz was = *z;
  snprintf(object, sizeof object, "acme/orders/%s?name=%s", o->id, j->name);
  err_t e = a->conf.record ? a->conf.record(a->conf.ctx, "AcmeValidate", object, j->oid,
                                            good ? OK : ERR_FORBIDDEN)
                           : OK;
  z->state = good ? AUTHZ_VALID : AUTHZ_INVALID;
  z->validated = clock_now();
  z->failure = *why;
  o->state = good ? ORDER_OPEN : ORDER_INVALID;
  if (e == OK)
    e = acme_commit_order(a, o);
  if (e != OK) { /* as if the client had not asked yet: it may ask again */
    *z = was;
    z->tried = CHALLENGE_NONE;
    o->state = ORDER_OPEN;
    return e;
  }
  if (good)
    return OK;
  acme_count_failure(a, o->account, z->name);
  acme_not_open(a, o);
  return OK;
}

/* Is it still to be known, and whoever asked somebody? */
static bool wanted(struct acme *a, const struct job *j) {
  struct acme_order *o;
  ACME_LOCKED(a);
  if (!awaited(a, j, &o))
    return false;
  const struct acme_account *account = guid_map_get(&a->accounts, o->account);
  return account && acme_account_works(a, account);
}

static void carry_out(struct validators *v, const struct job *j) {
  const struct probe p = { .conf = &v->acme->conf,
                           .challenge = j->challenge,
                           .name = j->name,
                           .address = j->address,
                           .token = j->token,
                           .authorization = j->authorization };
  struct failure why;
  if (!wanted(v->acme, j))
    return;
  bool good = acme_probe(&p, &why) == OK;
  for (unsigned i = 1; !good && i < TRIES; i++) {
    if (!pause_between(v) || !wanted(v->acme, j))
      return; /* the next start takes it up again */
    good = acme_probe(&p, &why) == OK;
  }
  err_t e = settle(v->acme, j, good, &why);
  if (e != OK)
    log_err("acme", e, "keeping the result of a validation");
}

static void *run(void *ctx) {
  struct validators *v = ctx;
  for (struct job *j; (j = next_job(v));) {
    carry_out(v, j);
    end_job(v, j);
  }
  return NULL;
}

err_t acme_validators_start(struct acme *a) {
  struct validators *v = mem_zalloc(sizeof *v);
  pthread_condattr_t attr;
  if (!v)
    return ERR_NOMEM;
  v->acme = a;
  v->last = &v->first;
  pthread_mutex_init(&v->lock, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&v->wake, &attr);
  pthread_condattr_destroy(&attr);
  a->validators = v;
  for (; v->count < THREADS; v->count++)
    if (pthread_create(&v->threads[v->count], NULL, run, v) != 0)
      FAIL(ERR_NOMEM, "cannot start a thread for validations");
  return OK;
}

void acme_validators_stop(struct acme *a) {
  struct validators *v = a->validators;
  if (!v)
    return;
  pthread_mutex_lock(&v->lock);
  v->stopping = true;
  pthread_cond_broadcast(&v->wake);
  pthread_mutex_unlock(&v->lock);
  for (unsigned i = 0; i < v->count; i++)
    pthread_join(v->threads[i], NULL);
  for (struct job *j = v->first, *next; j; j = next) {
    next = j->next;
    mem_free(j);
  }
  pthread_cond_destroy(&v->wake);
  pthread_mutex_destroy(&v->lock);
  mem_free(TAKE(a->validators));
}

bool acme_validators_full(const struct acme *a, const char *oid) {
  struct validators *v = a->validators;
  size_t theirs = 0;
  if (!v)
    return true;
  pthread_mutex_lock(&v->lock);
  for (const struct job *j = v->first; j; j = j->next)
    theirs += strcmp(j->oid, oid) == 0;
  bool full = v->waiting >= ACME_JOBS_MAX || theirs >= JOBS_EACH;
  pthread_mutex_unlock(&v->lock);
  return full;
}

bool acme_validate(struct acme *a, const struct acme_order *o, size_t index) {
  const struct acme_authz *z = &o->authzs[index];
  const struct acme_account *account = guid_map_get(&a->accounts, o->account);
  struct validators *v = a->validators;
  struct job *j = account && v ? mem_zalloc(sizeof *j) : NULL;
  if (!j)
    return false;
  memcpy(j->order, o->id, sizeof j->order);
  memcpy(j->oid, account->oid, sizeof j->oid);
  memcpy(j->name, z->name, sizeof j->name);
  memcpy(j->token, z->token, sizeof j->token);
  j->index = index;
  j->challenge = z->tried;
  j->address = z->address;
  snprintf(j->authorization, sizeof j->authorization, "%s.%s", z->token, account->thumbprint);
  pthread_mutex_lock(&v->lock);
  *v->last = j;
  v->last = &j->next;
  v->waiting++;
  pthread_cond_broadcast(&v->wake); /* some who hear it only pause */
  pthread_mutex_unlock(&v->lock);
  return true;
}
