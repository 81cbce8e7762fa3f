/* PROXY protocol headers: what is written is read again, and is what the specification says. */
#include "../asserts.h"

#include "transit/proxy/pp2.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

#define START "\r\n\r\n\0\r\nQUIT\n"
#define TCP4(size) START "\x21\x11\0" size "\xc0\0\2\1\xc6\x33\x64\2\xc3\x50\x01\xbb"
#define TEXT(literal) \
  { (const uint8_t *)(literal), sizeof(literal) - 1 }
#define BYTES(literal) ((struct bytes)TEXT(literal))

/* Reads a header that comes in pieces; each is in a block of its own size. */
static err_t read_in(struct bytes in, size_t step, struct pp2 *out, size_t *used) {
  err_t e = OK;
  *used = 0;
  for (size_t have = 0; e == OK && *used == 0 && have < in.size;) {
    have = in.size - have < step ? in.size : have + step;
    uint8_t *piece = malloc(have);
    assert_non_null(piece);
    memcpy(piece, in.data, have);
    e = pp2_read(bytes_of(piece, have), out, used);
    free(piece);
  }
  /* Views of what is there still. */
  return e == OK && *used ? pp2_read(bytes_of(in.data, *used), out, used) : e;
}

static struct sockaddr_storage ipv4(const char *address, uint16_t port) {
  struct sockaddr_storage s = { 0 };
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
  assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
  memcpy(&s, &in, sizeof in);
  return s;
}

static struct sockaddr_storage ipv6(const char *address, uint16_t port) {
  struct sockaddr_storage s = { 0 };
  struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
  assert_int_equal(inet_pton(AF_INET6, address, &in.sin6_addr), 1);
  memcpy(&s, &in, sizeof in);
  return s;
}

static struct sockaddr_storage path(const char *name) {
  struct sockaddr_storage s = { 0 };
  struct sockaddr_un un = { .sun_family = AF_UNIX };
  memcpy(un.sun_path, name, strlen(name));
  memcpy(&s, &un, sizeof un);
  return s;
}

static void assert_same(const struct pp2 *a, const struct pp2 *b) {
  assert_int_equal(a->local, b->local);
  assert_memory_equal(&a->from, &b->from, sizeof a->from);
  assert_memory_equal(&a->to, &b->to, sizeof a->to);
  assert_bytes(a->alpn, b->alpn);
  assert_bytes(a->authority, b->authority);
  assert_bytes(a->tls_version, b->tls_version);
  assert_bytes(a->common_name, b->common_name);
  assert_bytes(a->cipher, b->cipher);
}

static void assert_survives(const struct pp2 *p, const struct pp2 *expected) {
  AUTO_BUF out = BUF_EMPTY;
  struct pp2 got;
  size_t used;
  assert_ok(pp2_write(p, &out));
  size_t size = out.size;
  buf_put_str(&out, "\r\n\r\nwhat follows");
  for (size_t step = 1; step <= out.size; step++) {
    assert_ok(read_in(buf_bytes(&out), step, &got, &used));
    assert_int_equal(used, size);
    assert_same(&got, expected);
  }
}

static void written_is_read(void **state) {
  const struct pp2 all[] = {
    { .local = true },
    { .from.ss_family = AF_UNSPEC },
    { .from = ipv4("192.0.2.1", 50000), .to = ipv4("198.51.100.2", 443) },
    { .from = ipv6("2001:db8::1", 50000), .to = ipv6("::1", 443), .alpn = str("h2") },
    { .from = path("/run/a"), .to = path("/run/b"), .authority = str("db.example") },
    { .from = ipv4("192.0.2.1", 1),
      .to = ipv4("192.0.2.2", 2),
      .alpn = str("postgresql"),
      .authority = str("db.example"),
      .tls_version = str("TLSv1.3"),
      .common_name = str("spiffe://example/app"),
      .cipher = str("TLS_AES_256_GCM_SHA384") },
    { .tls_version = str("TLSv1.2") },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    assert_survives(&all[i], &all[i]);
}

static void written_is_as_specified(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  struct pp2 p = { .from = ipv4("192.0.2.1", 50000),
                   .to = ipv4("198.51.100.2", 443),
                   .alpn = str("h2"),
                   .authority = str("a.example"),
                   .tls_version = str("TLSv1.3"),
                   .common_name = str("app"),
                   .cipher = str("C") };
  assert_ok(pp2_write(&p, &out));
  assert_bytes(buf_bytes(&out),
               BYTES(TCP4("\x39") "\1\0\2h2\2\0\x09"
                                  "a.example\x20\0\x19\7\0\0\0\0\x21\0\7TLSv1.3\x22\0\3app\x23\0\1"
                                  "C"));
  buf_clear(&out);
  p = (struct pp2){ .local = true, .alpn = str("h2") };
  assert_ok(pp2_write(&p, &out));
  assert_bytes(buf_bytes(&out), BYTES(START "\x20\0\0\0"));
}

/* Addresses that do not belong together are not told. */
static void odd_addresses_are_not_told(void **state) {
  struct pp2 none = { 0 };
  struct pp2 mixed = { .from = ipv4("192.0.2.1", 1), .to = ipv6("::1", 2) };
  struct pp2 other = { .from.ss_family = AF_PACKET, .to.ss_family = AF_PACKET };
  assert_survives(&mixed, &none);
  assert_survives(&other, &none);
}

static void nothing_is_cut(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  static const char big[70000];
  struct pp2 p = { .alpn = bytes_of(big, 255),
                   .authority = bytes_of(big, 255),
                   .tls_version = bytes_of(big, 255),
                   .common_name = bytes_of(big, 255),
                   .cipher = bytes_of(big, 255) };
  assert_survives(&p, &p);
  const size_t sizes[] = { PP2_SIZE_MAX, 65535, 65536, 65540, 70000 };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    p.common_name.size = sizes[i];
    assert_err(pp2_write(&p, &out), ERR_TOO_LARGE);
    p.common_name.size = 0;
    p.alpn.size = sizes[i];
    assert_err(pp2_write(&p, &out), ERR_TOO_LARGE);
    p.alpn.size = 0;
  }
  assert_int_equal(out.size, 0);
}

static void local_is_only_local(void **state) {
  struct pp2 p;
  size_t used;
  static const struct bytes locals[] = {
    TEXT(START "\x20\0\0\0"),
    TEXT(START "\x20\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xc3\x50\x01\xbb"),
    TEXT(START "\x20\xff\0\3xyz"),
  };
  for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
    assert_ok(read_in(locals[i], 1, &p, &used));
    assert_int_equal(used, locals[i].size);
    assert_true(p.local);
    assert_int_equal(p.from.ss_family, AF_UNSPEC);
  }
}

/* Checksums made by another implementation. */
static void checksums_are_checked(void **state) {
  static const char good[] = TCP4("\x13") "\3\0\4\xa8\xf4\x07\xb1";
  static const char moved[] = TCP4("\x1d") "\4\0\1x\3\0\4\x48\xc2\x63\x39\2\0\3abc";
  const struct bytes headers[] = { TEXT(good), TEXT(moved) };
  struct pp2 p;
  size_t used;
  for (size_t i = 0; i < 2; i++) {
    assert_ok(pp2_read(headers[i], &p, &used));
    assert_int_equal(used, headers[i].size);
    for (size_t bit = 8 * 16; bit < 8 * headers[i].size; bit++) {
      uint8_t bad[64];
      memcpy(bad, headers[i].data, headers[i].size);
      bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
      err_t e = pp2_read(bytes_of(bad, headers[i].size), &p, &used);
      size_t crc = headers[i].size - (i ? 13 : 7); /* its type: another one is passed over */
      if (bit / 8 != crc)
        assert_err(e, ERR_BAD_PARAMETER);
    }
  }
}

/* The name is one that the proxy has verified, or none. */
static void names_are_verified_ones(void **state) {
#define SSL(client, verify) \
  START "\x21\0\0\x1b\x20\0\x18" client "\0\0\0" verify "\x21\0\7TLSv1.3\x22\0\6wanted"
  static const struct {
    struct bytes header;
    bool tls, name;
  } cases[] = {
    { TEXT(SSL("\7", "\0")), true, true },   { TEXT(SSL("\3", "\0")), true, true },
    { TEXT(SSL("\5", "\0")), true, true },   { TEXT(SSL("\1", "\0")), true, false },
    { TEXT(SSL("\7", "\1")), true, false },  { TEXT(SSL("\6", "\0")), false, false },
    { TEXT(SSL("\0", "\0")), false, false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct pp2 p;
    size_t used;
    assert_ok(pp2_read(cases[i].header, &p, &used));
    assert_text(p.tls_version, cases[i].tls ? "TLSv1.3" : "");
    assert_text(p.common_name, cases[i].name ? "wanted" : "");
  }
}

static void unknown_values_are_passed_over(void **state) {
  static const char header[] =
    START "\x21\0\0\x1e\4\0\0\5\0\2id\x30\0\2ns\xee\0\1x\x22\0\3cnx\2\0\4good";
  struct pp2 p;
  size_t used;
  assert_ok(read_in(BYTES(header), 1, &p, &used));
  assert_text(p.authority, "good");
  assert_text(p.common_name, "");
}

static void bad_headers_are_refused(void **state) {
  static const struct {
    struct bytes header;
    const char *why;
  } bad[] = {
    { TEXT("GET / HTTP/1.1\r\n"), "no PROXY header" },
    { TEXT("\x16\3\1"), "no PROXY header" },
    { TEXT("\r\n\r\n\1"), "no PROXY header" },
    { TEXT("PROXIES"), "no PROXY header" },
    { TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), "version 1" },
    { TEXT("PROXY UNKNOWN\r\n"), "version 1" },
    { TEXT(START "\x11\x11\0\0"), "unknown version or command" },
    { TEXT(START "\x31\x11\0\0"), "unknown version or command" },
    { TEXT(START "\x22\x11\0\0"), "unknown version or command" },
    { TEXT(START "\x21\x12\0\0"), "datagrams" },
    { TEXT(START "\x21\x22\0\0"), "datagrams" },
    { TEXT(START "\x21\x32\0\0"), "datagrams" },
    { TEXT(START "\x21\x13\0\0"), "unknown address family" },
    { TEXT(START "\x21\x41\0\0"), "unknown address family" },
    { TEXT(START "\x21\x10\0\0"), "unknown address family" },
    { TEXT(START "\x21\x01\0\0"), "unknown address family" },
    { TEXT(START "\x21\0\x0f\xf1"), "more than" },
    { TEXT(START "\x21\0\xff\xff"), "more than" },
    { TEXT(START "\x20\0\xff\xff"), "more than" },
    { TEXT(START "\x21\x11\0\x0b\xc0\0\2\1\xc6\x33\x64\2\xc3\x50\x01"), "within its addresses" },
    { TEXT(START "\x21\x21\0\0"), "within its addresses" },
    { TEXT(START "\x21\x31\0\0"), "within its addresses" },
    { TEXT(START "\x21\0\0\1\1"), "values are malformed" },
    { TEXT(START "\x21\0\0\2\1\0"), "values are malformed" },
    { TEXT(START "\x21\0\0\3\1\0\1"), "values are malformed" },
    { TEXT(START "\x21\0\0\4\1\xff\xffx"), "values are malformed" },
    { TEXT(START "\x21\0\0\x08\1\0\1x\1\0\1y"), "twice" },
    { TEXT(START "\x21\0\0\6\1\0\0\1\0\0"), "twice" },
    { TEXT(START "\x21\0\0\6\3\0\3abc"), "checksum is malformed" },
    { TEXT(START "\x21\0\0\7\3\0\4abcd"), "checksum is wrong" },
    { TEXT(START "\x21\0\0\x0e\3\0\4abcd\3\0\4abcd"), "twice" },
    { TEXT(START "\x21\0\0\7\x20\0\4\7\0\0\0"), "values are malformed" },
    { TEXT(START "\x21\0\0\x0a\x20\0\7\7\0\0\0\0\x21\0"), "values are malformed" },
    { TEXT(START "\x21\0\0\x0e\x20\0\x0b\7\0\0\0\0\x22\0\0\x22\0\0"), "twice" },
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct pp2 p;
    size_t used;
    assert_err(read_in(bad[i].header, SIZE_MAX, &p, &used), ERR_BAD_PARAMETER);
    if (!strstr(err_reason(ERR_BAD_PARAMETER), bad[i].why))
      fail_msg("'%s' instead of '%s'", err_reason(ERR_BAD_PARAMETER), bad[i].why);
    assert_err(read_in(bad[i].header, 1, &p, &used), ERR_BAD_PARAMETER);
    assert_non_null(strstr(err_reason(ERR_BAD_PARAMETER), bad[i].why));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(written_is_read),
    cmocka_unit_test(written_is_as_specified),
    cmocka_unit_test(odd_addresses_are_not_told),
    cmocka_unit_test(nothing_is_cut),
    cmocka_unit_test(local_is_only_local),
    cmocka_unit_test(checksums_are_checked),
    cmocka_unit_test(names_are_verified_ones),
    cmocka_unit_test(unknown_values_are_passed_over),
    cmocka_unit_test(bad_headers_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
