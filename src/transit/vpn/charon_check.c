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

/* strongSwan's user-space ESP adds no route for a network in which we have no address. */
static err_t check_addresses(const struct site *s) {
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].local.count; i++) {
      const struct site_net *net = &s->peers[p].local.items[i];
      struct cidr unused;
      bool found;
      TRY(own_address_find(&net->is, &found, &unused));
      if (!found)
        FAIL(ERR_CONFIG,
             "this machine has no address in %s, which ESP in user space needs: for example 'ip "
             "address add %.*s/%d dev lo'",
             net->text, (int)strcspn(net->text, "/"), net->text, net->is.size * 8);
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
  if (!user)
    return OK;
  if (s->esp == ESP_KERNEL)
    FAIL(ERR_CONFIG, "esp = kernel, but this kernel has no ESP with AES-GCM (CONFIG_INET_ESP, "
                     "CONFIG_XFRM_USER)");
  TRY(check_tun());
  TRY(check_plugin(PLUGINS "kernel-libipsec.so", "libcharon-extra-plugins"));
  return check_addresses(s);
}
