/* What is written for others: strongSwan's configuration, tunnels as text and as messages, the
 * other side's settings. */
#include "transit/vpn/charon.h"
#include "transit/vpn/connection.h"
#include "transit/vpn/export.h"
#include "transit/vpn/vici_message.h"
#include "unit/asserts.h"

static const char *const file = "name = a.example\n"
                                "address = 192.0.2.1\n"
                                "subnets = 10.1.0.0/24, 10.5.0.0/16\n"
                                "nat = always\n"
                                "[peer b.example]\n"
                                "address = 192.0.2.2\n"
                                "subnets = 10.2.0.0/24\n"
                                "[peer azure.example]\n"
                                "policy = azure\n"
                                "subnets = 10.9.0.0/16\n"
                                "local = 10.1.0.0/24\n";

static struct site *make(void) {
  struct site *s = NULL;
  assert_ok(site_parse(str(file), "test", &s));
  return s;
}

static void has(struct buf *text, const char *part) {
  if (!strstr(buf_cstr(text), part))
    fail_msg("'%s' is not in:\n%s", part, (const char *)text->data);
}
static void has_not(struct buf *text, const char *part) {
  if (strstr(buf_cstr(text), part))
    fail_msg("'%s' is in:\n%s", part, (const char *)text->data);
}

static void a_tunnel_as_text(void **state) {
  AUTO(site) struct site *s = make();
  AUTO_BUF text = BUF_EMPTY;
  struct connection c = connection_of(s, &s->peers[0]);
  connection_put_text(&c, &text);
  assert_string_equal(buf_cstr(&text), "connections {\n"
                                       "  site {\n"
                                       "    version = 2\n"
                                       "    local_addrs = 192.0.2.1\n"
                                       "    remote_addrs = 192.0.2.2\n"
                                       "    proposals = aes256gcm16-prfsha384-ecp384\n"
                                       "    encap = yes\n"
                                       "    mobike = no\n"
                                       "    unique = replace\n"
                                       "    send_cert = always\n"
                                       "    dpd_delay = 30s\n"
                                       "    rekey_time = 14400s\n"
                                       "    reauth_time = 43200s\n"
                                       "    local {\n"
                                       "      auth = pubkey\n"
                                       "      id = a.example\n"
                                       "      certs = site.pem\n"
                                       "    }\n"
                                       "    remote {\n"
                                       "      auth = pubkey\n"
                                       "      id = b.example\n"
                                       "      revocation = ifuri\n"
                                       "    }\n"
                                       "    children {\n"
                                       "      net {\n"
                                       "        local_ts = 10.1.0.0/24, 10.5.0.0/16\n"
                                       "        remote_ts = 10.2.0.0/24\n"
                                       "        esp_proposals = aes256gcm16-ecp384\n"
                                       "        rekey_time = 3600s\n"
                                       "        dpd_action = restart\n"
                                       "        start_action = start\n"
                                       "      }\n"
                                       "    }\n"
                                       "  }\n"
                                       "}\n");
}

/* As our own strongSwan is told: nothing is dialled by itself, and lists must be there. */
static void a_tunnel_as_message(void **state) {
  AUTO(site) struct site *s = make();
  AUTO_BUF message = BUF_EMPTY, seen = BUF_EMPTY;
  struct connection c = connection_of(s, &s->peers[1]);
  struct bytes name, value;
  connection_put_message(&c, &message);
  struct vici_reader r = vici_reader_of(buf_bytes(&message));
  while (vici_read(&r, &name, &value)) {
    for (unsigned i = 0; i < r.depth; i++)
      buf_printf(&seen, BYTES_FMT "/", BYTES_ARG(r.section[i]));
    buf_printf(&seen, BYTES_FMT "=" BYTES_FMT "\n", BYTES_ARG(name), BYTES_ARG(value));
  }
  assert_false(r.bad);
  has(&seen, "azure.example/remote/id=azure.example\n");
  has(&seen, "azure.example/remote_addrs=%any\n");
  has(&seen, "azure.example/remote/revocation=strict\n");
  has(&seen, "azure.example/children/net/start_action=none\n");
  has(&seen, "azure.example/children/net/dpd_action=clear\n");
  has(&seen, "azure.example/children/net/local_ts=10.1.0.0/24\n");
  has(&seen, "azure.example/children/net/rekey_time=27000\n");
  has(&seen, "azure.example/rekey_time=28800\n");
  has(&seen, "azure.example/reauth_time=0\n");
  has(&seen, "azure.example/proposals=aes256-sha256-modp2048\n");
  has(&seen, "azure.example/children/net/esp_proposals=aes256gcm16-ecp384\n");
  buf_clear(&message);
  buf_clear(&seen);
  c.lists = false;
  connection_put_message(&c, &message);
  buf_put_bytes(&seen, buf_bytes(&message));
  assert_non_null(memmem(seen.data, seen.size, "relaxed", 7));
}

static void the_other_end(void **state) {
  AUTO(site) struct site *s = make();
  struct connection c = connection_of(s, &s->peers[0]), m = connection_mirror(&c);
  assert_string_equal(m.local_name, "b.example");
  assert_string_equal(m.remote_name, "a.example");
  assert_string_equal(m.local_address, "192.0.2.2");
  assert_ptr_equal(m.local, &s->peers[0].nets);
  assert_ptr_equal(m.remote, &s->peers[0].local);
  struct connection again = connection_mirror(&m);
  assert_string_equal(again.local_name, c.local_name);
  assert_ptr_equal(again.remote, c.remote);
}

static void strongswan_conf(void **state) {
  AUTO(site) struct site *s = make();
  AUTO_BUF kernel = BUF_EMPTY, user = BUF_EMPTY;
  charon_put_conf(s, false, &kernel);
  charon_put_conf(s, true, &user);
  has(&kernel, "nonce kernel-netlink");
  has_not(&kernel, "kernel-libipsec");
  has(&user, "nonce kernel-libipsec kernel-netlink");
  has(&user, "make_before_break = yes");
  has(&user, "routing_table = 7220\n");
  has(&user, "routing_table_prio = 220\n");
  has(&user, "socket = unix:///var/lib/strongroom-vpn/vici\n");
  has(&user, "default = 0\n");
}

static void exports(void **state) {
  AUTO(site) struct site *s = make();
  AUTO_BUF azure = BUF_EMPTY, swan = BUF_EMPTY, text = BUF_EMPTY;
  assert_ok(export_put("azure", s, &s->peers[1], (struct bytes){ 0 }, &azure));
  has(&azure, "az network local-gateway create --resource-group RESOURCE-GROUP --name a.example");
  has(&azure, "--gateway-ip-address 192.0.2.1 \\\n  --local-address-prefixes 10.1.0.0/24\n");
  has(&azure, "\"inboundAuthCertificateSubjectName\":\"a.example\"");
  has(&azure, "--authentication-type Certificate");
  has(&azure, "--dh-group ECP384");
  has(&azure, "--sa-lifetime 27000");
  assert_ok(export_put("strongswan", s, &s->peers[0], str("PEM\nTEXT\n"), &swan));
  has(&swan, "id = b.example\n      certs = site.pem");
  has(&swan, "local_ts = 10.2.0.0/24\n        remote_ts = 10.1.0.0/24, 10.5.0.0/16\n");
  has(&swan, "# PEM\n# TEXT\n");
  assert_ok(export_put("text", s, &s->peers[0], (struct bytes){ 0 }, &text));
  has(&text, "Networks on our side:   10.1.0.0/24, 10.5.0.0/16\n");
  has(&text, "identity (DNS name) b.example");
  has(&text, "NAT traversal:          always");
  assert_err(export_put("other", s, &s->peers[0], (struct bytes){ 0 }, &text), ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_tunnel_as_text), cmocka_unit_test(a_tunnel_as_message),
    cmocka_unit_test(the_other_end),    cmocka_unit_test(strongswan_conf),
    cmocka_unit_test(exports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
