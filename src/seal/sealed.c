#include "seal/sealed.h"

#include "seal/io.h"

#include <errno.h>
#include <sys/file.h>
#include <unistd.h>

#define LABEL "strongroom sealed file v1" /* and its NUL, the kind, the caller's context */
#define START_SIZE (HEADER_SIZE + COBBLESTONE_PREFIX)

err_t sealed_context(enum header_kind kind, struct bytes context, struct buf *out) {
  buf_put(out, LABEL, sizeof LABEL);
  buf_put_char(out, (char)kind);
  buf_put_bytes(out, context);
  return buf_ok(out);
}

/* A fresh payload and what its file starts with. */
static err_t begin(struct key_cache *keys, const char *key, struct bytes context,
                   uint8_t start[static START_SIZE], struct payload **out) {
  AUTO(data_key) struct data_key *k = NULL;
  AUTO(payload) struct payload *p = NULL;
  AUTO_BUF bound = BUF_EMPTY;
  TRY(sealed_context(HEADER_STREAM, context, &bound));
  TRY(key_cache_for_sealing(keys, key, &k));
  TRY(payload_new(secret_bytes(&k->key), buf_bytes(&bound), &p));
  struct header h = { .kind = HEADER_STREAM, .generation = 1, .wrapped = k->wrapped };
  TRY(header_write(&h, start));
  memcpy(start + HEADER_SIZE, payload_prefix(p).data, COBBLESTONE_PREFIX);
  *out = TAKE(p);
  return OK;
}

/* The payload of a file that starts so, at least START_SIZE bytes or all there is. */
err_t sealed_begin_open(struct key_cache *keys, struct bytes context, struct bytes start,
                        struct payload **out) {
  AUTO(data_key) struct data_key *k = NULL;
  AUTO_BUF bound = BUF_EMPTY;
  struct header h;
  TRY(header_read(start, &h));
  if (h.kind != HEADER_STREAM)
    FAIL(ERR_NOT_SEALED, "this is a segment of a log, not a sealed file");
  if (start.size < START_SIZE)
    FAIL(ERR_TRUNCATED, "it ends after %zu bytes", start.size);
  TRY(sealed_context(h.kind, context, &bound));
  TRY(key_cache_for_opening(keys, &h.wrapped, &k));
  struct bytes prefix = bytes_of(start.data + HEADER_SIZE, COBBLESTONE_PREFIX);
  return payload_open(secret_bytes(&k->key), buf_bytes(&bound), prefix, out);
}

err_t sealed_seal(struct key_cache *keys, const char *key, const struct sealed_options *o, int in,
                  int out) {
  AUTO(payload) struct payload *p = NULL;
  uint8_t start[START_SIZE];
  if (o->stream.skip)
    FAIL(ERR_BAD_PARAMETER, "a new file has no chunks yet");
  TRY(begin(keys, key, o->context, start, &p));
  TRY(io_write(out, bytes_of(start, sizeof start)));
  return stream_seal(p, &o->stream, in, out);
}

err_t sealed_open(struct key_cache *keys, const struct sealed_options *o, int in, int out) {
  return sealed_open_rest(keys, o, o->stream.ahead, in, out);
}

err_t sealed_open_rest(struct key_cache *keys, const struct sealed_options *o, struct bytes start,
                       int in, int out) {
  AUTO(payload) struct payload *p = NULL;
  struct sealed_options rest = *o;
  uint8_t first[START_SIZE];
  size_t had = start.size < sizeof first ? start.size : sizeof first, got = 0;
  if (had)
    memcpy(first, start.data, had);
  TRY(io_read(in, first + had, sizeof first - had, &got));
  TRY(sealed_begin_open(keys, o->context, bytes_of(first, had + got), &p));
  rest.stream.ahead = bytes_of(start.data ? start.data + had : NULL, start.size - had);
  return stream_open(p, &rest.stream, in, out);
}

static err_t put_chunks(const struct payload *p, struct bytes plain, struct buf *out) {
  AUTO(payload_cipher) struct payload_cipher *c = NULL;
  const struct payload_shape *s = payload_shape(p);
  TRY(payload_cipher_new(p, &c));
  for (uint64_t n = 0;; n++) {
    bool last = plain.size < s->chunk;
    struct bytes chunk = bytes_of(plain.data, last ? plain.size : s->chunk);
    TRY(payload_seal_chunk(c, n, last, chunk, out->data + out->size));
    out->size += chunk.size + s->overhead;
    if (last)
      return OK;
    plain = bytes_of(plain.data + chunk.size, plain.size - chunk.size);
  }
}

err_t sealed_put(struct key_cache *keys, const char *key, struct bytes context, struct bytes plain,
                 struct buf *out) {
  AUTO(payload) struct payload *p = NULL;
  uint8_t start[START_SIZE];
  size_t before = out->size;
  TRY(begin(keys, key, context, start, &p));
  if (!buf_reserve(out, HEADER_SIZE + (size_t)payload_sealed_size(payload_shape(p), plain.size)))
    return ERR_NOMEM;
  buf_put(out, start, sizeof start);
  err_t e = put_chunks(p, plain, out);
  if (e != OK)
    out->size = before;
  return e;
}

static err_t get_chunks(const struct payload *p, struct bytes sealed, uint8_t *out) {
  AUTO(payload_cipher) struct payload_cipher *c = NULL;
  const struct payload_shape *s = payload_shape(p);
  size_t stride = s->chunk + s->overhead;
  TRY(payload_cipher_new(p, &c));
  for (uint64_t n = 0;; n++) {
    bool last = sealed.size < stride;
    struct bytes chunk = bytes_of(sealed.data, last ? sealed.size : stride);
    TRY(payload_open_chunk(c, n, last, chunk, out));
    if (last)
      return OK;
    out += s->chunk;
    sealed = bytes_of(sealed.data + stride, sealed.size - stride);
  }
}

err_t sealed_get(struct key_cache *keys, struct bytes context, struct bytes sealed,
                 struct buf *out) {
  AUTO(payload) struct payload *p = NULL;
  uint64_t size;
  TRY(sealed_begin_open(keys, context, sealed, &p));
  TRY(payload_plain_size(payload_shape(p), sealed.size - HEADER_SIZE, &size));
  if (!buf_reserve(out, (size_t)size + 1)) /* never NULL */
    return ERR_NOMEM;
  struct bytes chunks = bytes_of(sealed.data + START_SIZE, sealed.size - START_SIZE);
  uint8_t *at = out->data + out->size;
  err_t e = get_chunks(p, chunks, at);
  if (e != OK) {
    explicit_bzero(at, (size_t)size); /* what was verified before */
    return e;
  }
  out->size += (size_t)size;
  return OK;
}

/* Who else reseals the file waits: both would write the same half of the header. */
static err_t lock_file(int file) {
  while (flock(file, LOCK_EX) != 0)
    if (errno != EINTR)
      FAIL(ERR_OUTPUT, "cannot lock the file: %s", strerror(errno));
  return OK;
}

static err_t reseal(const struct key_service *vault, const char *key, int file, bool *changed) {
  struct key_name own;
  uint8_t data[HEADER_SIZE], slot[HEADER_SLOT];
  AUTO_SECRET data_key = { 0 };
  struct header h;
  struct wrapped w;
  size_t got;
  TRY(io_read_at(file, 0, data, sizeof data, &got));
  TRY(header_read(bytes_of(data, got), &h));
  TRY(key_name_parse(h.wrapped.key_id, &own));
  TRY(vault->unwrap(vault->ctx, &h.wrapped, &data_key));
  TRY(vault->wrap(vault->ctx, key ? key : own.name, secret_bytes(&data_key), &w));
  *changed = strcmp(w.key_id, h.wrapped.key_id) != 0 || strcmp(w.alg, h.wrapped.alg) != 0;
  if (!*changed)
    return OK;
  if (h.generation == UINT32_MAX)
    FAIL(ERR_BAD_PARAMETER, "its header was written too often");
  h.wrapped = w;
  h.generation++;
  TRY(header_write_slot(&h, slot));
  TRY(io_write_at(file, (uint64_t)(1 - h.slot) * HEADER_SLOT, bytes_of(slot, sizeof slot)));
  if (fsync(file) != 0)
    FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
  return OK;
}

err_t sealed_reseal(const struct key_service *vault, const char *key, int file, bool *changed) {
  bool done = false;
  TRY(lock_file(file));
  err_t e = reseal(vault, key, file, &done);
  flock(file, LOCK_UN);
  if (e == OK)
    *changed = done;
  return e;
}
