/*
 * Blocks: pieces of memory of one size for what passes through a loop, and a stock of spare ones,
 * so that a connection has one only while something waits in it. One thread at a time on a stock
 * and its blocks.
 *
 * A block holds 64 KiB of content, or the TLS records that this becomes, be they as short as TLS
 * has them (512 bytes, where the peer can't take longer ones).
 */
#ifndef NET_BLOCK_H
#define NET_BLOCK_H

#include "base/bytes.h"

#define BLOCK_CONTENT 65536
#define BLOCK_ROOM (BLOCK_CONTENT + 4096)
#define BLOCK_SPARES 16

struct block {
  uint8_t *data;       /* NULL: there is none */
  uint32_t start, end; /* what waits */
};

struct blocks {
  uint8_t *spare[BLOCK_SPARES];
  unsigned count;
};

static inline size_t block_size(const struct block *b) {
  return b->end - b->start;
}
/* Takes one if there is none; false: out of memory. */
bool block_take(struct blocks *stock, struct block *b);
/* Gives it back if nothing waits in it. */
void block_give(struct blocks *stock, struct block *b);
/* What waits is lost. */
void block_drop(struct blocks *stock, struct block *b);
/* Appends what there is room for, and says how much that was. */
size_t block_put(struct block *b, struct bytes data);
void blocks_free(struct blocks *stock);

/* Sends what waits as far as the socket takes it: 0, EAGAIN, or the errno of the failure. */
int block_send(struct block *b, int fd);

#endif
