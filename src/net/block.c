#include "net/block.h"

#include <errno.h>
#include <sys/socket.h>

bool block_take(struct blocks *stock, struct block *b) {
  if (b->data)
    return true;
  b->start = b->end = 0;
  b->data = stock->count ? stock->spare[--stock->count] : mem_alloc(BLOCK_ROOM);
  return b->data != NULL;
}

void block_drop(struct blocks *stock, struct block *b) {
  if (b->data && stock->count < BLOCK_SPARES)
    stock->spare[stock->count++] = b->data;
  else
    mem_free(b->data);
  *b = (struct block){ 0 };
}

void block_give(struct blocks *stock, struct block *b) {
  if (block_size(b) == 0)
    block_drop(stock, b);
}

size_t block_put(struct block *b, struct bytes data) {
  size_t room = b->data ? BLOCK_ROOM - b->end : 0, n = data.size < room ? data.size : room;
  if (n)
    memcpy(b->data + b->end, data.data, n);
  b->end += (uint32_t)n;
  return n;
}

void blocks_free(struct blocks *stock) {
  while (stock->count)
    mem_free(stock->spare[--stock->count]);
}

int block_send(struct block *b, int fd) {
  while (b->start < b->end) {
    ssize_t n = send(fd, b->data + b->start, b->end - b->start, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      return errno;
    b->start += n > 0 ? (uint32_t)n : 0;
  }
  b->start = b->end = 0;
  return 0;
}
