#include "seal/log_format.h"

#include "base/codec.h"

#include <time.h>

#define VERSION 1
#define LABEL "strongroom log v1 "

static void put_be64(uint8_t out[static 8], uint64_t v) {
  for (unsigned i = 0; i < 8; i++)
    out[i] = (uint8_t)(v >> (56 - 8 * i));
}

static uint64_t get_be64(const uint8_t in[static 8]) {
  uint64_t v = 0;
  for (unsigned i = 0; i < 8; i++)
    v = v << 8 | in[i];
  return v;
}

/* --- prefix --- */

void log_prefix_put(const struct log_prefix *p, struct buf *out) {
  buf_put(out, p->salt, LOG_SALT);
  buf_put(out, p->id, LOG_ID);
  pack_u64(out, p->number);
  buf_put(out, p->commitment, LOG_COMMITMENT);
}

void log_prefix_get(const uint8_t in[static LOG_PREFIX], struct log_prefix *out) {
  memcpy(out->salt, in, LOG_SALT);
  memcpy(out->id, in + LOG_SALT, LOG_ID);
  out->number = get_be64(in + LOG_SALT + LOG_ID);
  memcpy(out->commitment, in + LOG_SALT + LOG_ID + 8, LOG_COMMITMENT);
}

err_t log_prefix_key(const struct log_prefix *p, struct bytes data_key, struct xaes **out,
                     uint8_t commitment[static LOG_COMMITMENT]) {
  AUTO_BUF info = BUF_EMPTY;
  AUTO_SECRET derived = { 0 };
  uint8_t number[8];
  put_be64(number, p->number);
  buf_put_str(&info, LABEL);
  buf_put_hex(&info, bytes_of(p->salt, LOG_SALT));
  buf_put_hex(&info, bytes_of(p->id, LOG_ID));
  buf_put_hex(&info, bytes_of(number, sizeof number));
  const char *text = buf_cstr(&info);
  if (!text)
    return ERR_NOMEM;
  TRY(crypto_hkdf(data_key, text, 32 + LOG_COMMITMENT, &derived));
  TRY(xaes_new(bytes_of(derived.data, 32), out));
  memcpy(commitment, derived.data + 32, LOG_COMMITMENT);
  return OK;
}

/* --- records --- */

static void put_before(const struct log_before *b, struct buf *out) {
  pack_u8(out, b->present);
  pack_u64(out, b->number);
  pack_u64(out, b->last);
  pack_u8(out, (uint8_t)b->end);
  pack_u8(out, b->unchecked);
  pack_i64(out, b->latest_ns);
  buf_put(out, b->chain, LOG_CHAIN);
}

void log_plain_put(const struct log_plain *p, struct buf *out) {
  pack_u8(out, VERSION);
  pack_u8(out, (uint8_t)p->type);
  pack_i64(out, p->first_ns);
  pack_i64(out, p->last_ns);
  if (p->type == LOG_TYPE_LINES) {
    pack_u64(out, p->count);
    buf_put_bytes(out, p->entries);
  } else if (p->type == LOG_TYPE_OPENED) {
    pack_u8(out, (uint8_t)p->format);
    put_before(&p->before, out);
  } else {
    pack_u8(out, (uint8_t)p->end);
  }
}

static void get_before(struct unpack *u, struct log_before *out) {
  out->present = unpack_u8(u);
  out->number = unpack_u64(u);
  out->last = unpack_u64(u);
  unsigned end = unpack_u8(u);
  out->unchecked = unpack_u8(u);
  out->latest_ns = unpack_i64(u);
  u->bad |= u->rest.size != LOG_CHAIN || end > LOG_STOPPED;
  if (u->bad)
    return;
  out->end = (enum log_end)end;
  memcpy(out->chain, u->rest.data, LOG_CHAIN);
  u->rest.size = 0;
}

static void get_body(struct unpack *u, struct log_plain *out) {
  unsigned v;
  switch (out->type) {
  case LOG_TYPE_LINES:
    out->count = unpack_u64(u);
    out->entries = u->rest;
    u->rest.size = 0;
    break;
  case LOG_TYPE_OPENED:
    v = unpack_u8(u);
    u->bad |= v < LOG_LINES || v > LOG_SYSLOG;
    out->format = (enum log_format)v;
    get_before(u, &out->before);
    break;
  default:
    v = unpack_u8(u);
    u->bad |= v < LOG_ROTATED || v > LOG_STOPPED;
    out->end = (enum log_end)v;
  }
}

err_t log_plain_get(struct bytes plain, struct log_plain *out) {
  struct unpack u = unpack_of(plain);
  unsigned version = unpack_u8(&u), type = unpack_u8(&u);
  if (version != VERSION || type < LOG_TYPE_LINES || type > LOG_TYPE_CLOSED)
    FAIL(ERR_DAMAGED, "a record of version %u and type %u, which this program does not know",
         version, type);
  *out = (struct log_plain){ .type = (enum log_type)type };
  out->first_ns = unpack_i64(&u);
  out->last_ns = unpack_i64(&u);
  get_body(&u, out);
  if (unpack_end(&u) != OK)
    FAIL(ERR_DAMAGED, "a record of type %u that is malformed", type);
  return OK;
}

/* --- sealing --- */

#define AAD_SIZE (LOG_ID + 8 + 8)

static struct bytes place(const struct log_prefix *p, uint64_t record,
                          uint8_t aad[static AAD_SIZE]) {
  memcpy(aad, p->id, LOG_ID);
  put_be64(aad + LOG_ID, p->number);
  put_be64(aad + LOG_ID + 8, record);
  return bytes_of(aad, AAD_SIZE);
}

err_t log_chain(struct log_tip *tip, struct bytes sealed) {
  struct bytes parts[] = { bytes_of(tip->chain, LOG_CHAIN), sealed };
  uint8_t chain[LOG_CHAIN];
  TRY(crypto_sha256_parts(parts, 2, chain));
  memcpy(tip->chain, chain, LOG_CHAIN);
  tip->last++;
  return OK;
}

err_t log_seal(const struct xaes *key, const struct log_prefix *p, struct log_tip *tip,
               struct bytes plain, struct buf *out) {
  uint8_t aad[AAD_SIZE];
  size_t start = out->size + LOG_LENGTH;
  if (plain.size > LOG_RECORD_MAX - XAES_OVERHEAD)
    FAIL(ERR_TOO_LARGE, "a record of %zu bytes", plain.size);
  pack_u32(out, (uint32_t)(plain.size + XAES_OVERHEAD));
  TRY(buf_ok(out));
  TRY(xaes_seal(key, place(p, tip->last + 1, aad), plain, out));
  TRY(buf_ok(out));
  return log_chain(tip, bytes_of(out->data + start, out->size - start));
}

err_t log_open(const struct xaes *key, const struct log_prefix *p, uint64_t record,
               struct bytes sealed, struct buf *out) {
  uint8_t aad[AAD_SIZE];
  return xaes_open(key, place(p, record, aad), sealed, out);
}

int64_t log_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
