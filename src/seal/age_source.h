/*
 * Where an age file comes from: what was read of it already, then a descriptor; as it is, or in
 * armor. Its head is read here, piece by piece; the payload is left to stream_open(). An armor is
 * taken off by a thread of the source's, which feeds a pipe: memory does not depend on the size.
 * One thread at a time.
 */
#ifndef SEAL_AGE_SOURCE_H
#define SEAL_AGE_SOURCE_H

#include "base/bytes.h"

struct age_source;
/* Borrows start and in for its lifetime. ERR_NOT_SEALED: it does not begin as an age file. */
err_t age_source_new(struct bytes start, int in, struct age_source **out);
void age_source_free(struct age_source *s); /* ends the feeding */
CLEANUP(age_source, struct age_source *, age_source_free)

/* Appends the next n bytes, or fewer where it ends. */
err_t age_source_read(struct age_source *s, size_t n, struct buf *out);
/* What was not taken yet: bytes that were read already, and the descriptor that gives the rest.
 * Both are the source's. */
void age_source_rest(struct age_source *s, struct bytes *ahead, int *fd);
/* e: what came of reading it. The error that counts: an armor that is not right explains all that
 * came of it. */
err_t age_source_end(struct age_source *s, err_t e);

#endif
