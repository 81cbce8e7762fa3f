#include "seal/age.h"

#include "seal/age_armor.h"
#include "seal/age_key.h"
#include "seal/age_source.h"
#include "seal/io.h"

#define RANGE_LOOK 4096 /* read of a file's start at first; nearly always more than its header */

bool age_looks_like(struct bytes start) {
  return age_header_looks_like(start) || armor_looks_like(start);
}

err_t age_seal(const struct age_recipients *r, const struct stream_options *o, int in, int out) {
  AUTO_SECRET file_key = { 0 };
  AUTO_BUF head = BUF_EMPTY;
  AUTO(payload) struct payload *p = NULL;
  TRY(age_wrap(r, &file_key, &head));
  TRY(payload_new_age(secret_bytes(&file_key), &p));
  buf_put_bytes(&head, payload_prefix(p));
  TRY(buf_ok(&head));
  TRY(io_write(out, buf_bytes(&head)));
  return stream_seal(p, o, in, out);
}

static err_t truncated(void) {
  FAIL(ERR_TRUNCATED, "age header: what should follow it is missing");
}

/* The header, not a byte of what follows it. */
static err_t read_header(struct age_source *s, struct buf *text, struct age_header *out) {
  size_t line = 0, missing;
  while ((missing = age_header_missing(buf_bytes(text), &line))) {
    size_t before = text->size;
    if (before + missing > AGE_HEADER_MAX)
      FAIL(ERR_DAMAGED, "age header: it has over %u bytes", AGE_HEADER_MAX);
    TRY(age_source_read(s, missing, text));
    if (text->size == before)
      break;
  }
  return age_header_read(buf_bytes(text), out);
}

static err_t open_from(const struct age_identities *i, const struct stream_options *o,
                       struct age_source *s, int out) {
  AUTO_BUF text = BUF_EMPTY, nonce = BUF_EMPTY;
  AUTO_SECRET file_key = { 0 };
  AUTO(payload) struct payload *p = NULL;
  struct stream_options rest = *o;
  struct age_header h;
  int in;
  TRY(read_header(s, &text, &h));
  TRY(age_unwrap(i, &h, &file_key));
  TRY(age_source_read(s, AGE_NONCE, &nonce));
  if (nonce.size < AGE_NONCE)
    return truncated();
  TRY(payload_open_age(secret_bytes(&file_key), buf_bytes(&nonce), &p));
  age_source_rest(s, &rest.ahead, &in);
  return stream_open(p, &rest, in, out);
}

err_t age_open(const struct age_identities *i, const struct stream_options *o, struct bytes start,
               int in, int out) {
  AUTO(age_source) struct age_source *s = NULL;
  TRY(age_source_new(start, in, &s));
  return age_source_end(s, open_from(i, o, s, out));
}

/* The start of a file that can be read at any place, up to size bytes of it. */
static err_t read_start(int file, size_t size, struct buf *out) {
  size_t got = 0, more = size > out->size ? size - out->size : 0;
  if (more == 0)
    return OK;
  if (!buf_reserve(out, more))
    return ERR_NOMEM;
  TRY(io_read_at(file, out->size, out->data + out->size, more, &got));
  out->size += got;
  return OK;
}

/* The header and the nonce behind it. */
static err_t read_head_at(int file, struct buf *text, struct age_header *out) {
  size_t line = 0, wanted = RANGE_LOOK;
  TRY(read_start(file, wanted, text));
  if (armor_looks_like(buf_bytes(text)))
    FAIL(ERR_BAD_PARAMETER, "an armored file can't be read from the middle: open all of it");
  while (age_header_missing(buf_bytes(text), &line) && text->size == wanted) {
    if (wanted >= AGE_HEADER_MAX)
      FAIL(ERR_DAMAGED, "age header: it has over %u bytes", AGE_HEADER_MAX);
    wanted *= 2;
    TRY(read_start(file, wanted, text));
  }
  TRY(age_header_read(buf_bytes(text), out));
  size_t size = out->size;
  TRY(read_start(file, size + AGE_NONCE, text));
  return text->size < size + AGE_NONCE ? truncated() : age_header_read(buf_bytes(text), out);
}

err_t age_open_range(const struct age_identities *i, int file, uint64_t offset, uint64_t length,
                     int out) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_SECRET file_key = { 0 };
  AUTO(payload) struct payload *p = NULL;
  struct age_header h;
  TRY(read_head_at(file, &text, &h));
  TRY(age_unwrap(i, &h, &file_key));
  TRY(payload_open_age(secret_bytes(&file_key), bytes_of(text.data + h.size, AGE_NONCE), &p));
  struct stream_range r = { .file = file, .base = h.size, .offset = offset, .length = length };
  return stream_open_range(p, &r, out, NULL);
}
