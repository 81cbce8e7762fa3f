#include "seal/bech32.h"

#define CHECKSUM 6 /* characters */

static const char alphabet[33] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the checksum, which is a BCH code over groups of 5 bits. */
static uint32_t step(uint32_t sum, unsigned group) {
  static const uint32_t generator[5] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3 };
  uint32_t top = sum >> 25;
  sum = (sum & 0x1ffffff) << 5 ^ group;
  for (unsigned i = 0; i < 5; i++)
    sum ^= generator[i] & (0u - (top >> i & 1)); /* no branch: the data may be a secret */
  return sum;
}

static uint32_t start(const char *prefix) {
  uint32_t sum = 1;
  for (const char *p = prefix; *p; p++)
    sum = step(sum, (uint8_t)*p >> 5);
  sum = step(sum, 0);
  for (const char *p = prefix; *p; p++)
    sum = step(sum, (uint8_t)*p & 31);
  return sum;
}

static void put(struct buf *out, uint32_t *sum, unsigned group) {
  *sum = step(*sum, group);
  buf_put_char(out, alphabet[group]);
}

void bech32_encode(const char *prefix, struct bytes data, struct buf *out) {
  uint32_t sum = start(prefix), bits = 0;
  unsigned held = 0;
  buf_put_str(out, prefix);
  buf_put_char(out, '1');
  for (size_t i = 0; i < data.size; i++) {
    bits = bits << 8 | data.data[i];
    for (held += 8; held >= 5; held -= 5)
      put(out, &sum, bits >> (held - 5) & 31);
  }
  if (held)
    put(out, &sum, bits << (5 - held) & 31);
  for (unsigned i = 0; i < CHECKSUM; i++)
    sum = step(sum, 0);
  sum ^= 1;
  for (unsigned i = 0; i < CHECKSUM; i++)
    buf_put_char(out, alphabet[sum >> 5 * (CHECKSUM - 1 - i) & 31]);
}

/* The value of a character of the alphabet, in lower case; 32 or more for others. All of the
 * alphabet is looked at: which entry it is shows nowhere. */
static unsigned value(uint8_t c) {
  unsigned v = 32;
  for (unsigned i = 0; i < 32; i++) {
    unsigned differs = ((unsigned)c ^ (uint8_t)alphabet[i]) + 255; /* over 255 if so */
    v -= (32 - i) & (0u - (1 - (differs >> 8)));
  }
  return v;
}

static uint8_t lower(uint8_t c) {
  return (uint8_t)(c >= 'A' && c <= 'Z' ? c | 32 : c);
}

/* Splits at the last '1', puts the prefix in lower case. */
static err_t read_prefix(struct bytes text, char *prefix, struct bytes *rest, bool *upper) {
  size_t at = text.size;
  bool has_upper = false, has_lower = false;
  while (at > 0 && text.data[at - 1] != '1')
    at--;
  if (at < 2 || at - 1 > BECH32_PREFIX_MAX || text.size - at < CHECKSUM ||
      text.size > BECH32_TEXT_MAX)
    FAIL(ERR_BAD_PARAMETER, "Bech32: %s", at < 2 ? "no prefix" : "too short or too long");
  for (size_t i = 0; i < text.size; i++) {
    uint8_t c = text.data[i];
    if (c < 33 || c > 126)
      FAIL(ERR_BAD_PARAMETER, "Bech32: a character that does not belong there");
    has_upper |= c >= 'A' && c <= 'Z';
    has_lower |= c >= 'a' && c <= 'z';
    if (i < at - 1)
      prefix[i] = (char)lower(c);
  }
  if (has_upper && has_lower)
    FAIL(ERR_BAD_PARAMETER, "Bech32: upper and lower case are mixed");
  prefix[at - 1] = '\0';
  *rest = bytes_of(text.data + at, text.size - at);
  *upper = has_upper;
  return OK;
}

/* Groups of 5 bits to bytes; what is left over must be less than a group, and zeros. */
static err_t read_data(struct bytes groups, struct buf *data) {
  uint32_t bits = 0;
  unsigned held = 0;
  for (size_t i = 0; i < groups.size; i++) {
    bits = bits << 5 | value(lower(groups.data[i]));
    held += 5;
    if (held >= 8) {
      held -= 8;
      buf_put_char(data, (char)(bits >> held & 0xff));
    }
  }
  TRY(buf_ok(data));
  if (held >= 5 || (bits & ((1u << held) - 1)))
    FAIL(ERR_BAD_PARAMETER, "Bech32: bits left over");
  return OK;
}

err_t bech32_decode(struct bytes text, char prefix[static BECH32_PREFIX_MAX + 1], struct buf *data,
                    bool *upper) {
  AUTO_BUF out = BUF_EMPTY;
  struct bytes rest;
  bool is_upper;
  TRY(read_prefix(text, prefix, &rest, &is_upper));
  uint32_t sum = start(prefix);
  unsigned bad = 0;
  for (size_t i = 0; i < rest.size; i++) {
    unsigned v = value(lower(rest.data[i]));
    bad |= v >> 5;
    sum = step(sum, v & 31);
  }
  if (bad)
    FAIL(ERR_BAD_PARAMETER, "Bech32: a character that does not belong there");
  if (sum != 1)
    FAIL(ERR_BAD_PARAMETER, "Bech32: the checksum is wrong: was it copied in full?");
  TRY(read_data(bytes_of(rest.data, rest.size - CHECKSUM), &out));
  buf_put_bytes(data, buf_bytes(&out));
  TRY(buf_ok(data));
  if (upper)
    *upper = is_upper;
  return OK;
}
