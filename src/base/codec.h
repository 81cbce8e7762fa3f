/*
 * Text forms of bytes: base64url and base64 (RFC 4648, strict: no white space, canonical trailing
 * bits), hexadecimal, GUIDs. Decoders refuse anything that an encoder would not have written. Any
 * thread.
 */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/bytes.h"

#define B64URL_SIZE(n) (((n)*4 + 2) / 3) /* characters of n bytes, without padding */
#define B64URL_BYTES(n) ((n)*3 / 4)      /* bytes of n characters, without padding */
#define HEX_SIZE(n) (2 * (n))
#define GUID_SIZE 36

void buf_put_b64url(struct buf *b, struct bytes v); /* no padding */
void buf_put_b64(struct buf *b, struct bytes v);    /* padded */
void buf_put_b64raw(struct buf *b, struct bytes v); /* base64's alphabet, no padding */
void buf_put_hex(struct buf *b, struct bytes v);    /* lower case */

/* Decodes into out[room]; *size is what was written. ERR_BAD_PARAMETER for a foreign character, a
 * wrong length, non-canonical bits or too little room. b64url and b64raw take no padding; b64 needs
 * it. */
err_t b64url_decode(struct bytes text, uint8_t *out, size_t room, size_t *size);
err_t b64_decode(struct bytes text, uint8_t *out, size_t room, size_t *size);
err_t b64raw_decode(struct bytes text, uint8_t *out, size_t room, size_t *size);
err_t hex_decode(struct bytes text, uint8_t *out, size_t room, size_t *size);

int hex_digit(uint8_t c); /* its value; -1 when it is none */

/* Appends the decoded bytes to b. */
err_t buf_put_b64url_decoded(struct buf *b, struct bytes text);

void hex_encode(struct bytes v, char *out); /* out[2 * v.size + 1] */
void guid_format(const uint8_t id[static 16], char out[static GUID_SIZE + 1]);
/* Any case; exactly 8-4-4-4-12 hexadecimal digits. */
bool guid_valid(struct bytes text);

/* Takes the first code point off a text; false, with nothing taken, where it is empty or not UTF-8
 * (RFC 3629). */
bool utf8_next(struct bytes *text, uint32_t *out);

#endif
