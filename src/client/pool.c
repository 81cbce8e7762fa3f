#include "client/pool.h"

#include <pthread.h>

struct pool {
  char *url;
  struct tls *tls;
  pthread_mutex_t lock;
  struct http_client *idle[POOL_KEPT]; /* the one used last is on top */
  size_t count;
};

/* Requests set their own timeouts. */
static err_t make(const struct pool *p, struct http_client **out) {
  err_t e = http_client_new(p->url, p->tls, 0, out);
  if (e != OK && e != ERR_NOMEM)
    FAIL(ERR_CONFIG, "the address must be https://host[:port], not '%s'", p->url);
  return e;
}

err_t pool_new(const char *url, struct tls *tls, struct pool **out) {
  AUTO(pool) struct pool *p = mem_zalloc(sizeof *p);
  if (!p)
    return ERR_NOMEM;
  pthread_mutex_init(&p->lock, NULL);
  p->tls = tls_ref(tls);
  p->url = mem_strdup(url);
  if (!p->url)
    return ERR_NOMEM;
  TRY(make(p, &p->idle[0]));
  p->count = 1;
  *out = TAKE(p);
  return OK;
}

void pool_free(struct pool *p) {
  while (p->count)
    http_client_free(p->idle[--p->count]);
  pthread_mutex_destroy(&p->lock);
  tls_free(p->tls);
  mem_free(p->url);
  mem_free(p);
}

err_t pool_take(struct pool *p, struct http_client **out) {
  struct http_client *http = NULL;
  pthread_mutex_lock(&p->lock);
  if (p->count)
    http = p->idle[--p->count];
  pthread_mutex_unlock(&p->lock);
  if (!http)
    return make(p, out);
  *out = http;
  return OK;
}

void pool_give(struct pool *p, struct http_client *http) {
  pthread_mutex_lock(&p->lock);
  if (p->count < POOL_KEPT)
    p->idle[p->count++] = TAKE(http);
  pthread_mutex_unlock(&p->lock);
  http_client_free(http);
}
