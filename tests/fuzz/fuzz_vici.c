/* Messages of strongSwan's control interface: read to the end, as a tunnel's description, and
 * looked into for one value. */
#include "transit/vpn/tunnel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site *site(void) {
  static struct site *s;
  if (!s && site_parse(bytes_str("name = a.example\nsubnets = 10.1.0.0/24\n[peer b]\n"
                                 "subnets = 10.2.0.0/24\n"),
                       "fuzz", &s) != OK)
    abort();
  return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct tunnels t;
  struct bytes message = bytes_of(data, size), name, value;
  struct vici_reader r = vici_reader_of(message);
  while (vici_read(&r, &name, &value))
    if (name.size == 0 || name.data < data || value.data + value.size > data + size ||
        r.depth > VICI_DEPTH)
      abort();
  t.count = 0;
  if (tunnel_parse(message, site(), &t) == OK && r.bad)
    abort();
  for (size_t i = 0; i < t.count; i++)
    if (!t.items[i].peer || strlen(t.items[i].ike) >= TUNNEL_ALGS)
      abort();
  (void)vici_value(message, "success");
  return 0;
}
