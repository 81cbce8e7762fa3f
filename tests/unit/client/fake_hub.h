/*
 * A hub of one page, behind real TLS: a token service and keys that wrap by turning bits over. It
 * counts what it is asked, and fails as told.
 *
 *   POST /T/oauth2/v2.0/token    tokens "t1-..", "t2-..", ..; waits while the gate is held
 *   GET  /keys/NAME[/VERSION]    a key of the type kty
 *   POST /keys/NAME/VERSION/OP   for the algorithm alg alone
 *   POST /keys/NAME/create       makes nothing
 *   GET  /secrets/NAME           "a value"; of "hidden" one that is nowhere in the program
 *   what more() answers; /pki/.. without a token
 */
#ifndef TEST_FAKE_HUB_H
#define TEST_FAKE_HUB_H

#include "app.h"
#include "check.h"

#include "client/settings.h"
#include "client/use.h"

#include <pthread.h>

/* Texts for who looks for them in memory: made when they are needed. 's' is the hidden secret, 't'
 * what tokens end with. */
#define HIDDEN_SIZE 40
void fake_hub_hidden(char seed, char out[static HIDDEN_SIZE + 1]);

#define FAKE_HUB_MASK 0x5a
#define VERSION "0123456789abcdef0123456789abcdef"

struct fake_hub {
  struct test_app app;
  char ca_path[64];
  _Atomic unsigned tokens, gets, uses, others; /* requests, whatever the answer */
  /* What tokens are like. */
  _Atomic unsigned lifetime_s, token_status, least_token; /* earlier ones are not taken */
  pthread_mutex_t gate;
  _Atomic unsigned at_gate;
  /* The next so many requests but those for tokens are answered so; status 0: broken off. */
  _Atomic unsigned fail_next, fail_status, retry_after;
  _Atomic bool sealed, missing, forbids_get;
  const char *kty, *alg;
  /* Set before the first request; false: it is not one of its pages. */
  bool (*more)(void *ctx, struct http_exchange *x);
  void *ctx;
  pthread_mutex_t lock; /* of what is below */
  char form[8192];      /* of the last token request */
  char path[512];       /* of the last of the others */
};
void fake_hub_start(struct fake_hub *h);
void fake_hub_stop(struct fake_hub *h);
unsigned fake_hub_requests(struct fake_hub *h); /* but for tokens; sets the counters to 0 */

/* Settings with a client secret, and a client with little patience. */
void fake_hub_settings(struct fake_hub *h, struct settings *s);
struct client *fake_hub_client(struct fake_hub *h);
void fake_hub_copy(struct fake_hub *h, const char *from, char *out, size_t size); /* under lock */

#endif
