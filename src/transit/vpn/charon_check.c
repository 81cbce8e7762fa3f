/* What strongSwan needs of this machine. */
#include "base/file.h"
#include "transit/vpn/charon.h"
#include "transit/vpn/own_address.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM "/usr/sbin/charon-systemd"
#define PLUGINS "/usr/lib/ipsec/plugins/libstrongswan-"

static err_t check_plugin(const char *path, const char *package) {
  if (access(path, F_OK) != 0)
    FAIL(ERR_CONFIG, "%s is not there: apt install %s", path, package);
  return OK;
}

static err_t refuse_net(const struct site_net *net, const char *why) {
  FAIL(ERR_CONFIG,
       "this machine has no address in %s%s: for example 'ip address add %.*s/%d dev lo'",
       net->text, why, (int)strcspn(net->text, "/"), net->text, net->is.size * 8);
}

/* strongSwan adds no route into a tunnel without an address of ours that it may come from: in user
 * space one for each pair of networks, else one for the peer's. */
static err_t check_addresses(const struct site *s, bool user) {
  for (size_t p = 0; p < s->peer_count; p++) {
    const struct site_nets *local = &s->peers[p].local;
    bool any = false;
    for (size_t i = 0; i < local->count; i++) {
      struct cidr unused;
      bool found;
      TRY(own_address_find(&local->items[i].is, &found, &unused));
      if (!found && user)
        return refuse_net(&local->items[i], ", which ESP in user space needs");
      any |= found;
    }
    if (!any)
      return refuse_net(&local->items[0], ", or another local network of that peer");
  }
  return OK;
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
  return check_addresses(s, user);
}
