#include "seal/log_pump_parts.h"

#include <time.h>

#define FIRST_US 100000
#define MOST_US 5000000
#define MOMENT_US 20000

uint64_t pump_back_off_us(unsigned failures) {
  uint64_t us = FIRST_US;
  while (failures-- > 1 && us < MOST_US)
    us *= 2;
  return us < MOST_US ? us : MOST_US;
}

void pump_error_again(err_t e, const struct err_last *last) {
  if (last->code == e && *last->say)
    IGNORE(err_refuse(e, last->file, last->line, "%s", last->say));
  else if (last->code == e)
    IGNORE(err_fail(e, last->file, last->line, "%s", last->why));
}

static struct timespec after(uint64_t us) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  uint64_t ns = (uint64_t)t.tv_nsec + us * 1000;
  t.tv_sec += (time_t)(ns / 1000000000);
  t.tv_nsec = (long)(ns % 1000000000);
  return t;
}

static void pause_for(struct pump_keys *k, uint64_t us) {
  struct timespec until = after(us);
  while (!k->quit && pthread_cond_timedwait(&k->change, &k->lock, &until) == 0)
    ;
}

/* Most of the time the cache has it: then the segment ends here, not some records later. */
static void wait_a_moment(struct pump_keys *k) {
  struct timespec until = after(MOMENT_US);
  while (k->wanted && pthread_cond_timedwait(&k->change, &k->lock, &until) == 0)
    ;
}

/* Under the lock, which it gives up while it asks. */
static void ask(struct pump_keys *k, unsigned *failures) {
  struct data_key *got = NULL;
  uint64_t one = 1;
  pthread_mutex_unlock(&k->lock);
  err_t e = key_cache_for_sealing(k->keys, k->key, &got);
  pthread_mutex_lock(&k->lock);
  k->error = e;
  k->last = *err_last();
  if (e == OK)
    k->got = got;
  k->wanted = log_may_pass(e);
  pthread_cond_broadcast(&k->change);
  ssize_t n = write(k->wake, &one, sizeof one);
  (void)n; /* full: it is told already */
  *failures = k->wanted ? *failures + 1 : 0;
  if (k->wanted)
    pause_for(k, pump_back_off_us(*failures));
}

static void *fetch(void *arg) {
  struct pump_keys *k = arg;
  unsigned failures = 0;
  pthread_mutex_lock(&k->lock);
  while (!k->quit)
    if (k->wanted)
      ask(k, &failures);
    else
      pthread_cond_wait(&k->change, &k->lock);
  pthread_mutex_unlock(&k->lock);
  return NULL;
}

err_t pump_keys_start(struct pump_keys *k, struct key_cache *keys, const char *key, int wake) {
  pthread_condattr_t monotonic;
  *k = (struct pump_keys){ .keys = keys, .key = key, .wake = wake };
  pthread_mutex_init(&k->lock, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&k->change, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (pthread_create(&k->thread, NULL, fetch, k) != 0)
    FAIL(ERR_INTERNAL, "cannot start a thread");
  k->running = true;
  return OK;
}

void pump_keys_stop(struct pump_keys *k) {
  if (k->running) {
    pthread_mutex_lock(&k->lock);
    k->quit = true;
    pthread_cond_broadcast(&k->change);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
  }
  pthread_cond_destroy(&k->change);
  pthread_mutex_destroy(&k->lock);
  if (k->got)
    data_key_release(k->got);
}

struct data_key *pump_keys_take(struct pump_keys *k, err_t *error) {
  pthread_mutex_lock(&k->lock);
  if (!k->got && !k->wanted && (k->error == OK || log_may_pass(k->error))) {
    k->wanted = true;
    pthread_cond_broadcast(&k->change);
    wait_a_moment(k);
  }
  struct data_key *got = TAKE(k->got);
  struct err_last last = k->last;
  *error = k->error;
  pthread_mutex_unlock(&k->lock);
  pump_error_again(*error, &last);
  return got;
}
