/*
 * The header of a sealed file: which key of the vault opens it. It is readable by everybody and
 * proves nothing: what is wrong in it leads to a data key that does not open the payload.
 *
 * Two slots of HEADER_SLOT bytes, then the payload at HEADER_SIZE. Each slot holds, numbers big
 * endian, the rest zeros:
 *
 *   magic (8) "SRSEAL" 0x00 0x01 | kind (1) | algorithm (1) | generation (4) |
 *   length (2) and key id | length (2) and wrapped data key | .. | SHA-256 of what is before it
 * (32)
 *
 * The slot with the higher generation whose digest is right is the one that counts. Rotating a KEK
 * writes the other slot (generation + 1) and syncs: whenever that is cut off, the old one is
 * whole. A fresh file has the same slot twice.
 */
#ifndef SEAL_HEADER_H
#define SEAL_HEADER_H

#include "client/use.h"

#define HEADER_SLOT 1088
#define HEADER_SIZE (2 * HEADER_SLOT)

enum header_kind {
  HEADER_STREAM = 1, /* a Cobblestone-256 payload (payload.h) */
  HEADER_LOG = 2,    /* a segment of a log: XAES-256-GCM records (log.h) */
};
struct header {
  enum header_kind kind;
  uint32_t generation;
  unsigned slot; /* 0 or 1: which one it was read from */
  struct wrapped wrapped;
};
/* ERR_BAD_PARAMETER for what does not fit. */
err_t header_write(const struct header *h, uint8_t out[static HEADER_SIZE]);
err_t header_write_slot(const struct header *h, uint8_t out[static HEADER_SLOT]);
/* ERR_NOT_SEALED: this is no sealed file; ERR_TRUNCATED: of fewer bytes than a header;
 * ERR_DAMAGED: neither slot is right; each FAILed with what it is. */
err_t header_read(struct bytes data, struct header *out);
bool header_looks_like(struct bytes start); /* at least 8 bytes */

#endif
