#include "client/wrap_alg.h"

#include "base/clock.h"
#include "client/internal.h"

#include <pthread.h>
#include <strings.h>

#define KEPT 64
#define KEPT_US 3600000000u

static const char *const every[] = { "A256KW", "RSA-OAEP-256", "A192KW", "A128KW", NULL };

struct wrap_algs {
  pthread_mutex_t lock;
  struct {
    struct key_name key;
    const char *alg; /* of the list; NULL: free */
    uint64_t until_us;
  } slots[KEPT];
  size_t next; /* to be written */
};

err_t wrap_algs_new(struct wrap_algs **out) {
  struct wrap_algs *a = mem_zalloc(sizeof *a);
  if (!a)
    return ERR_NOMEM;
  pthread_mutex_init(&a->lock, NULL);
  *out = a;
  return OK;
}

void wrap_algs_free(struct wrap_algs *a) {
  pthread_mutex_destroy(&a->lock);
  mem_free(a);
}

static bool same(const struct key_name *a, const struct key_name *b) {
  return strcasecmp(a->name, b->name) == 0 && strcasecmp(a->version, b->version) == 0;
}

const char *wrap_alg_known(struct wrap_algs *a, const struct key_name *k) {
  const char *alg = NULL;
  uint64_t now = clock_age_us();
  pthread_mutex_lock(&a->lock);
  for (size_t i = 0; i < KEPT && !alg; i++)
    if (a->slots[i].alg && now < a->slots[i].until_us && same(&a->slots[i].key, k))
      alg = a->slots[i].alg;
  pthread_mutex_unlock(&a->lock);
  return alg;
}

static const char *constant(const char *alg) {
  for (size_t i = 0; every[i]; i++)
    if (strcmp(every[i], alg) == 0)
      return every[i];
  return NULL;
}

void wrap_alg_keep(struct wrap_algs *a, const struct key_name *k, const char *alg) {
  pthread_mutex_lock(&a->lock);
  size_t at = a->next;
  for (size_t i = 0; i < KEPT; i++)
    if (a->slots[i].alg && same(&a->slots[i].key, k))
      at = i;
  if (at == a->next)
    a->next = (a->next + 1) % KEPT;
  a->slots[at].key = *k;
  a->slots[at].alg = constant(alg);
  a->slots[at].until_us = clock_age_us() + KEPT_US;
  pthread_mutex_unlock(&a->lock);
}

/* --- asking --- */

static const struct {
  const char *kty, *algs[4];
} types[] = {
  { "oct", { "A256KW", "A192KW", "A128KW" } },
  { "RSA", { "RSA-OAEP-256" } },
};

static err_t of_type(struct bytes kty, const struct key_name *k, const char *const **algs) {
  struct bytes plain;
  bytes_split(kty, '-', &plain); /* "-HSM" */
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (bytes_equal_str(plain, types[i].kty)) {
      *algs = types[i].algs;
      return OK;
    }
  REFUSE(ERR_BAD_PARAMETER, "The key '%s' can't wrap: it is of type " BYTES_FMT ".", k->name,
         BYTES_ARG(kty));
}

/* The vault wraps with the public part of a key that is disabled; nobody could open it. */
static err_t check_enabled(json_t *answer, const struct key_name *k) {
  json_t *attributes = NULL;
  if (json_get_object(answer, "attributes", &attributes) == OK && attributes &&
      json_is_false(json_object_get(attributes, "enabled")))
    REFUSE(ERR_FORBIDDEN, "The key '%s' is disabled.", k->name);
  return OK;
}

err_t wrap_alg_look(struct client *c, const struct key_name *k, const struct client_patience *p,
                    const char *const **algs) {
  AUTO_HTTP_REPLY reply = { 0 };
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("keys", k->name, *k->version ? k->version : NULL, NULL);
  json_t *key = NULL;
  struct bytes kty = bytes_str("");
  err_t e = client_ask(c,
                       &(struct client_request){
                         .method = HTTP_GET, .path = &path, .repeatable = true, .patience = p },
                       &reply);
  if (e == ERR_FORBIDDEN) {
    *algs = every;
    return OK;
  }
  TRY(e);
  TRY(answer_parse(&reply, &answer));
  if (!answer.body || json_get_object(answer.body, "key", &key) != OK || !key ||
      json_get_str(key, "kty", &kty, NULL) != OK)
    FAIL(ERR_INTERNAL, "the server's answer holds no key");
  TRY(check_enabled(answer.body, k));
  return of_type(kty, k, algs);
}
