/* A captured packet. */
#include "transit/vpn/watch.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct site_nets nets = { .count = 1 };
  static struct watch_peer peer = { .nets = &nets };
  char what[48];
  if (!peer.address.size && (!cidr_parse(bytes_str("192.0.2.2"), &peer.address) ||
                             !cidr_parse(bytes_str("10.2.0.0/24"), &nets.items[0].is)))
    abort();
  enum watch_kind kind = watch_judge(&peer, bytes_of(data, size), what);
  if (kind >= WATCH_KINDS || strlen(what) >= sizeof what || (size < 20 && kind != WATCH_OTHER))
    abort();
  return 0;
}
