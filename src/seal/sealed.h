/*
 * Sealed files: a header (header.h) and a Cobblestone-256 payload. The payload is bound to its kind
 * and to the caller's context: a file that was sealed as one thing does not open as another.
 *
 * Descriptors belong to the caller. Any thread.
 */
#ifndef SEAL_SEALED_H
#define SEAL_SEALED_H

#include "client/data_key.h"
#include "seal/header.h"
#include "seal/stream.h"

struct sealed_options {
  struct bytes context; /* what it is, or where it belongs; the same must be given to open it */
  struct stream_options stream;
};

/* in to its end; out from where it stands. key as in client/use.h. */
err_t sealed_seal(struct key_cache *keys, const char *key, const struct sealed_options *o, int in,
                  int out);
/* Both need not be files. */
err_t sealed_open(struct key_cache *keys, const struct sealed_options *o, int in, int out);
/* The same where the header was read already, to look what it is: start is what was read, at least
 * HEADER_SIZE bytes or all there is. */
err_t sealed_open_rest(struct key_cache *keys, const struct sealed_options *o, struct bytes start,
                       int in, int out);

/* What binds a payload to its kind and to the caller's context, appended; and the payload of a file
 * that starts so: its header and the payload's prefix, or all there is. For what works on the
 * chunks itself. */
err_t sealed_context(enum header_kind kind, struct bytes context, struct buf *out);
err_t sealed_begin_open(struct key_cache *keys, struct bytes context, struct bytes start,
                        struct payload **out);

/* Random access to a sealed file: header and commitment are checked once. */
struct sealed_file;
err_t sealed_file_open(struct key_cache *keys, struct bytes context, int file,
                       struct sealed_file **out);
void sealed_file_free(struct sealed_file *f);
CLEANUP(sealed_file, struct sealed_file *, sealed_file_free)
err_t sealed_file_size(const struct sealed_file *f, uint64_t *plain); /* the last chunk verified */
/* Any number of threads on one file. */
err_t sealed_file_read(const struct sealed_file *f, uint64_t offset, uint8_t *out, size_t room,
                       size_t *got);
err_t sealed_file_range(const struct sealed_file *f, uint64_t offset, uint64_t length, int out);

/* Whole texts in memory: small files, and what is not a file. */
err_t sealed_put(struct key_cache *keys, const char *key, struct bytes context, struct bytes plain,
                 struct buf *out);
err_t sealed_get(struct key_cache *keys, struct bytes context, struct bytes sealed,
                 struct buf *out);

/* Wraps the data key anew under key (its newest version unless it names one; NULL: the newest of
 * the one that it is under), in the header alone.
 * *changed false: it was under that version already. file is open for reading and writing. */
err_t sealed_reseal(const struct key_service *vault, const char *key, int file, bool *changed);

#endif
