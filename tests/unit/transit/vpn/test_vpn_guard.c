/* The kill switch in a network of its own: what is there after each step, and what the kernel does
 * with a packet. Where this process may make no network it is skipped. */
#include "transit/vpn/block.h"
#include "transit/vpn/guard.h"
#include "transit/vpn/guard_watch.h"
#include "unit/asserts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A device that takes what is for 10.0.0.0/8. (On the loopback device policies count for nothing.)
 */
static int enter(void **state) {
  struct ifreq r = { .ifr_name = "wire", .ifr_flags = IFF_TUN | IFF_NO_PI };
  struct sockaddr_in *a = (struct sockaddr_in *)&r.ifr_addr;
  int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC), fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(ioctl(tun, TUNSETIFF, &r), 0);
  a->sin_family = AF_INET;
  a->sin_addr.s_addr = inet_addr("10.0.0.1");
  assert_int_equal(ioctl(fd, SIOCSIFADDR, &r), 0);
  a->sin_addr.s_addr = inet_addr("255.0.0.0");
  assert_int_equal(ioctl(fd, SIOCSIFNETMASK, &r), 0);
  r.ifr_flags = IFF_UP | IFF_RUNNING;
  assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
  close(fd);
  return 0; /* the device goes with this process */
}

static struct site *make(const char *nets) {
  struct site *s = NULL;
  char text[256];
  snprintf(text, sizeof text,
           "name = a.example\nsubnets = 192.168.0.0/24\n"
           "[peer b.example]\nsubnets = %s\n",
           nets);
  assert_ok(site_parse(str(text), "test", &s));
  return s;
}

/* The errno of sending there; 0: it went. */
static int sent_to(const char *address) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
  int error = sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1 ? 0 : errno;
  close(fd);
  return error;
}

static bool stands(const struct site *s) {
  bool yes = false;
  assert_ok(guard_stands(s, &yes));
  return yes;
}

static int64_t before(void) {
  int64_t rank = 0;
  assert_ok(guard_before(&rank));
  return rank;
}

/* As somebody else would do it. */
static void run(const char *command) {
  if (system(command) != 0)
    fail_msg("failed: %s", command);
}

static void drops_and_lets_pass(void **state) {
  AUTO(site) struct site *s = make("10.2.0.0/16, fd00:2::/64"), *other = make("10.3.0.0/16");
  assert_false(stands(s));
  assert_int_equal(sent_to("10.2.0.9"), 0);
  assert_ok(guard_put(s, false));
  assert_ok(guard_put(s, false)); /* twice is as once */
  assert_true(stands(s));
  assert_int_equal(sent_to("10.2.0.9"), EINVAL); /* a blackhole's */
  assert_int_equal(sent_to("10.3.0.9"), 0);
  assert_ok(guard_gate(&s->peers[0], true));
  assert_ok(guard_gate(&s->peers[0], true));
  assert_true(stands(s));
  assert_int_equal(sent_to("10.2.0.9"), EINVAL); /* there is no tunnel */
  assert_ok(guard_gate(&s->peers[0], false));
  assert_ok(guard_put(other, false));
  assert_true(stands(other));
  assert_false(stands(s));
  assert_int_equal(sent_to("10.2.0.9"), 0);
  assert_int_equal(sent_to("10.3.0.9"), EINVAL);
  assert_ok(guard_remove());
  assert_ok(guard_remove());
  assert_false(stands(other));
  assert_int_equal(sent_to("10.3.0.9"), 0);
}

/* All of it is taken away, or a part, and what is still there is left as it is. */
static void is_mended(void **state) {
  AUTO(site) struct site *s = make("10.2.0.0/16, fd00:2::/64");
  const bool shut[] = { false }, open[] = { true };
  bool mended = true;
  assert_ok(guard_put(s, false));
  assert_ok(guard_mend(s, false, shut, &mended));
  assert_false(mended);
  assert_ok(guard_gate(&s->peers[0], true));
  assert_ok(guard_mend(s, false, open, &mended));
  assert_false(mended);
  assert_ok(guard_mend(s, false, shut, &mended)); /* its gate was taken away */
  assert_true(mended);
  assert_ok(guard_remove());
  assert_ok(guard_mend(s, false, open, &mended));
  assert_true(mended);
  assert_true(stands(s));
  assert_int_equal(sent_to("10.2.0.9"), EINVAL);
  assert_ok(guard_remove());
}

/* IPv6 routes that drop are bound to the loopback device; what is to stay is not. */
static void needs_no_device(void **state) {
  AUTO(site) struct site *s = make("10.2.0.0/16, fd00:2::/64");
  run("ip link set lo up");
  assert_ok(guard_put(s, false));
  run("ip link set lo down");
  assert_true(stands(s));
  run("ip link set lo up");
  run("echo 1 >/proc/sys/net/ipv6/conf/lo/disable_ipv6");
  run("echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6");
  assert_true(stands(s));
  run("ip -6 route add fd00:2::/48 dev wire");
  run("! ip -6 route get fd00:2::9 2>/dev/null");
  run("ip -6 route get fd00:2:0:1::9 >/dev/null"); /* no network of the peer's */
  run("ip link set lo down");
  run("! ip -6 route get fd00:2::9 2>/dev/null");
  run("ip -6 route del fd00:2::/48 dev wire");
  assert_ok(guard_remove());
}

/* Rules of others that are asked first are seen, routes of others in the gate's table go. */
static void led_around(void **state) {
  static const char *const ways[] = {
    "ip route replace 10.2.0.0/16 dev wire table 7219",
    "ip route add 10.2.9.0/24 dev wire table 7219",
    "ip route add default dev wire table 7219",
    "ip route add throw 10.2.0.0/24 table 7219",
    "ip -6 route add fd00:2::/64 dev wire metric 1 table 7219",
    "ip -6 route append fd00:2::/64 dev wire metric 1024 table 7219",
  };
  AUTO(site) struct site *s = make("10.2.0.0/16, fd00:2::/64");
  const bool shut[] = { false }, open[] = { true };
  bool mended;
  assert_ok(guard_put(s, false));
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    run(ways[i]);
    assert_false(stands(s));
    assert_ok(guard_mend(s, false, i % 2 ? shut : open, &mended));
    assert_true(mended);
    assert_true(stands(s));
    assert_int_equal(sent_to("10.2.9.9"), EINVAL);
    assert_ok(guard_mend(s, false, shut, &mended));
    assert_ok(guard_mend(s, false, shut, &mended));
    assert_false(mended);
  }
  assert_int_equal(before(), GUARD_ALONE);
  run("ip rule add pref 222 lookup main");
  run("ip rule add pref 5 unreachable to 10.2.0.0/16");
  assert_int_equal(before(), GUARD_ALONE);
  run("ip -6 rule add lookup main"); /* the kernel chooses */
  assert_int_equal(before(), 218);
  run("ip rule add to 10.2.0.0/16 lookup main");
  assert_int_equal(before(), 4);
  assert_true(stands(s));
  run("ip rule del pref 4");
  run("ip rule del pref 5");
  run("ip rule del pref 222");
  run("ip -6 rule del pref 218");
  assert_int_equal(before(), GUARD_ALONE);
  run("ip rule del pref 221");
  run("ip rule add pref 221 blackhole to 10.2.0.0/16 from 10.0.0.1");
  assert_false(stands(s)); /* others may still go */
  run("ip rule del pref 221");
  assert_ok(guard_remove());
}

/* Nothing but the watch puts it back here. */
static void is_watched(void **state) {
  AUTO(site) struct site *s = make("10.2.0.0/16, fd00:2::/64");
  AUTO(guard_watch) struct guard_watch *w = NULL;
  assert_ok(guard_put(s, false));
  assert_ok(guard_watch_new(s, false, &w));
  for (int round = 0; round < 3; round++) {
    assert_ok(guard_watch_gate(w, 0, round == 1));
    assert_ok(guard_remove());
    for (int i = 0; i < 1000 && !stands(s); i++)
      usleep(10000);
    assert_true(stands(s));
    assert_int_equal(sent_to("10.2.0.9"), EINVAL);
  }
  guard_watch_free(TAKE(w));
  assert_true(stands(s));
  assert_ok(guard_remove());
  assert_false(stands(s));
}

/* The IPsec policies alone. */
static void policies_drop(void **state) {
  AUTO(site) struct site *s = make("10.2.0.0/16"), *other = make("10.3.0.0/16");
  bool esp, mended = false;
  err_t e = vpn_block_put(s);
  if (e != OK) {
    print_message("this kernel has no IPsec policies: %s\n", err_reason(e));
    skip();
  }
  assert_int_equal(sent_to("10.2.0.9"), EPERM);
  assert_int_equal(sent_to("10.3.0.9"), 0);
  assert_ok(vpn_block_put(other));
  assert_int_equal(sent_to("10.2.0.9"), 0);
  assert_int_equal(sent_to("10.3.0.9"), EPERM);
  assert_ok(vpn_block_mend(other, &mended));
  assert_false(mended);
  assert_ok(vpn_block_put(NULL));
  assert_int_equal(sent_to("10.3.0.9"), 0);
  assert_ok(vpn_block_mend(other, &mended));
  assert_true(mended);
  assert_int_equal(sent_to("10.3.0.9"), EPERM);
  assert_ok(vpn_block_put(NULL));
  assert_int_equal(sent_to("10.3.0.9"), 0);
  assert_ok(block_kernel_esp(&esp));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(drops_and_lets_pass), cmocka_unit_test(is_mended),
    cmocka_unit_test(needs_no_device),     cmocka_unit_test(led_around),
    cmocka_unit_test(is_watched),          cmocka_unit_test(policies_drop),
  };
  if (unshare(CLONE_NEWNET) != 0 || access("/dev/net/tun", R_OK | W_OK) != 0 ||
      system("command -v ip >/dev/null") != 0) {
    puts("needs root, TUN devices and ip: it makes a network of its own");
    return 77;
  }
  return cmocka_run_group_tests(tests, enter, NULL);
}
