/*
 * IP addresses and blocks of them, as text: "10.0.0.0/8", "fd00::/8", "192.0.2.1" (a block of one).
 * An address of the other family is in no block. Any thread.
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include "base/bytes.h"

struct cidr {
  uint8_t address[16];
  uint8_t size; /* 4 or 16 */
  uint8_t bits; /* of the prefix */
};

/* False when the text is none, or has bits set behind the prefix. */
bool cidr_parse(struct bytes text, struct cidr *out);
/* Whether all of inner is in outer. */
bool cidr_covers(const struct cidr *outer, const struct cidr *inner);
bool cidr_same(const struct cidr *a, const struct cidr *b);
/* The mask of the prefix, as long as the address. */
void cidr_mask(const struct cidr *c, uint8_t out[static 16]);

#endif
