/* Whether making keys delays those who only use one. */
#include "operation.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define CONNECTIONS 8
#define CREATORS 2
#define ROUNDS 4
#define ROUND_S 3.0
#define SETTLE_US 300000

struct creator {
  pthread_t thread;
  const char *dir;
  const _Atomic bool *stop;
  unsigned made;
  err_t result;
};

static err_t create_one(struct client *c) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", "bench-made", "create", NULL), body = BUF_EMPTY;
  buf_put_str(&body, "{\"kty\":\"RSA\",\"key_size\":4096}");
  return client_call(c, HTTP_POST, &path, &body, &answer);
}

static err_t create_all(struct creator *c) {
  AUTO(client) struct client *client = NULL;
  TRY(client_new(c->dir, &client));
  for (; !atomic_load(c->stop); c->made++)
    TRY(create_one(client));
  return OK;
}

static void *create(void *ctx) {
  struct creator *c = ctx;
  c->result = create_all(c);
  return NULL;
}

struct tail {
  struct server *server;
  struct load *load;
  struct load_spec spec;
  struct figure p50, p99;
  unsigned made;
};

static err_t round_without(struct tail *t) {
  struct load_result r;
  TRY(load_run(t->load, &t->spec, ROUND_S, &r));
  series_add(&t->p50.base, r.p50_us);
  series_add(&t->p99.base, r.p99_us);
  return OK;
}

static err_t round_with(struct tail *t) {
  struct creator creators[CREATORS];
  _Atomic bool stop = false;
  struct load_result r = { 0 };
  err_t e = OK;
  unsigned n = 0;
  for (; n < CREATORS && e == OK; n++) {
    creators[n] = (struct creator){ .dir = t->server->dir, .stop = &stop };
    if (pthread_create(&creators[n].thread, NULL, create, &creators[n]) != 0)
      return ERR_NOMEM;
  }
  usleep(SETTLE_US);
  e = load_run(t->load, &t->spec, ROUND_S, &r);
  atomic_store(&stop, true);
  for (unsigned i = 0; i < n; i++) {
    pthread_join(creators[i].thread, NULL);
    t->made += creators[i].made;
    e = e == OK ? creators[i].result : e;
  }
  series_add(&t->p50.value, r.p50_us);
  series_add(&t->p99.value, r.p99_us);
  return e;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  AUTO(load) struct load *l = NULL;
  AUTO_OPERATION o = { 0 };
  TRY(server_start(b, "tail", &s));
  TRY(operation_unwrap(&s, &o));
  TRY(load_open(&s, CONNECTIONS, &l));
  struct tail t = {
    .server = &s,
    .load = l,
    .spec = operation_load(&o, CONNECTIONS),
    .p50 = { .name = "A256KW unwrap, median", .unit = "us" },
    .p99 = { .name = "A256KW unwrap, p99", .unit = "us", .judge = JUDGE_RATIO, .limit = 3 }
  };
  for (int i = 0; i < ROUNDS; i++) {
    TRY(round_without(&t));
    TRY(round_with(&t));
  }
  report_title("Latency while RSA-4096 keys are being made, against latency without");
  report_note("%d connections that unwrap, %d that create; %d rounds each of %.0f s, in turns; "
              "%u keys made",
              CONNECTIONS, CREATORS, ROUNDS, ROUND_S, t.made);
  report(&t.p50);
  report(&t.p99);
  return server_stop(&s);
}

const struct bench_case case_tail = { "tail", "p99 of unwrap while RSA-4096 keys are made", run };
