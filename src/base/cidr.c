#include "base/cidr.h"

#include <arpa/inet.h>

#define TEXT_MAX 64

void cidr_mask(const struct cidr *c, uint8_t out[static 16]) {
  for (unsigned i = 0; i < 16; i++) {
    unsigned ahead = c->bits > 8 * i ? c->bits - 8 * i : 0;
    out[i] = ahead >= 8 ? 0xff : (uint8_t)(0xff00 >> ahead);
  }
}

static bool parse_address(struct bytes text, struct cidr *out) {
  char copy[TEXT_MAX];
  if (text.size == 0 || bytes_to_cstr(text, copy, sizeof copy) != OK)
    return false;
  out->size = inet_pton(AF_INET, copy, out->address) == 1    ? 4
              : inet_pton(AF_INET6, copy, out->address) == 1 ? 16
                                                             : 0;
  return out->size != 0;
}

bool cidr_parse(struct bytes text, struct cidr *out) {
  struct cidr c = { 0 };
  struct bytes address, prefix = bytes_split(text, '/', &address);
  uint8_t mask[16];
  uint64_t bits;
  if (!parse_address(address, &c))
    return false;
  bits = 8u * c.size;
  if (prefix.data && bytes_to_u64(prefix, 8u * c.size, &bits) != OK)
    return false;
  c.bits = (uint8_t)bits;
  cidr_mask(&c, mask);
  for (unsigned i = 0; i < c.size; i++)
    if (c.address[i] & ~mask[i])
      return false;
  *out = c;
  return true;
}

bool cidr_covers(const struct cidr *outer, const struct cidr *inner) {
  uint8_t mask[16];
  if (outer->size != inner->size || inner->bits < outer->bits)
    return false;
  cidr_mask(outer, mask);
  for (unsigned i = 0; i < outer->size; i++)
    if ((inner->address[i] & mask[i]) != outer->address[i])
      return false;
  return true;
}

bool cidr_same(const struct cidr *a, const struct cidr *b) {
  return a->bits == b->bits && cidr_covers(a, b);
}
