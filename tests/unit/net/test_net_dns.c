/* DNS messages: what is asked, what is read, and what is refused of malformed answers; answers of
 * plain HTTP; a server that answers over UDP and TCP, falsely at first. */
#include "net/dns.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/plain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka wants setjmp.h, stdarg.h and stddef.h first */
#include <cmocka.h>

#define ID "\x12\x34"
#define HEADER(flags, answers) ID flags "\0\1" answers "\0\0\0\0"
#define NAME "\1a\7example\0"
#define QUESTION(type) NAME "\0" type "\0\1"
#define RECORD(name, type, size) name "\0" type "\0\1\0\0\0\5\0" size
#define BACK "\xc0\x0c" /* the question's name */
#define TXT "\x10"
#define A "\1"
#define CNAME "\5"
#define MESSAGE(text) bytes_of(text, sizeof text - 1)

static err_t join(void *ctx, struct bytes value) {
  buf_put_bytes(ctx, value);
  buf_put_char(ctx, '|');
  return OK;
}

static err_t read_it(enum dns_type type, struct bytes message, struct buf *out, bool *cut) {
  const struct dns_question q = { 0x1234, "A.example.", type };
  buf_clear(out);
  *cut = false;
  return dns_read_answer(&q, message, join, out, cut);
}

static void test_query(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  const struct dns_question q = { 0x1234, "A.example.", DNS_TXT };
  static const char expected[] = ID "\1\0\0\1\0\0\0\0\0\0" QUESTION(TXT);
  assert_int_equal(dns_put_query(&q, &b), OK);
  assert_int_equal(b.size, sizeof expected - 1);
  assert_memory_equal(b.data, expected, b.size);
  char longest[300] = "";
  memset(longest, 'a', sizeof longest - 1);
  const char *const wrong[] = { "", ".", "a..b", ".a", longest };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const struct dns_question bad = { 1, wrong[i], DNS_TXT };
    assert_int_equal(dns_put_query(&bad, &b), ERR_BAD_PARAMETER);
  }
}

static void test_answers(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  bool cut;
  static const char texts[] = HEADER("\x81\x80", "\0\2") QUESTION(TXT)
    RECORD(BACK, TXT, "\6") "\2ab\2cd" RECORD(BACK, TXT, "\1") "\0";
  assert_int_equal(read_it(DNS_TXT, MESSAGE(texts), &out, &cut), OK);
  assert_true(bytes_equal_str(buf_bytes(&out), "abcd||"));
  static const char alias[] = HEADER("\x81\x80", "\0\3") QUESTION(TXT)
    RECORD("\1c" NAME, TXT, "\2") "\1z" RECORD("\1B\xc0\x0c", TXT,
                                               "\2") "\1y" RECORD(BACK, CNAME, "\4") "\1b\xc0\x0c";
  assert_int_equal(read_it(DNS_TXT, MESSAGE(alias), &out, &cut), OK);
  assert_true(bytes_equal_str(buf_bytes(&out), "y|"));
  static const char address[] =
    HEADER("\x81\x80", "\0\1") QUESTION(A) RECORD(BACK, A, "\4") "\x7f\0\0\1";
  assert_int_equal(read_it(DNS_A, MESSAGE(address), &out, &cut), OK);
  assert_int_equal(out.size, 5);
  static const char too_long[] = HEADER("\x83\x80", "\0\1") QUESTION(TXT);
  assert_int_equal(read_it(DNS_TXT, MESSAGE(too_long), &out, &cut), OK);
  assert_true(cut);
  static const char none[] = HEADER("\x81\x83", "\0\0") QUESTION(TXT);
  assert_int_equal(read_it(DNS_TXT, MESSAGE(none), &out, &cut), ERR_NOT_FOUND);
  static const char broken[] = HEADER("\x81\x82", "\0\0") QUESTION(TXT);
  assert_int_equal(read_it(DNS_TXT, MESSAGE(broken), &out, &cut), ERR_IO);
  static const char circle[] = HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD(BACK, CNAME, "\2")
    BACK; /* an alias of itself */
  assert_int_equal(read_it(DNS_TXT, MESSAGE(circle), &out, &cut), OK);
  assert_int_equal(out.size, 0);
}

static void test_malformed(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  bool cut;
  const struct bytes wrong[] = {
    MESSAGE(""),
    MESSAGE("\x12"),
    MESSAGE("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION(TXT)),      /* another id */
    MESSAGE(HEADER("\1\x80", "\0\0") QUESTION(TXT)),                /* a question */
    MESSAGE(HEADER("\x81\x80", "\0\0") QUESTION(A)),                /* to another question */
    MESSAGE(HEADER("\x81\x80", "\0\0") "\1b\7example\0\0\x10\0\1"), /* of another name */
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT)),              /* the record is missing */
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD(BACK, TXT, "\6") "\2ab"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD(BACK, TXT, "\3") "\3ab"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD("\xc0\x1f", TXT, "\1") "\0"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD("\xc0\xff", TXT, "\1") "\0"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD("\x40x", TXT, "\1") "\0"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD(BACK, CNAME, "\1") "\xc0"),
    MESSAGE(HEADER("\x81\x80", "\0\1") QUESTION(TXT) RECORD(BACK, CNAME, "\3") "\xc0\x0c\0"),
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (read_it(DNS_TXT, wrong[i], &out, &cut) != ERR_HTTP)
      fail_msg("message %zu was taken", i);
  static const char odd[] = HEADER("\x81\x80", "\0\1") QUESTION(A) RECORD(BACK, A, "\3") "\x7f\0\0";
  assert_int_equal(read_it(DNS_A, MESSAGE(odd), &out, &cut), ERR_HTTP);
}

static void test_addresses(void **state) {
  static const struct {
    const char *text;
    unsigned port;
  } good[] = { { "127.0.0.1", 53 }, { "127.0.0.1:5353", 5353 }, { "::1", 53 }, { "[::1]:99", 99 } };
  static const char *const wrong[] = { "",           "x",         "localhost",
                                       "127.0.0.1:", "1.2.3.4:0", "1.2.3.4:65536",
                                       "[::1",       "[::1]x",    "::1]:5" };
  struct net_address a;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    assert_true(net_address_parse(good[i].text, 53, &a));
    const struct sockaddr_in *four = (const struct sockaddr_in *)&a.socket; /* the port is there in
                                                                               both families */
    assert_int_equal(ntohs(four->sin_port), good[i].port);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    if (net_address_parse(wrong[i], 53, &a))
      fail_msg("'%s' was taken for an address", wrong[i]);
}

static void test_plain_answers(void **state) {
  static const char *const wrong[] = { "",
                                       "HTTP/1.1 200",
                                       "HTTP/1.1 200 OK\r\n",
                                       "HTTP/1.1 200 OK\r\nA: b\r\n",
                                       "HTTP/2 200 OK\r\n\r\n",
                                       "HTTP/1.1 2x0 OK\r\n\r\n",
                                       "ICY 200 OK\r\n\r\nx" };
  struct bytes body;
  int status;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
    assert_int_equal(plain_parse(bytes_str(wrong[i]), &status, &body), ERR_HTTP);
  assert_int_equal(plain_parse(bytes_str("HTTP/1.0 404 No\r\nA: b\r\n\r\nx\n\ny"), &status, &body),
                   OK);
  assert_int_equal(status, 404);
  assert_true(bytes_equal_str(body, "x\n\ny"));
  assert_int_equal(plain_parse(bytes_str("HTTP/1.1 200 OK\n\n"), &status, &body), OK);
  assert_int_equal(body.size, 0);
}

/* Answers once by UDP with another id, then that the answer is cut; and once by TCP. */
struct server {
  int udp, tcp;
};

static void answer_udp(int fd, unsigned char flip, const char *flags) {
  unsigned char in[512];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n = recvfrom(fd, in, sizeof in, MSG_PEEK, (struct sockaddr *)&from, &size);
  if (n < 12)
    return;
  in[1] ^= flip;
  memcpy(in + 2, flags, 2);
  IGNORE(sendto(fd, in, (size_t)n, 0, (const struct sockaddr *)&from, size) == n ? OK : ERR_IO);
}

static void *serve(void *ctx) {
  static const unsigned char record[] = "\xc0\x0c\0\x10\0\1\0\0\0\5\0\3\2hi";
  struct server *s = ctx;
  unsigned char in[512];
  answer_udp(s->udp, 1, "\x81\x80");
  answer_udp(s->udp, 0, "\x83\x80");
  int fd = accept(s->tcp, NULL, NULL);
  ssize_t n = fd >= 0 ? recv(fd, in, sizeof in, 0) : 0;
  if (n > 14) {
    size_t size = (size_t)n - 2 + sizeof record - 1;
    memcpy(in + 4, "\x81\x80", 2);
    in[9] = 1;
    memcpy(in + n, record, sizeof record - 1);
    in[0] = (unsigned char)(size >> 8);
    in[1] = (unsigned char)size;
    IGNORE(send(fd, in, size + 2, MSG_NOSIGNAL) > 0 ? OK : ERR_IO);
  }
  close(fd);
  return NULL;
}

static void test_ask(void **state) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t size = sizeof here;
  struct server s = { socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET, SOCK_STREAM, 0) };
  pthread_t thread;
  AUTO_BUF out = BUF_EMPTY;
  char name[32];
  uint64_t budget = 5000000;
  assert_int_equal(bind(s.tcp, (const struct sockaddr *)&here, size), 0);
  assert_int_equal(getsockname(s.tcp, (struct sockaddr *)&here, &size), 0);
  assert_int_equal(bind(s.udp, (const struct sockaddr *)&here, size), 0);
  assert_int_equal(listen(s.tcp, 1), 0);
  assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
  snprintf(name, sizeof name, "127.0.0.1:%u", ntohs(here.sin_port));
  assert_int_equal(dns_ask(name, "a.example", DNS_TXT, &budget, join, &out), OK);
  assert_true(bytes_equal_str(buf_bytes(&out), "hi|"));
  assert_true(budget < 5000000);
  pthread_join(thread, NULL);
  close(s.tcp);
  budget = 100000; /* nobody answers any more */
  assert_int_equal(dns_ask(name, "a.example", DNS_TXT, &budget, join, &out), ERR_TIMEOUT);
  assert_int_equal(budget, 0);
  close(s.udp);
  assert_int_equal(dns_check(name), OK);
  assert_int_equal(dns_check("nowhere"), ERR_CONFIG);
  budget = 100000;
  assert_int_equal(dns_ask("nowhere", "a.example", DNS_TXT, &budget, join, &out), ERR_CONFIG);
}

/* Keeps sending what answers nothing, until it is told to stop. */
struct chatter {
  int fd;
  atomic_bool stop;
};

static void *keep_sending(void *ctx) {
  struct chatter *c = ctx;
  unsigned char in[512];
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  ssize_t n = recvfrom(c->fd, in, sizeof in, 0, (struct sockaddr *)&from, &size);
  in[1] ^= 1;
  uint64_t until = clock_mono_us() + 3000000; /* it ends, whatever is asked */
  while (n > 0 && !c->stop && clock_mono_us() < until)
    IGNORE(sendto(c->fd, in, (size_t)n, 0, (const struct sockaddr *)&from, size) == n ? OK
                                                                                      : ERR_IO);
  return NULL;
}

static void test_deadline(void **state) {
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
  socklen_t size = sizeof here;
  struct chatter c = { .fd = socket(AF_INET, SOCK_DGRAM, 0) };
  pthread_t thread;
  AUTO_BUF out = BUF_EMPTY;
  char name[32];
  uint64_t budget = 200000, before = clock_mono_us();
  assert_int_equal(bind(c.fd, (const struct sockaddr *)&here, size), 0);
  assert_int_equal(getsockname(c.fd, (struct sockaddr *)&here, &size), 0);
  assert_int_equal(pthread_create(&thread, NULL, keep_sending, &c), 0);
  snprintf(name, sizeof name, "127.0.0.1:%u", ntohs(here.sin_port));
  assert_int_equal(dns_ask(name, "a.example", DNS_TXT, &budget, join, &out), ERR_TIMEOUT);
  assert_int_equal(budget, 0);
  assert_true(clock_mono_us() - before < 2000000);
  c.stop = true;
  pthread_join(thread, NULL);
  close(c.fd);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_query),         cmocka_unit_test(test_answers),
    cmocka_unit_test(test_malformed),     cmocka_unit_test(test_addresses),
    cmocka_unit_test(test_plain_answers), cmocka_unit_test(test_ask),
    cmocka_unit_test(test_deadline),
  };
  bool locked;
  if (crypto_init(1 << 16, &locked) != OK)
    return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
