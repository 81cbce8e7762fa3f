/*
 * A client that sends exactly the bytes it is given, and a fixture with a running test application.
 * Everything waits at most ten seconds; what goes wrong fails the test.
 */
#ifndef TESTS_NET_RAW_H
#define TESTS_NET_RAW_H

#include "../asserts.h"
#include "app.h"

#include "net/client.h"
#include "net/tls_io.h"

struct fixture {
  struct test_app app;
  struct tls *tls; /* a client's */
};
/* Small deadlines are for the tests of deadlines; others take HTTP_SERVER_CONF_DEFAULT. */
void fixture_start(struct fixture *f, struct http_server_conf conf);
void fixture_end(struct fixture *f);
struct http_client *fixture_client(struct fixture *f);

struct raw {
  struct tls_io io;
  struct buf in;
};
/* Connects without TLS; the handshake is a step of its own. */
void raw_connect(struct raw *r, struct fixture *f);
void raw_handshake(struct raw *r);
void raw_open(struct raw *r, struct fixture *f); /* both */
void raw_close(struct raw *r);
#define AUTO_RAW __attribute__((cleanup(raw_close))) struct raw

void raw_send(struct raw *r, struct bytes data);
void raw_say(struct raw *r, const char *text);
/* Sends what goes out without waiting; false when nothing does for 300 ms. */
bool raw_push(struct raw *r, struct bytes data, size_t *n);
/* Reads one answer; interim ones (100) too. */
void raw_reply(struct raw *r, enum http_method method, struct http_reply *out);
/* Reads one answer and checks it. */
void raw_expect(struct raw *r, int status, const char *body);
/* The server closes, with nothing (more) before. */
void raw_expect_close(struct raw *r);
/* Nothing comes for ms. */
void raw_expect_silence(struct raw *r, unsigned ms);

#endif
