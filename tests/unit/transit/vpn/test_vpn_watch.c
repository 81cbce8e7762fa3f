/* What a captured packet is judged to be. */
#include "transit/vpn/watch.h"
#include "unit/asserts.h"

static struct site_nets nets;
static struct watch_peer peer = { .nets = &nets };

static int setup(void **state) {
  static const char *const inner[] = { "10.2.0.0/24", "fd00:2::/64" };
  for (size_t i = 0; i < 2; i++)
    assert_true(cidr_parse(str(inner[i]), &nets.items[i].is));
  nets.count = 2;
  assert_true(cidr_parse(str("192.0.2.2"), &peer.address));
  return 0;
}

static void put_v4(struct buf *b, const char *from, const char *to, uint8_t protocol,
                   uint8_t offset) {
  struct cidr f, t;
  uint8_t h[20] = { 0x45, [7] = offset, [8] = 64, [9] = protocol };
  assert_true(cidr_parse(str(from), &f) && cidr_parse(str(to), &t));
  memcpy(h + 12, f.address, 4);
  memcpy(h + 16, t.address, 4);
  buf_put(b, h, sizeof h);
}

static void put_udp(struct buf *b, unsigned from, unsigned to, const char *data, size_t size) {
  const uint8_t h[8] = { (uint8_t)(from >> 8), (uint8_t)from, (uint8_t)(to >> 8), (uint8_t)to };
  buf_put(b, h, sizeof h);
  buf_put(b, data, size);
}

static void judges(void **state) {
  static const struct {
    const char *from, *to;
    uint8_t protocol, offset;
    unsigned port;
    const char *data;
    size_t size;
    enum watch_kind kind;
    const char *what;
  } cases[] = {
    { "192.0.2.1", "192.0.2.2", 17, 0, 500, "x", 1, WATCH_IKE, "UDP port 500" },
    { "192.0.2.1", "192.0.2.2", 17, 0, 4500, "\0\0\0\0ike", 7, WATCH_IKE, "UDP port 4500" },
    { "192.0.2.1", "192.0.2.2", 17, 0, 4500, "\xff", 1, WATCH_IKE, "UDP port 4500" },
    { "192.0.2.1", "192.0.2.2", 17, 0, 4500, "\1\2\3\4esp", 7, WATCH_ESP, "UDP port 4500" },
    { "192.0.2.2", "192.0.2.1", 50, 0, 0, "", 0, WATCH_ESP, "IP protocol 50" },
    { "192.0.2.1", "192.0.2.2", 6, 0, 443, "", 0, WATCH_FOREIGN, "TCP port 443" },
    { "192.0.2.1", "192.0.2.2", 17, 0, 53, "", 0, WATCH_FOREIGN, "UDP port 53" },
    { "192.0.2.1", "192.0.2.2", 1, 0, 0, "", 0, WATCH_FOREIGN, "ICMP" },
    { "192.0.2.1", "192.0.2.2", 17, 1, 500, "x", 1, WATCH_FOREIGN, "UDP port 0" },
    { "192.0.2.1", "192.0.2.3", 6, 0, 443, "", 0, WATCH_OTHER, "TCP port 443" },
    { "10.1.0.1", "10.2.0.9", 17, 0, 9, "", 0, WATCH_CLEAR, "UDP port 9" },
    { "10.2.0.9", "10.1.0.1", 6, 0, 80, "", 0, WATCH_CLEAR, "TCP port 80" },
    { "10.2.0.9", "192.0.2.1", 17, 0, 500, "x", 1, WATCH_CLEAR, "UDP port 500" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_BUF b = BUF_EMPTY;
    char what[48];
    put_v4(&b, cases[i].from, cases[i].to, cases[i].protocol, cases[i].offset);
    put_udp(&b, cases[i].port, cases[i].port, cases[i].data, cases[i].size);
    enum watch_kind kind = watch_judge(&peer, buf_bytes(&b), what);
    if (kind != cases[i].kind || strcmp(what, cases[i].what) != 0)
      fail_msg("case %zu: %d, %s", i, (int)kind, what);
    for (size_t n = 0; n < b.size; n++) /* cut off */
      (void)watch_judge(&peer, bytes_of(b.data, n), what);
  }
}

/* That nobody listens for ESP is said by ICMP; that nobody listens for the web is not of the
 * tunnel. */
static void errors_about_esp(void **state) {
  static const struct {
    unsigned port;
    uint8_t type;
    enum watch_kind kind;
  } cases[] = { { 4500, 3, WATCH_IKE }, { 80, 3, WATCH_FOREIGN }, { 4500, 8, WATCH_FOREIGN } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_BUF b = BUF_EMPTY;
    char what[48];
    const uint8_t icmp[8] = { cases[i].type, 3 };
    put_v4(&b, "192.0.2.2", "192.0.2.1", 1, 0);
    buf_put(&b, icmp, sizeof icmp);
    put_v4(&b, "192.0.2.1", "192.0.2.2", 17, 0);
    put_udp(&b, cases[i].port, cases[i].port, "", 0);
    assert_int_equal(watch_judge(&peer, buf_bytes(&b), what), cases[i].kind);
  }
}

static void v6(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  char what[48];
  struct cidr inner;
  uint8_t h[40] = { 0x60, [6] = 17 };
  assert_true(cidr_parse(str("fd00:2::7"), &inner));
  memcpy(h + 24, inner.address, 16);
  buf_put(&b, h, sizeof h);
  put_udp(&b, 1, 9, "", 0);
  assert_int_equal(watch_judge(&peer, buf_bytes(&b), what), WATCH_CLEAR);
  b.data[39] = 1;
  b.data[24] = 0x20;
  assert_int_equal(watch_judge(&peer, buf_bytes(&b), what), WATCH_OTHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(judges),
    cmocka_unit_test(errors_about_esp),
    cmocka_unit_test(v6),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
