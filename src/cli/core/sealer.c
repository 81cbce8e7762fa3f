#include "cli/core/sealer.h"

#include "base/file.h"
#include "cli/out.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define PUBLIC_KEY_MAX 16384
#define LIFETIME_S 86400
#define RETRY_MS 500
#define ATTEMPT_MS 10000

err_t core_public_key(const char *path, struct public_key **out) {
  AUTO_BUF text = BUF_EMPTY;
  TRY(file_read(path, PUBLIC_KEY_MAX, &text));
  return public_key_read(buf_bytes(&text), path, out);
}

err_t core_sealer_open(const struct conf *c, struct core_sealer *out) {
  AUTO_SEALER s = { .key = conf_str(c, "key") };
  const char *public = conf_str(c, "public_key"), *credentials = conf_str(c, "credentials");
  if (*public)
    TRY(core_public_key(public, &s.public));
  else if (*credentials) {
    /* core_sealer_wait() tries again, and knows for how long. */
    const struct client_patience once = { 1, 0, ATTEMPT_MS };
    TRY(client_new(credentials, &s.client));
    client_set_patience(s.client, &once);
  } else
    FAIL(ERR_CONFIG, "the settings name neither a public key nor credentials");
  struct key_service service =
    s.public ? public_key_service(s.public) : client_key_service(s.client);
  /* One data key for all of a core, however long it takes. */
  const struct key_cache_options o = { .lifetime_s = LIFETIME_S };
  TRY(key_cache_new(&service, &o, &s.cache));
  *out = s;
  s = (struct core_sealer){ 0 };
  return OK;
}

void core_sealer_close(struct core_sealer *s) {
  if (s->cache)
    key_cache_free(s->cache);
  if (s->client)
    client_free(s->client);
  if (s->public)
    public_key_free(s->public);
  *s = (struct core_sealer){ 0 };
}

/* Shared with the thread that asks; whoever is done with it last frees it. */
struct asking {
  struct core_sealer *sealer;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct timespec end;
  bool done, alone; /* nobody waits any more */
  err_t result;
  char why[256];
};

static void asking_free(struct asking *a) {
  pthread_cond_destroy(&a->changed);
  pthread_mutex_destroy(&a->mutex);
  mem_free(a);
}

static bool passes(err_t e) {
  return e == ERR_AWAY || e == ERR_BUSY || e == ERR_SEALED;
}

static bool over(struct asking *a) {
  struct timespec now;
  pthread_mutex_lock(&a->mutex);
  bool alone = a->alone;
  pthread_mutex_unlock(&a->mutex);
  clock_gettime(CLOCK_MONOTONIC, &now);
  return alone || now.tv_sec > a->end.tv_sec ||
         (now.tv_sec == a->end.tv_sec && now.tv_nsec >= a->end.tv_nsec);
}

static void *ask_on(void *ctx) {
  struct asking *a = ctx;
  const struct timespec pause = { 0, RETRY_MS * 1000000L };
  err_t e;
  do {
    AUTO(data_key) struct data_key *k = NULL;
    e = key_cache_for_sealing(a->sealer->cache, a->sealer->key, &k);
    if (e != OK) {
      pthread_mutex_lock(&a->mutex);
      snprintf(a->why, sizeof a->why, "%s", out_error_text(e));
      pthread_mutex_unlock(&a->mutex);
    }
  } while (passes(e) && nanosleep(&pause, NULL) == 0 && !over(a));
  pthread_mutex_lock(&a->mutex);
  a->done = true;
  a->result = e;
  bool alone = a->alone;
  pthread_cond_signal(&a->changed);
  pthread_mutex_unlock(&a->mutex);
  if (alone)
    asking_free(a);
  return NULL;
}

/* False: *a is the thread's from now on. */
static bool wait_done(struct asking *a, err_t *result, char why[static 256]) {
  int bad = 0;
  pthread_mutex_lock(&a->mutex);
  while (!a->done && bad != ETIMEDOUT)
    bad = pthread_cond_timedwait(&a->changed, &a->mutex, &a->end);
  bool done = a->done;
  a->alone = !done;
  *result = a->result;
  memcpy(why, a->why, 256);
  pthread_mutex_unlock(&a->mutex);
  return done;
}

static err_t start(struct core_sealer *s, unsigned seconds, struct asking **out,
                   pthread_t *thread) {
  pthread_condattr_t attr;
  struct asking *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  a->sealer = s;
  clock_gettime(CLOCK_MONOTONIC, &a->end);
  a->end.tv_sec += seconds;
  pthread_mutex_init(&a->mutex, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&a->changed, &attr);
  pthread_condattr_destroy(&attr);
  *out = a;
  if (pthread_create(thread, NULL, ask_on, a) == 0)
    return OK;
  asking_free(a);
  return ERR_NOMEM;
}

err_t core_sealer_wait(struct core_sealer *s, unsigned seconds) {
  struct asking *a;
  pthread_t thread;
  err_t e;
  char why[256];
  TRY(start(s, seconds, &a, &thread));
  if (!wait_done(a, &e, why)) {
    pthread_detach(thread);
    FAIL(ERR_AWAY, "the vault did not answer within %u s%s%.160s", seconds, *why ? ": " : "", why);
  }
  pthread_join(thread, NULL);
  asking_free(a);
  if (passes(e))
    FAIL(ERR_AWAY, "the vault was away for %u s: %.160s", seconds, why);
  if (e != OK)
    FAIL(e, "%s", why);
  return OK;
}
