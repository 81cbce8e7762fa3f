/* What a proxy's configuration becomes, and what is refused. */
#include "../asserts.h"
#include "fault/oom.h"

#include "cli/proxy/config.h"

#include <stdlib.h>

#define WORDS_MAX 32
static err_t parse(const char *const *words, unsigned sockets, struct proxy_config *c) {
  const struct config_sockets activated = { 3, sockets };
  char *argv[WORDS_MAX] = { 0 };
  int argc = 0;
  for (; words[argc]; argc++)
    argv[argc] = (char *)words[argc];
  return proxy_config_read(argc, argv, &activated, c);
}
#define PARSE(c, ...) parse((const char *const[]){ __VA_ARGS__, NULL }, 0, c)

#define SERVER "--listen=127.0.0.1:0", "--name=a.example", "--state=/s"
#define CLIENT SERVER, "--mode=client"

static void routes_are_grouped(void **state) {
  AUTO_PROXY_CONFIG c = { 0 };
  assert_ok(PARSE(&c, SERVER, "--allow", "b.example", "--route", "x.example=/run/x1", "--to",
                  "/run/default", "--route=.y.example=127.0.0.1:80", "--route",
                  "X.example=/run/x2"));
  assert_int_equal(c.proxy.route_count, 3);
  assert_string_equal(c.proxy.routes[0].name, "");
  assert_string_equal(c.proxy.routes[1].name, "x.example");
  assert_int_equal(c.proxy.routes[1].backend_count, 2);
  assert_string_equal(c.proxy.routes[1].backends[1], "/run/x2");
  assert_string_equal(c.proxy.routes[2].backends[0], "127.0.0.1:80");
  assert_string_equal(c.proxy.routes[2].peers.patterns[0], "b.example");
  assert_string_equal(c.enrol.profile, "server");
  assert_true(c.enrol.lists);
}

static void names_follow(void **state) {
  static const struct {
    const char *to, *other, *server_name;
  } cases[] = {
    { "db.example:5432", NULL, "db.example" },     { "192.0.2.1:5432", NULL, "192.0.2.1" },
    { "[2001:db8::1]:5432", NULL, "2001:db8::1" }, { "db.example:1", "db.example:2", "db.example" },
    { "db.example:1", "other.example:1", NULL },   { "/run/tls.sock", NULL, NULL },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_PROXY_CONFIG c = { 0 };
    err_t e = PARSE(&c, CLIENT, "--to", cases[i].to, cases[i].other ? "--to" : NULL,
                    cases[i].other ? cases[i].other : NULL);
    assert_int_equal(e, cases[i].server_name ? OK : ERR_USAGE);
    if (cases[i].server_name)
      assert_string_equal(c.routes[0].server_name, cases[i].server_name);
  }
}

static void profiles_follow(void **state) {
  AUTO_PROXY_CONFIG c = { 0 }, d = { 0 }, s = { 0 };
  assert_ok(PARSE(&c, "--listen=/run/a", "--name=spiffe://x/a", "--state=/s", "--mode=client",
                  "--to=b.example:1"));
  assert_string_equal(c.enrol.profile, "workload");
  assert_string_equal(c.service, "/run/a");
  assert_ok(PARSE(&d, CLIENT, "--to=b.example:1", "--service=shop"));
  assert_string_equal(d.enrol.profile, "client");
  assert_string_equal(d.service, "shop");
  assert_ok(parse(
    (const char *const[]){ "--name=a.example", "--state=/s", "--to=/run/a", "--allow-any", NULL },
    2, &s));
  assert_int_equal(s.proxy.inherited_count, 2);
  assert_int_equal(s.proxy.inherited[1], 4);
}

static void assert_refused(const char *const *words, const char *text) {
  AUTO_PROXY_CONFIG c = { 0 };
  assert_err(parse(words, 0, &c), ERR_USAGE);
  if (!strstr(err_reason(ERR_USAGE), text))
    fail_msg("'%s' instead of '%s'", err_reason(ERR_USAGE), text);
}
#define REFUSED(text, ...) assert_refused((const char *const[]){ __VA_ARGS__, NULL }, text)

#define TEN "aaaaaaaaaa"
#define LONG_PATH "/aaaaaaa" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN /* 108 bytes */

static void nonsense_is_refused(void **state) {
  REFUSED("there is no option --config", SERVER, "--to=/run/a", "--allow-any", "--config");
  REFUSED("there is no option --configs", "--configs=x");
  REFUSED("cannot read", "--config=/nonexistent");
  REFUSED("NAME=TARGET", SERVER, "--allow-any", "--route==/run/a");
  REFUSED("NAME=TARGET", SERVER, "--allow-any", "--route=a.example=");
  REFUSED("neither an address and port", SERVER, "--allow-any", "--to=relative/path");
  REFUSED("not on this machine", SERVER, "--allow-any", "--to=10.0.0.1:80");
  REFUSED("not on this machine", SERVER, "--allow-any", "--route=a.example=b.example:80");
  REFUSED("is not a pattern", SERVER, "--to=/run/a", "--allow=a b");
  REFUSED("plain text that others reach", "--listen=10.0.0.1:1", "--name=a.example", "--state=/s",
          "--mode=client", "--to=b.example:1");
  REFUSED("--listen takes ADDRESS:PORT", "--listen=localhost:1", "--name=a.example", "--state=/s",
          "--mode=client", "--to=b.example:1");
  REFUSED("--listen takes ADDRESS:PORT", "--listen=443", "--name=a.example", "--state=/s",
          "--to=/run/a", "--allow-any");
  REFUSED("--listen takes ADDRESS:PORT", SERVER, "--to=/run/a", "--allow-any",
          "--listen=127.0.0.1:99999");
  REFUSED("IPv6 in brackets", SERVER, "--to=/run/a", "--allow-any", "--listen=::1:15599");
  REFUSED("at most 107 bytes, not 108", SERVER, "--to=/run/a", "--allow-any",
          "--listen=" LONG_PATH);
  REFUSED("--admin takes", SERVER, "--to=/run/a", "--allow-any", "--admin=127.0.0.1:99999");
  REFUSED("IPv6 in brackets", SERVER, "--to=/run/a", "--allow-any", "--admin=::1:1");
  REFUSED("--admin: the path", SERVER, "--to=/run/a", "--allow-any", "--admin=" LONG_PATH);
  REFUSED("longer than 107 bytes", SERVER, "--to=" LONG_PATH, "--allow-any");
  REFUSED("neither an address and port", SERVER, "--to=127.0.0.1:99999", "--allow-any");
  REFUSED("needs brackets", SERVER, "--to=::1:80", "--allow-any");
  REFUSED("needs brackets", CLIENT, "--to=2001:db8::1:80");
  REFUSED("no name that clients ask for", SERVER, "--allow-any", "--route=*.example=/run/a");
  REFUSED("no name that clients ask for", SERVER, "--allow-any", "--route=.=/run/a");
  REFUSED("no name that clients ask for", SERVER, "--allow-any", "--route=a b=/run/a");
  REFUSED("'OU=' is not a pattern", SERVER, "--to=/run/a", "--allow=OU=");
  REFUSED("'XX=1' is not a pattern", SERVER, "--to=/run/a", "--allow=XX=1");
  REFUSED("--subject takes attributes", SERVER, "--to=/run/a", "--allow-any", "--subject=XX=1");
  REFUSED("--alpn needs a value", SERVER, "--to=/run/a", "--allow-any", "--alpn", "");
  REFUSED("--allow needs a value", SERVER, "--to=/run/a", "--allow= , ");
  REFUSED("neither a name nor a SPIFFE ID", CLIENT, "--to=b.example:1", "--server-name=http://x");
  REFUSED("max_connections takes", SERVER, "--to=/run/a", "--allow-any", "--max-connections=0");
  REFUSED("--socket-mode takes", SERVER, "--to=/run/a", "--allow-any", "--socket-mode=0");
  REFUSED("--lifetime takes 15s", SERVER, "--to=/run/a", "--allow-any", "--lifetime=14s");
  REFUSED("not a socket", SERVER, "--to=/run/a", "--allow-any", "--listen=/dev/null");
  REFUSED("not a socket", SERVER, "--to=/run/a", "--allow-any", "--admin=/dev/null");
  REFUSED("--profile server is refused", CLIENT, "--to=b.example:1", "--profile=server");
}

static void circles_are_refused(void **state) {
  static const struct {
    bool client;
    const char *listen, *to;
    bool circle;
  } cases[] = {
    { true, "127.0.0.1:17309", "127.0.0.1:17309", true },
    { true, "127.0.0.1:17309", "0.0.0.0:17309", true },
    { true, "127.0.0.1:17309", "localhost:17309", true },
    { true, "127.0.0.1:17309", "127.0.0.1:17310", false },
    { true, "127.0.0.1:17309", "127.0.0.2:17309", false },
    { true, "[::1]:17309", "[::1]:17309", true },
    { true, "[::1]:17309", "[::1]:17310", false },
    { true, "[::1]:17309", "127.0.0.1:17309", false },
    { true, "/run/a", "/run/a", true },
    { false, "/run/a", "/run/a", true },
    { false, "/run/a", "/run/ab", false },
    { false, "0.0.0.0:17309", "127.0.0.5:17309", true },
    { false, "0.0.0.0:17309", "localhost:17309", true },
    { false, "0.0.0.0:17309", "[::1]:17309", false }, /* only IPv4 listens there */
    { false, "[::]:17309", "[::1]:17309", true },
    { false, "[::]:17309", "localhost:17309", true },
    { false, "192.0.2.1:17309", "127.0.0.1:17309", false },
    { false, "127.0.0.1:0", "127.0.0.1:1", false },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    AUTO_PROXY_CONFIG c = { 0 };
    err_t e =
      PARSE(&c, "--name=a.example", "--state=/s", "--listen", cases[i].listen, "--to", "/run/other",
            "--to", cases[i].to, cases[i].client ? "--mode=client" : "--allow-any",
            cases[i].client ? "--server-name=b.example" : NULL);
    bool refused = e == ERR_USAGE && strstr(err_reason(e), "goes there, too");
    if (refused != cases[i].circle || (!refused && e != OK))
      fail_msg("case %zu: %s", i, e ? err_reason(e) : "OK");
  }
  REFUSED("goes there, too", "--name=a.example", "--state=/s", "--listen=127.0.0.1:17309",
          "--allow-any", "--to=/run/a", "--route=x.example=127.0.0.1:17309");
}

static void too_many_targets_are_refused(void **state) {
  const char *words[WORDS_MAX] = { SERVER, "--allow-any" };
  for (unsigned i = 4; i < 4 + CONFIG_BACKENDS_MAX + 1; i++)
    words[i] = "--to=/run/a";
  assert_refused(words, "at most 16 targets");
}

static void memory_runs_out(void **state) {
  for (unsigned long n = 1;; n++) {
    AUTO_PROXY_CONFIG c = { 0 };
    oom_start(n, OOM_ONE);
    err_t e = PARSE(&c, SERVER, "--route=x.example=/run/x1", "--to=/run/a", "--allow=b.example");
    if (!oom_stop())
      break;
    assert_int_equal(e, ERR_NOMEM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(routes_are_grouped),  cmocka_unit_test(names_follow),
    cmocka_unit_test(profiles_follow),     cmocka_unit_test(nonsense_is_refused),
    cmocka_unit_test(circles_are_refused), cmocka_unit_test(too_many_targets_are_refused),
    cmocka_unit_test(memory_runs_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
