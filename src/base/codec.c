#include "base/codec.h"

#include <stdio.h>

static const char url_alphabet[65] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[65] =
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(struct buf *b, struct bytes v, const char *alphabet, bool pad) {
  if (!buf_reserve(b, v.size / 3 * 4 + 4))
    return;
  uint8_t *o = b->data + b->size;
  size_t i = 0;
  for (; i + 2 < v.size; i += 3) {
    uint32_t w = (uint32_t)v.data[i] << 16 | (uint32_t)v.data[i + 1] << 8 | v.data[i + 2];
    *o++ = (uint8_t)alphabet[w >> 18];
    *o++ = (uint8_t)alphabet[w >> 12 & 63];
    *o++ = (uint8_t)alphabet[w >> 6 & 63];
    *o++ = (uint8_t)alphabet[w & 63];
  }
  if (i < v.size) {
    uint32_t w = (uint32_t)v.data[i] << 16 | (i + 1 < v.size ? (uint32_t)v.data[i + 1] << 8 : 0);
    *o++ = (uint8_t)alphabet[w >> 18];
    *o++ = (uint8_t)alphabet[w >> 12 & 63];
    if (i + 1 < v.size)
      *o++ = (uint8_t)alphabet[w >> 6 & 63];
    else if (pad)
      *o++ = '=';
    if (pad)
      *o++ = '=';
  }
  b->size = (size_t)(o - b->data);
}

void buf_put_b64url(struct buf *b, struct bytes v) {
  encode(b, v, url_alphabet, false);
}

void buf_put_b64(struct buf *b, struct bytes v) {
  encode(b, v, std_alphabet, true);
}

void buf_put_b64raw(struct buf *b, struct bytes v) {
  encode(b, v, std_alphabet, false);
}

/* The value of a digit, or a number over 63. Branches on the character class only: the text of a
 * secret is not looked up in a table, so its digits do not select cache lines. */
static unsigned digit(uint8_t c, char c62, char c63) {
  unsigned upper = (unsigned)c - 'A', lower = (unsigned)c - 'a', number = (unsigned)c - '0';
  unsigned v = 64;
  v = upper < 26 ? upper : v;
  v = lower < 26 ? lower + 26 : v;
  v = number < 10 ? number + 52 : v;
  v = c == (uint8_t)c62 ? 62 : v;
  v = c == (uint8_t)c63 ? 63 : v;
  return v;
}

static err_t decode(struct bytes t, char c62, char c63, uint8_t *out, size_t room, size_t *size) {
  size_t rest = t.size % 4, n = t.size / 4 * 3 + (rest ? rest - 1 : 0);
  if (rest == 1 || n > room)
    return ERR_BAD_PARAMETER;
  uint32_t w = 0;
  unsigned bad = 0;
  uint8_t *o = out;
  for (size_t i = 0; i < t.size; i++) {
    unsigned d = digit(t.data[i], c62, c63);
    bad |= d >> 6;
    w = w << 6 | (d & 63);
    if (i % 4 == 3) {
      *o++ = (uint8_t)(w >> 16);
      *o++ = (uint8_t)(w >> 8);
      *o++ = (uint8_t)w;
    }
  }
  if (rest == 2) {
    *o++ = (uint8_t)(w >> 4);
    bad |= w & 15;
  } else if (rest == 3) {
    *o++ = (uint8_t)(w >> 10);
    *o++ = (uint8_t)(w >> 2);
    bad |= w & 3;
  }
  if (bad)
    return ERR_BAD_PARAMETER;
  *size = n;
  return OK;
}

err_t b64url_decode(struct bytes text, uint8_t *out, size_t room, size_t *size) {
  return decode(text, '-', '_', out, room, size);
}

err_t b64_decode(struct bytes text, uint8_t *out, size_t room, size_t *size) {
  if (text.size % 4)
    return ERR_BAD_PARAMETER;
  for (int i = 0; i < 2 && text.size && text.data[text.size - 1] == '='; i++)
    text.size--;
  return decode(text, '+', '/', out, room, size);
}

err_t b64raw_decode(struct bytes text, uint8_t *out, size_t room, size_t *size) {
  return decode(text, '+', '/', out, room, size);
}

err_t buf_put_b64url_decoded(struct buf *b, struct bytes text) {
  size_t room = text.size / 4 * 3 + 3, n;
  if (!buf_reserve(b, room))
    return ERR_NOMEM;
  TRY(b64url_decode(text, b->data + b->size, room, &n));
  b->size += n;
  return OK;
}

int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

err_t hex_decode(struct bytes text, uint8_t *out, size_t room, size_t *size) {
  if (text.size % 2 || text.size / 2 > room)
    return ERR_BAD_PARAMETER;
  for (size_t i = 0; i < text.size; i += 2) {
    int hi = hex_digit(text.data[i]), lo = hex_digit(text.data[i + 1]);
    if (hi < 0 || lo < 0)
      return ERR_BAD_PARAMETER;
    out[i / 2] = (uint8_t)(hi << 4 | lo);
  }
  *size = text.size / 2;
  return OK;
}

void hex_encode(struct bytes v, char *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < v.size; i++) {
    out[2 * i] = digits[v.data[i] >> 4];
    out[2 * i + 1] = digits[v.data[i] & 15];
  }
  out[2 * v.size] = '\0';
}

void buf_put_hex(struct buf *b, struct bytes v) {
  if (!buf_reserve(b, 2 * v.size + 1))
    return;
  hex_encode(v, (char *)b->data + b->size);
  b->size += 2 * v.size;
}

void guid_format(const uint8_t id[static 16], char out[static GUID_SIZE + 1]) {
  static const uint8_t dash_before[] = { 4, 6, 8, 10 };
  char *o = out;
  for (size_t i = 0, d = 0; i < 16; i++) {
    if (d < sizeof dash_before && i == dash_before[d]) {
      *o++ = '-';
      d++;
    }
    hex_encode(bytes_of(id + i, 1), o);
    o += 2;
  }
}

bool guid_valid(struct bytes t) {
  if (t.size != GUID_SIZE)
    return false;
  for (size_t i = 0; i < GUID_SIZE; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? t.data[i] != '-' : hex_digit(t.data[i]) < 0)
      return false;
  }
  return true;
}

bool utf8_next(struct bytes *text, uint32_t *out) {
  static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
  const uint8_t *p = text->data;
  if (text->size == 0)
    return false;
  unsigned more = *p < 0x80 ? 0 : *p >> 5 == 6 ? 1 : *p >> 4 == 14 ? 2 : *p >> 3 == 30 ? 3 : 4;
  if (more == 4 || more >= text->size)
    return false;
  uint32_t c = more ? *p & (0x3fu >> more) : *p;
  for (unsigned i = 1; i <= more; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return false;
    c = c << 6 | (p[i] & 0x3f);
  }
  if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
    return false;
  *text = bytes_of(p + more + 1, text->size - more - 1);
  *out = c;
  return true;
}
