/*
 * Bytes that are handed out. A head before them says which memory they are in, so that one function
 * releases both: locked ones by secret_free(), others by mem_free(). A NUL is behind them.
 */
#include "lib/lib.h"

#define BYTES_MAGIC 0x53524259u

struct head {
  uint32_t magic;
  bool locked;
  size_t size; /* of the block, head and NUL included */
};
_Static_assert(sizeof(struct head) % 16 == 0, "what follows is aligned as malloc aligns");

err_t put_secret(struct bytes from, struct sr_bytes *out) {
  struct secret s;
  if (from.size > SIZE_MAX / 2)
    return ERR_NOMEM;
  TRY(secret_new(sizeof(struct head) + from.size + 1, &s));
  *(struct head *)s.data = (struct head){ BYTES_MAGIC, true, s.size };
  if (from.size)
    memcpy(s.data + sizeof(struct head), from.data, from.size);
  *out = (struct sr_bytes){ s.data + sizeof(struct head), from.size };
  return OK;
}

err_t put_start(struct buf *b) {
  struct head head = { BYTES_MAGIC, false, 0 };
  buf_put(b, &head, sizeof head);
  return buf_ok(b);
}

err_t put_done(struct buf *b, struct sr_bytes *out) {
  if (!buf_cstr(b))
    return ERR_NOMEM;
  ((struct head *)b->data)->size = b->size + 1;
  *out = (struct sr_bytes){ b->data + sizeof(struct head), b->size - sizeof(struct head) };
  *b = BUF_EMPTY;
  return OK;
}

void sr_bytes_free(struct sr_bytes *bytes) {
  if (!bytes || !bytes->data)
    return;
  struct head *head = (struct head *)(void *)(bytes->data - sizeof *head);
  if (head->magic != BYTES_MAGIC) /* not ours, or released before */
    abort();
  if (head->locked) {
    struct secret s = { (uint8_t *)head, head->size };
    secret_free(&s);
  } else {
    mem_free(head);
  }
  *bytes = (struct sr_bytes){ 0 };
}
