/*
 * One member of a JSON object, out of an answer's raw text. For what is secret, and for programs
 * that the client is a part of: a JSON library would keep copies of the whole answer in memory that
 * nobody wipes. The text is read strictly (RFC 8259, UTF-8, no NULs, nesting of at most 32), all of
 * it, whatever is asked for; the member must not be there twice. Any thread.
 *
 * ERR_INTERNAL, FAILed, where the text is not such an object, or the member is absent or of another
 * type: only the server says such things.
 */
#ifndef CLIENT_FIELD_H
#define CLIENT_FIELD_H

#include "crypto/crypto.h"

/* name: ASCII, at most FIELD_NAME_MAX bytes. */
#define FIELD_NAME_MAX 48
err_t field_secret(struct bytes json, const char *name, struct secret *out);
err_t field_secret_b64url(struct bytes json, const char *name, struct secret *out);
/* What is not secret: NUL-terminated in out[room]; appended, decoded, to out. */
err_t field_string(struct bytes json, const char *name, char *out, size_t room);
err_t field_b64url(struct bytes json, const char *name, struct buf *out);
err_t field_bool(struct bytes json, const char *name, bool *out);
/* A whole number, not negative, or a string of its digits, as some token services write it. Absent:
 * *found false. */
err_t field_number(struct bytes json, const char *name, uint64_t *out, bool *found);

#endif
