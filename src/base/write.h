/*
 * Writing JSON straight into a buf: no document is built, so that an answer costs its bytes and no
 * more. Commas are placed by looking at the last byte written. Strings are escaped as RFC 8259 asks
 * and must be UTF-8. Failure is the buf's (buf_ok()).
 */
#ifndef BASE_WRITE_H
#define BASE_WRITE_H

#include "base/bytes.h"

/* key is NULL inside arrays and at the top. Keys are literals of this program: they are not
 * escaped. */
void write_open(struct buf *b, const char *key, char bracket); /* '{' or '[' */
void write_close(struct buf *b, char bracket);                 /* '}' or ']' */
void write_str(struct buf *b, const char *key, const char *value);
/* Controls are escaped; what is not UTF-8, and NUL, becomes U+FFFD. */
void write_text(struct buf *b, const char *key, struct bytes value);
void write_b64url(struct buf *b, const char *key, struct bytes value);
void write_i64(struct buf *b, const char *key, int64_t value);
void write_bool(struct buf *b, const char *key, bool value);
void write_null(struct buf *b, const char *key);

#endif
