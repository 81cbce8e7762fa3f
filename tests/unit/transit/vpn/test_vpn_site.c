/* The site file: what is taken, and what is refused in which words. */
#include "fault/oom.h"
#include "transit/vpn/site.h"
#include "unit/asserts.h"

static const char *const hub = "name = hub.corp.example\r\n"
                               "address = 192.0.2.1\n"
                               "subnets = 10.1.0.0/24, fd00:1::/64\n"
                               "policy = azure\n"
                               "\n"
                               "[peer spoke1.corp.example]\n"
                               "address = spoke1.corp.example\n"
                               "subnets = 10.2.0.0/24\n"
                               "local = 10.1.0.0/24, 10.3.0.0/24\n"
                               "policy = strict\n"
                               "esp_seconds = 600\n"
                               "\n"
                               "  [ peer  spoke2.corp.example ]\n"
                               "; it dials\n"
                               "subnets = 10.3.0.0/24\n"
                               "subnets = 10.4.0.0/16\n";

static void reads_all_of_it(void **state) {
  AUTO(site) struct site *s = NULL;
  assert_ok(site_parse(str(hub), "test", &s));
  assert_string_equal(s->name, "hub.corp.example");
  assert_string_equal(s->address, "192.0.2.1");
  assert_string_equal(s->state, SITE_STATE);
  assert_int_equal(s->nets.count, 2);
  assert_string_equal(s->nets.items[1].text, "fd00:1::/64");
  assert_int_equal(s->esp, ESP_AUTO);
  assert_int_equal(s->dpd_s, 30);
  assert_int_equal(s->peer_count, 2);
  const struct site_peer *one = &s->peers[0], *two = &s->peers[1];
  assert_string_equal(one->address, "spoke1.corp.example");
  assert_string_equal(one->policy->name, "strict");
  assert_int_equal(one->local.count, 2);
  assert_string_equal(one->local.items[1].text, "10.3.0.0/24");
  assert_int_equal(one->esp_s, 600);
  assert_int_equal(one->ike_s, one->policy->ike_s);
  assert_string_equal(two->name, "spoke2.corp.example");
  assert_string_equal(two->address, SITE_ANY);
  assert_string_equal(two->policy->name, "azure");
  assert_int_equal(two->nets.count, 2);
  assert_int_equal(two->local.count, 2);
  assert_ptr_equal(site_peer(s, str("SPOKE2.corp.example")), two);
  assert_null(site_peer(s, str("spoke3.corp.example")));
}

#define SITE "name = a.example\nsubnets = 10.1.0.0/24\n"
#define PEER "[peer b.example]\naddress = 192.0.2.2\nsubnets = 10.2.0.0/24\n"

#define NOWHERE(address) "[peer b.example]\naddress = " address "\nsubnets = 10.2.0.0/24\n"

static const struct {
  const char *text, *why;
} refused[] = {
  { "", "name =  is no DNS name" },
  { SITE, "there is no [peer NAME] section" },
  { "subnets = 10.1.0.0/24\n" PEER, "is no DNS name" },
  { "name = a.example\n" PEER, "subnets is missing: the networks of this site" },
  { "name = *.example\nsubnets = 10.1.0.0/24\n" PEER, "name = *.example is no DNS name" },
  { "name = 192.0.2.1\nsubnets = 10.1.0.0/24\n" PEER, "name = 192.0.2.1 is no DNS name" },
  { SITE "address = nowhere\n" PEER, "address = nowhere is no IP address, nor %any" },
  { SITE "address = 10.0.0.256\n" PEER, "is no IP address" },
  { SITE "state = here\n" PEER, "state takes an absolute path" },
  { SITE "certificate_seconds = 14\n" PEER, "certificate_seconds takes 15 at least" },
  { SITE "policy = lenient\n" PEER, "line 3: policy takes one of strict azure, not 'lenient'" },
  { SITE "foo = 1\n" PEER, "line 3: there is no key 'foo'" },
  { SITE PEER "foo = 1\n", "line 6: there is no key 'foo'" },
  { SITE PEER "[other]\nfoo = 1\n", "line 7: there is no key 'foo' in section [other]" },
  { SITE PEER "[peer b.example\n", "line 6: a section is written [name]" },
  { SITE "[peer]\n", "line 3: a peer's section is written [peer NAME]" },
  { SITE "[peer b.example c]\n", "not 'b.example c'" },
  { SITE "[peer b_.example]\n", "not 'b_.example'" },
  { SITE PEER "[peer B.example]\n", "line 6: the peer B.example is there already" },
  { SITE "[peer b.example]\n", "b.example: subnets is missing" },
  { SITE "[peer A.example]\nsubnets = 10.2.0.0/24\n", "has this site's own name" },
  { SITE "[peer b.example]\naddress = a b\nsubnets = 10.2.0.0/24\n",
    "is no IP address or DNS name, nor %any" },
  { SITE "[peer b.example]\nsubnets = 10.2.0.1/24\n", "'10.2.0.1/24' is no network" },
  { SITE "[peer b.example]\nsubnets = ten\n", "'ten' is no network" },
  { SITE "[peer b.example]\nsubnets = 10.1.0.128/25\n",
    "10.1.0.0/24 of this site and 10.1.0.128/25 of b.example overlap" },
  { SITE "[peer b.example]\nsubnets = 10.0.0.0/8\n", "overlap: no network can be at both ends" },
  { SITE "[peer b.example]\nsubnets = 10.2.0.0/24, 10.2.0.0/25\n",
    "10.2.0.0/24 and 10.2.0.0/25 overlap" },
  { SITE PEER "[peer c.example]\nsubnets = 10.2.0.0/16\n",
    "10.2.0.0/24 of b.example and 10.2.0.0/16 of c.example overlap" },
  { SITE PEER "local = 10.1.0.0/24, 10.2.0.0/25\n", "local has 10.2.0.0/25, which overlaps" },
  { SITE PEER "[peer c.example]\nsubnets = 192.0.2.0/24\n", "holds the address of the peer" },
  { SITE "[peer b.example]\nsubnets = 0.0.0.0/0\n", "overlap" },
  { SITE "address = 10.2.0.7\n" PEER, "10.2.0.0/24 of b.example holds this site's own address" },
  { SITE "address = 2001:db8::1\n" PEER, "are not both IPv4 or IPv6" },
  { SITE "[peer b.example]\nsubnets = fd00::/64\n", "there is nothing to join" },
  { SITE PEER "local = fd00::/64\n", "there is nothing to join" },
  { SITE "subnets = 127.0.0.0/8\n" PEER, "127.0.0.0/8 is no network that another site" },
  { SITE "subnets = ::1\n" PEER, "::1 is no network" },
  { SITE "[peer b.example]\nsubnets = 239.1.0.0/16\n", "239.1.0.0/16 is no network" },
  { SITE "[peer b.example]\nsubnets = ff02::/16\n", "ff02::/16 is no network" },
  { SITE PEER "local = 127.0.0.1\n", "127.0.0.1 is no network" },
  { SITE "address = 0.0.0.0\n" PEER, "address = 0.0.0.0 is none of a gateway" },
  { SITE NOWHERE("0.0.0.0"), "b.example: address = 0.0.0.0 is none of a gateway; %any" },
  { SITE NOWHERE("::"), "address = :: is none" },
  { SITE NOWHERE("255.255.255.255"), "address = 255.255.255.255 is none" },
  { SITE NOWHERE("224.0.0.1"), "address = 224.0.0.1 is none" },
  { SITE NOWHERE("ff02::1"), "address = ff02::1 is none" },
  { SITE "subnets = 10.0.0.0/8\n" PEER, "10.1.0.0/24 and 10.0.0.0/8 overlap" },
};

static void refuses(void **state) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    struct site *s = NULL;
    err_t e = site_parse(str(refused[i].text), "test", &s);
    assert_int_equal(e, ERR_CONFIG);
    assert_null(s);
    if (!strstr(err_last()->why, refused[i].why))
      fail_msg("'%s' does not say '%s'", err_last()->why, refused[i].why);
  }
}

static void names(void **state) {
  static const char *const good[] = { "a", "gw-a.corp.example", "1.a", "xn--p1ai", "A.B" };
  static const char *const bad[] = {
    "",     ".",   "a.",  ".a",   "a..b", "-a",  "a-",  "a-.b",
    "a.-b", "a b", "a_b", "a\nb", "1.2",  "*.a", "a/b", "\xc3\xa4"
  };
  char text[300];
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    assert_true(site_name_valid(good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (site_name_valid(bad[i]))
      fail_msg("'%s' was taken", bad[i]);
  memset(text, 'a', 63);
  text[63] = '\0';
  assert_true(site_name_valid(text));
  text[63] = 'a';
  text[64] = '\0';
  assert_false(site_name_valid(text));
  for (size_t i = 0; i < sizeof text - 1; i++)
    text[i] = i % 50 == 49 ? '.' : 'a';
  text[299] = '\0';
  assert_false(site_name_valid(text));
  text[253] = '\0';
  assert_true(site_name_valid(text));
}

static void as_many_as_there_may_be(void **state) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO(site) struct site *s = NULL;
  buf_put_str(&text, SITE);
  for (unsigned i = 0; i < SITE_PEERS_MAX; i++)
    buf_printf(&text, "[peer p%u.example]\nsubnets = 10.2.%u.0/24\n", i, i);
  assert_ok(site_parse(buf_bytes(&text), "test", &s));
  assert_int_equal(s->peer_count, SITE_PEERS_MAX);
  buf_put_str(&text, "[peer q.example]\nsubnets = 10.3.0.0/24\n");
  struct site *none = NULL;
  assert_err(site_parse(buf_bytes(&text), "test", &none), ERR_CONFIG);
  assert_non_null(strstr(err_last()->why, "more than 64 peers"));
}

static void survives_out_of_memory(void **state) {
  unsigned long n = 1;
  for (;; n++) {
    AUTO(site) struct site *s = NULL;
    oom_start(n, OOM_ONE);
    err_t e = site_parse(str(hub), "test", &s);
    if (!oom_stop()) {
      assert_int_equal(e, OK);
      break;
    }
    assert_int_equal(e, ERR_NOMEM);
    assert_null(s);
  }
  assert_true(n > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_all_of_it),
    cmocka_unit_test(refuses),
    cmocka_unit_test(names),
    cmocka_unit_test(as_many_as_there_may_be),
    cmocka_unit_test(survives_out_of_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
