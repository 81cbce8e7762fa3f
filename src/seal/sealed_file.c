#include "seal/io.h"
#include "seal/range.h"
#include "seal/sealed.h"

#include <stdatomic.h>

struct sealed_file {
  struct payload *payload;
  int file;
  uint64_t size;
  _Atomic(struct payload_cipher *) spare; /* the next reader's; NULL: it makes one */
};

/* A cipher while one call needs it. */
static err_t borrow(struct sealed_file *f, struct payload_cipher **out) {
  *out = atomic_exchange(&f->spare, NULL);
  return *out ? OK : payload_cipher_new(f->payload, out);
}

static void give_back(struct sealed_file *f, struct payload_cipher *c) {
  c = atomic_exchange(&f->spare, c);
  if (c)
    payload_cipher_free(c);
}

static err_t open_payload(struct key_cache *keys, struct bytes context, struct sealed_file *f) {
  uint8_t start[HEADER_SIZE + COBBLESTONE_PREFIX];
  struct payload_cipher *c;
  size_t got;
  TRY(io_read_at(f->file, 0, start, sizeof start, &got));
  TRY(sealed_begin_open(keys, context, bytes_of(start, got), &f->payload));
  TRY(payload_cipher_new(f->payload, &c));
  f->spare = c;
  struct range r = { payload_shape(f->payload), c, f->file, HEADER_SIZE };
  return range_size(&r, &f->size);
}

err_t sealed_file_open(struct key_cache *keys, struct bytes context, int file,
                       struct sealed_file **out) {
  AUTO(sealed_file) struct sealed_file *f = mem_zalloc(sizeof *f);
  if (!f)
    return ERR_NOMEM;
  f->file = file;
  TRY(open_payload(keys, context, f));
  *out = TAKE(f);
  return OK;
}

void sealed_file_free(struct sealed_file *f) {
  struct payload_cipher *c = f->spare;
  if (c)
    payload_cipher_free(c);
  if (f->payload)
    payload_free(f->payload);
  mem_free(f);
}

err_t sealed_file_size(const struct sealed_file *f, uint64_t *plain) {
  *plain = f->size;
  return OK;
}

static err_t read_range(const struct sealed_file *f, uint64_t offset, uint64_t length,
                        range_put *put, struct range_out *out) {
  struct sealed_file *shared = (struct sealed_file *)f; /* for the spare cipher alone */
  struct payload_cipher *c;
  TRY(borrow(shared, &c));
  struct range r = { payload_shape(f->payload), c, f->file, HEADER_SIZE };
  err_t e = range_read(&r, f->size, offset, length, put, out);
  give_back(shared, c);
  return e;
}

err_t sealed_file_read(const struct sealed_file *f, uint64_t offset, uint8_t *out, size_t room,
                       size_t *got) {
  struct range_out o = { .memory = out };
  TRY(read_range(f, offset, room, range_to_memory, &o));
  *got = (size_t)o.got;
  return OK;
}

err_t sealed_file_range(const struct sealed_file *f, uint64_t offset, uint64_t length, int out) {
  struct range_out o = { .fd = out };
  return read_range(f, offset, length, range_to_file, &o);
}
