/*
 * Stanzas: how age writes down a recipient in a header, and each message of its plugin protocol: a
 * line of arguments and a body in base64.
 *
 *   -> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc
 *   EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U
 *
 * Body lines have 64 characters; a shorter one, maybe empty, is the last. A stanza borrows the text
 * that it was read from. Any thread.
 */
#ifndef SEAL_AGE_STANZA_H
#define SEAL_AGE_STANZA_H

#include "base/bytes.h"

struct stanza {
  struct bytes args; /* of at least one character each, a blank between two */
  struct bytes body; /* its lines, base64 */
};

/* Takes one off the front of *text. ERR_TRUNCATED: more is needed, all there is is well formed;
 * ERR_DAMAGED: this is none. */
err_t stanza_read(struct bytes *text, struct stanza *out);

size_t stanza_arg_count(const struct stanza *s);
struct bytes stanza_arg(const struct stanza *s, size_t i);    /* empty beyond the last */
bool stanza_is(const struct stanza *s, const char *type);     /* its first argument */
struct stanza stanza_shift(const struct stanza *s, size_t n); /* without its first n arguments */

size_t stanza_body_size(const struct stanza *s);
/* Appended; the buf says when there was no memory. */
void stanza_body(const struct stanza *s, struct buf *out);
/* The body where it has to have exactly so many bytes; an argument likewise: ERR_DAMAGED. */
err_t stanza_body_exactly(const struct stanza *s, uint8_t *out, size_t size);
err_t stanza_arg_exactly(const struct stanza *s, size_t i, uint8_t *out, size_t size);

/* Appended. args: one or more, with a blank between two. */
void stanza_write(struct bytes args, struct bytes body, struct buf *out);

#endif
