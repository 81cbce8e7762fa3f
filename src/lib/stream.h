/* Options of streams: the public form checked and turned into the inner one. */
#ifndef LIB_STREAM_H
#define LIB_STREAM_H

#include "lib/lib.h"
#include "seal/stream.h"

/* how may be NULL. *out borrows how. */
err_t stream_how(const struct sr_stream *how, struct bytes *context, struct stream_options *out);

#endif
