/*
 * The header of an age file: version line, stanzas, MAC. It says who may open the file, and its
 * MAC, under a key of the file key's, that nothing of it was changed. Any thread.
 */
#ifndef SEAL_AGE_HEADER_H
#define SEAL_AGE_HEADER_H

#include "crypto/crypto.h"
#include "seal/age_stanza.h"

#define AGE_FILE_KEY 16
#define AGE_NONCE 16 /* of the payload, behind the header */
/* What is read of a header at most: room for some 5,000 recipients. */
#define AGE_HEADER_MAX (1u << 20)
/* What the shortest header ends with, in bytes: "--- ", 43 characters, line feed. */
#define AGE_HEADER_END 48

/* Borrows the text it was read from. */
struct age_header {
  struct bytes stanzas; /* well formed: stanza_read() takes one after the other off it */
  struct bytes under_mac;
  uint8_t mac[SHA256_SIZE];
  size_t size; /* of all of it */
};
/* The header at the start of text. ERR_TRUNCATED: it ends too early, and is well formed so far;
 * ERR_DAMAGED, with the reason, for what is not in the specification (c2sp.org/age). */
err_t age_header_read(struct bytes text, struct age_header *out);
/* How many bytes must come after this start of a header, at least, until it is complete; 0: it is,
 * or it is none. Reading no more than that at a time never reads beyond it. *line is where this
 * call begins to look: 0 at first, kept from call to call. */
size_t age_header_missing(struct bytes text, size_t *line);
/* ERR_DAMAGED unless the MAC is right. */
err_t age_header_verify(const struct age_header *h, struct bytes file_key);

/* Text with the version line, to which stanzas are appended; then the MAC ends it. */
void age_header_begin(struct buf *out);
err_t age_header_end(struct bytes file_key, struct buf *out);

/* Whether text is the start of an age file of any version; so too where it is cut off. */
bool age_header_looks_like(struct bytes text);

#endif
