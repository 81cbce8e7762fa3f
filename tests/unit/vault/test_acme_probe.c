/* Validations by http-01 of an address: what a web server of every kind answers, a restart in
 * between, and how often a client may be wrong. */
#include "acme_client.h"

#include "base/clock.h"
#include "fault/oom.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
/* cmocka wants setjmp.h, stdarg.h and stddef.h first */
#include <cmocka.h>

static struct fixture f;
static struct acme_client c;
static int listener;
static unsigned port;
static pthread_t server;
static _Atomic bool stopping;
static _Atomic unsigned asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char answer[8192], last[2048];
static char app_id[GUID_SIZE + 1], oid[GUID_SIZE + 1]; /* whom the client acts for */

#define CHECK(call) assert_int_equal(call, OK)

static void say(const char *text) {
  pthread_mutex_lock(&lock);
  snprintf(answer, sizeof answer, "%s", text);
  pthread_mutex_unlock(&lock);
}

static void answer_one(int fd) {
  char in[2048], out[8192];
  ssize_t n = recv(fd, in, sizeof in - 1, 0);
  in[n > 0 ? n : 0] = '\0';
  pthread_mutex_lock(&lock);
  memcpy(last, in, sizeof last);
  memcpy(out, answer, sizeof out);
  pthread_mutex_unlock(&lock);
  asked++;
  IGNORE(send(fd, out, strlen(out), MSG_NOSIGNAL) >= 0 ? OK : ERR_IO);
  close(fd);
}

static void *serve(void *ctx) {
  struct pollfd p = { .fd = listener, .events = POLLIN };
  while (!stopping)
    if (poll(&p, 1, 50) == 1)
      answer_one(accept(listener, NULL, NULL));
  return NULL;
}

static int begin(void **state) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t size = sizeof here;
  char option[40];
  const char *options[] = { "[acme]", "enabled = yes", option, NULL };
  static const char *names[] = { "127.0.0.1" };
  struct acme_identity web = { 0 };
  listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (const struct sockaddr *)&here, size) != 0 || listen(listener, 5) != 0 ||
      getsockname(listener, (struct sockaddr *)&here, &size) != 0 ||
      pthread_create(&server, NULL, serve, NULL) != 0)
    return 1;
  port = ntohs(here.sin_port);
  snprintf(option, sizeof option, "http_port = %u", port);
  fixture_open(&f, options);
  client_identity(&f, names, 1, &web);
  memcpy(app_id, web.app_id, sizeof app_id);
  memcpy(oid, web.oid, sizeof oid);
  client_begin(&c, &f, KEY_EC);
  client_register(&c, web.kid, secret_bytes(&web.key));
  secret_free(&web.key);
  return 0;
}

static int end(void **state) {
  client_end(&c);
  fixture_close(&f);
  stopping = true;
  pthread_join(server, NULL);
  close(listener);
  return 0;
}

/* What the probe says of an answer: the problem's type, "" when it is content. */
static const char *probe(const char *text, const char *name) {
  static struct failure why;
  const struct probe p = { .conf = &f.hub->acme->conf,
                           .challenge = CHALLENGE_HTTP,
                           .name = name,
                           .address = true,
                           .token = "token",
                           .authorization = "token.thumbprint" };
  say(text);
  IGNORE(acme_probe(&p, &why));
  return why.type;
}

static void test_answers(void **state) {
  char big[4096];
  snprintf(big, sizeof big, "HTTP/1.1 200 OK\r\n\r\n%2000s", "token.thumbprint");
  assert_string_equal(probe("HTTP/1.1 200 OK\r\n\r\ntoken.thumbprint", "127.0.0.1"), "");
  assert_non_null(strstr(last, "GET /.well-known/acme-challenge/token HTTP/1.0\r\n"));
  char host[40];
  snprintf(host, sizeof host, "\r\nHost: 127.0.0.1:%u\r\n", port);
  assert_non_null(strstr(last, host));
  assert_string_equal(probe("HTTP/1.1 200 OK\r\n\r\ntoken.thumbprint\r\n \n", "127.0.0.1"), "");
  static const char *const wrong[] = {
    "HTTP/1.1 200 OK\r\n\r\ntoken.thumbprinT",
    "HTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\n token.thumbprint",
    "HTTP/1.1 404 No\r\n\r\ntoken.thumbprint",
    "HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\ntoken.thumbprint",
    "HTTP/1.1 200 OK\r\n\r\ntoken.thumbprint.more",
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_string_equal(probe(wrong[i], "127.0.0.1"), "incorrectResponse");
  assert_string_equal(probe(big, "127.0.0.1"), "incorrectResponse");
  assert_string_equal(probe("", "127.0.0.1"), "connection");
  assert_string_equal(probe("nonsense", "127.0.0.1"), "connection");
  assert_string_equal(probe("HTTP/1.1 200 OK\r\n\r\ntoken.thumbprint", "127.0.0.2"), "connection");
}

/* That nobody can be asked is the server's fault, and is said so. */
static void test_no_name_server(void **state) {
  struct acme_conf conf = f.hub->acme->conf;
  struct failure why;
  struct probe p = {
    .conf = &conf, .name = "a.example", .token = "token", .authorization = "token.thumbprint"
  };
  conf.resolver = "nowhere";
  for (enum challenge k = CHALLENGE_HTTP; k <= CHALLENGE_ALPN; k++) {
    p.challenge = k;
    assert_int_not_equal(acme_probe(&p, &why), OK);
    assert_string_equal(why.type, "serverInternal");
    assert_non_null(strstr(why.detail, "no name server"));
  }
}

/* Without memory nothing is shown to be anybody's, and there is a reason. */
static void test_no_memory(void **state) {
  struct acme_conf conf = f.hub->acme->conf;
  struct probe p = { .conf = &conf,
                     .name = "127.0.0.1",
                     .address = true,
                     .token = "token",
                     .authorization = "token.thumbprint" };
  conf.resolver = "127.0.0.1:1";
  conf.tls_port = port; /* where no TLS is spoken */
  say("HTTP/1.1 200 OK\r\n\r\nno");
  for (enum challenge k = CHALLENGE_HTTP; k <= CHALLENGE_ALPN; k++) {
    bool failed = true;
    p.challenge = k;
    for (unsigned long n = 1; failed; n++) {
      struct failure why;
      oom_start(n, OOM_ONE);
      err_t e = acme_probe(&p, &why);
      failed = oom_stop();
      assert_int_not_equal(e, OK);
      assert_string_not_equal(why.type, "");
    }
  }
}

/* A new order; the id of its authorization's http-01 challenge, and what is to be answered. */
static struct acme_order *order(char chall[static 80]) {
  assert_int_equal(
    client_post(&c, "new-order", "{\"identifiers\":[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]}"),
    201);
  const char *id = strrchr(client_header(&c, "Location"), '/') + 1;
  struct acme_order *o = guid_map_get(&f.hub->acme->orders, id);
  assert_non_null(o);
  snprintf(chall, 80, "chall/%s.0.http-01", o->id);
  char text[200], thumbprint[44];
  CHECK(key_thumbprint(c.key, thumbprint));
  snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\n\r\n%s.%s", o->authzs[0].token, thumbprint);
  say(text);
  return o;
}

/* Until the challenge is no longer processed; its status. */
static const char *settled(const char *chall) {
  for (unsigned i = 0; i < 200; i++) {
    assert_int_equal(client_post(&c, chall, "%s", ""), 200);
    if (strcmp(answer_str(&c.a, "status"), "processing") != 0)
      break;
    usleep(50000);
  }
  return answer_str(&c.a, "status");
}

static void test_good(void **state) {
  char chall[80];
  const char *id = order(chall)->id;
  assert_int_equal(client_post(&c, chall, "%s", ""), 200); /* looking at it begins nothing */
  assert_string_equal(answer_str(&c.a, "status"), "pending");
  assert_int_equal(client_post(&c, chall, "{}"), 200);
  assert_non_null(strstr(client_header(&c, "Link"), "acme/"));
  assert_string_equal(settled(chall), "valid");
  assert_int_equal(client_post(&c, chall, "{}"), 200); /* once is enough */
  assert_string_equal(answer_str(&c.a, "status"), "valid");
  char path[80];
  snprintf(path, sizeof path, "order/%s", id);
  client_post(&c, path, "%s", "");
  assert_string_equal(answer_str(&c.a, "status"), "ready");
}

/* What was asked to be validated before a restart is validated after it. */
static void test_restart(void **state) {
  char chall[80];
  struct acme_order *o = order(chall);
  o->authzs[0].tried = CHALLENGE_HTTP; /* as it is kept when the client asks */
  CHECK(acme_commit_order(f.hub->acme, o));
  fixture_reopen(&f);
  assert_string_equal(settled(chall), "valid");
}

static void test_wrong(void **state) {
  char chall[80], path[80];
  const char *id = order(chall)->id;
  snprintf(path, sizeof path, "order/%s", id);
  say("HTTP/1.0 200 OK\r\n\r\nno");
  unsigned before = asked;
  assert_int_equal(client_post(&c, chall, "{}"), 200);
  assert_string_equal(settled(chall), "invalid");
  assert_int_equal(asked - before, 3); /* tries */
  assert_string_equal(answer_str(&c.a, "error.type"),
                      "urn:ietf:params:acme:error:incorrectResponse");
  client_post(&c, path, "%s", "");
  assert_string_equal(answer_str(&c.a, "status"), "invalid");
  const struct acme_account *account =
    guid_map_get(&f.hub->acme->accounts, strrchr(c.account, '/') + 1);
  for (unsigned i = 1; i < ACME_FAILURES_HOURLY; i++)
    acme_count_failure(f.hub->acme, account->id, "127.0.0.1");
  client_post(&c, "new-order", "{\"identifiers\":[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]}");
  assert_int_equal(c.a.status, 429);
  clock_shift(3601);
  assert_int_equal(
    client_post(&c, "new-order", "{\"identifiers\":[{\"type\":\"ip\",\"value\":\"127.0.0.1\"}]}"),
    201);
  clock_shift(0);
}

/* One identity has a share of what looks and of what waits; and when it is stopped, nobody looks
 * for it any more. */
static void test_share(void **state) {
  char chall[80];
  struct acme *a = f.hub->acme;
  struct acme_order *o = order(chall);
  say("HTTP/1.0 200 OK\r\n\r\nno");
  unsigned before = asked, queued = 0;
  o->authzs[0].tried = CHALLENGE_HTTP;
  for (; queued < 1000 && !acme_validators_full(a, oid); queued++)
    assert_true(acme_validate(a, o, 0));
  assert_true(queued < 200);
  assert_false(acme_validators_full(a, "another"));
  for (unsigned i = 0; i < 400 && asked - before < 3; i++)
    usleep(25000);
  usleep(300000);
  assert_int_equal(asked - before, 3); /* of eight threads; each pauses before it asks again */
  CHECK(identity_set_enabled(f.hub->identity, app_id, false));
  for (unsigned i = 0; i < 100 && acme_validators_full(a, oid); i++)
    usleep(50000);
  assert_false(acme_validators_full(a, oid));
  usleep(2200000); /* longer than the pause */
  assert_int_equal(asked - before, 3);
  CHECK(identity_set_enabled(f.hub->identity, app_id, true));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_answers),        cmocka_unit_test(test_no_memory),
    cmocka_unit_test(test_no_name_server), cmocka_unit_test(test_good),
    cmocka_unit_test(test_restart),        cmocka_unit_test(test_share),
    cmocka_unit_test(test_wrong), /* the name's failures count from then on */
  };
  return cmocka_run_group_tests(tests, begin, end);
}
