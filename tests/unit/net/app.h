/*
 * A small application and its server for the tests of net/: one path for each thing that a handler
 * may do. Certificates are made on the spot.
 *
 *   /echo /slow /stream  answer with the body (fast, slow and streaming lane)
 *   /sink                streams the body in, answers with its size
 *   /source?n=           streams n bytes out (&length=1: of declared length; &broken=1: breaks off)
 *   /big?n=              n bytes in one response
 *   /held?n=             is held for number n (&close=1: closes then)
 *   /heldstream?n=       the same on the streaming lane
 *   /sleep?ms=           takes its time on a worker
 *   /early               answers at the head: 401
 *   /empty               204
 *   /tiny                takes at most 8 bytes
 *   /bad                 leaves no response
 *   /drop                breaks the connection off instead of answering
 */
#ifndef TESTS_NET_APP_H
#define TESTS_NET_APP_H

#include "net/server.h"

#include <stdatomic.h>

struct test_app {
  struct http_app app;
  struct http_gate *gate;
  struct http_server *server;
  struct buf ca_pem;
  struct key *ca_key;
  struct buf ca_der;
  unsigned port;
  char url[64];
  _Atomic uint64_t heads, dones, refusals;
  _Atomic uint64_t hold_refusals; /* refusals are held for this number */
};

/* What byte i of /source and /big is. */
static inline uint8_t test_byte(uint64_t i) {
  return (uint8_t)(i * 7 + i / 256);
}

err_t test_app_init(struct test_app *t);
/* A server certificate for "localhost" and 127.0.0.1. */
err_t test_app_tls(struct test_app *t, struct tls **out);
/* listen, if NULL, is 127.0.0.1 and any port. */
err_t test_app_start(struct test_app *t, struct http_server_conf conf, const char *listen);
/* Everything must be over: as many dones as heads (aborts otherwise). */
void test_app_stop(struct test_app *t, unsigned grace_ms);
void test_app_free(struct test_app *t);

#endif
