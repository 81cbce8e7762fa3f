#include "transit/vpn/forwarding.h"

#include "base/file.h"

static const struct {
  uint8_t size; /* of its addresses */
  const char *setting, *path;
} families[] = {
  { 4, "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward" },
  { 16, "net.ipv6.conf.all.forwarding", "/proc/sys/net/ipv6/conf/all/forwarding" },
};

static bool has_hosts(const struct site *s, uint8_t size) {
  for (size_t p = 0; p < s->peer_count; p++)
    for (size_t i = 0; i < s->peers[p].local.count; i++) {
      const struct cidr *net = &s->peers[p].local.items[i].is;
      if (net->size == size && net->bits < 8 * size)
        return true;
    }
  return false;
}

/* What can't be read is no reason to complain. */
static bool is_off(const char *path) {
  AUTO_BUF text = BUF_EMPTY;
  return file_read(path, 16, &text) == OK && text.size && text.data[0] == '0';
}

const char *forwarding_missing(const struct site *s) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (has_hosts(s, families[i].size) && is_off(families[i].path))
      return families[i].setting;
  return NULL;
}
