/* What strongSwan needs of this machine. */
#include "base/file.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/own_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM "/usr/sbin/charon-systemd"
#define PLUGINS "/usr/lib/ipsec/plugins/libstrongswan-"

static err_t check_plugin(const char *path, const char *package) {
  if (access(path, F_OK) != 0)
    FAIL(ERR_CONFIG, "%s is not there: apt install %s", path, package);
  return OK;
}

/* An address in it that may be free: the first one, in a network that is here; in one that is
 * passed on to the peer, whose addresses are elsewhere, the network's own. */
static void suggest(const struct site *s, const struct site_net *net, char out[static 64]) {
  struct cidr one = net->is;
  bool here = false;
  for (size_t i = 0; i < s->nets.count; i++)
    here |= site_overlap(&s->nets.items[i].is, &net->is);
  one.address[one.size - 1] |= here && one.bits < 8 * one.size - 1;
  inet_ntop(one.size == 4 ? AF_INET : AF_INET6, one.address, out, 64);
}

static err_t refuse_net(const struct site *s, const struct site_net *net, const char *why) {
  char address[64];
  suggest(s, net, address);
  FAIL(ERR_CONFIG,
       "this machine has no address in %s%s: give it one that nobody else has, for example 'ip "
       "address add %s/%d dev lo'",
       net->text, why, address, net->is.size * 8);
}

err_t charon_check_addresses(const struct site *s, bool user) {
  for (size_t p = 0; p < s->peer_count; p++) {
    const struct site_nets *local = &s->peers[p].local;
    bool any = false;
    for (size_t i = 0; i < local->count; i++) {
      struct cidr unused;
      bool found;
      TRY(own_address_find(&local->items[i].is, &found, &unused));
      if (!found && user)
        return refuse_net(s, &local->items[i], ", which ESP in user space needs");
      any |= found;
    }
    if (!any)
      return refuse_net(s, &local->items[0], ", or another local network of that peer");
  }
  return OK;
}

unsigned charon_tun(void) {
  struct ifreq r = { .ifr_name = CHARON_TUN };
  AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &r) == 0 && (r.ifr_flags & IFF_UP);
  return up ? if_nametoindex(CHARON_TUN) : 0;
}

static err_t check_tun(void) {
  AUTO_FD fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    FAIL(ERR_CONFIG,
         "this kernel has no ESP, and no TUN devices for ESP in user space: "
         "/dev/net/tun: %s",
         strerror(errno));
  return OK;
}

static err_t check_port(uint16_t port) {
  AUTO_FD fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
  if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof any) != 0)
    FAIL(ERR_CONFIG,
         "UDP port %u can't be had (%s): does another IKE daemon run? 'systemctl "
         "disable --now strongswan strongswan-starter' ends Debian's",
         port, strerror(errno));
  return OK;
}

err_t charon_check(const struct site *s, bool user) {
  TRY(check_plugin(PROGRAM, "charon-systemd"));
  TRY(check_plugin(PLUGINS "vici.so", "strongswan-libcharon"));
  TRY(check_port(500));
  TRY(check_port(4500));
  if (user && s->esp == ESP_KERNEL)
    FAIL(ERR_CONFIG, "esp = kernel, but this kernel has no ESP with AES-GCM (CONFIG_INET_ESP, "
                     "CONFIG_XFRM_USER)");
  if (user) {
    TRY(check_tun());
    TRY(check_plugin(PLUGINS "kernel-libipsec.so", "libcharon-extra-plugins"));
  }
  return charon_check_addresses(s, user);
}
