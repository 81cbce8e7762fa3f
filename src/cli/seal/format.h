/* What a file is, by its first bytes. */
#ifndef CLI_SEAL_FORMAT_H
#define CLI_SEAL_FORMAT_H

#include "base/bytes.h"
#include "seal/header.h"

/* Bytes that are enough to tell, and for a sealed file's header. */
#define FORMAT_LOOK HEADER_SIZE

enum format { FORMAT_SEALED, FORMAT_AGE };
/* start: FORMAT_LOOK bytes or all there is. ERR_NOT_SEALED, and ERR_TRUNCATED for nothing. */
err_t format_find(struct bytes start, enum format *out);

/* The plaintext's size in a sealed file of so many bytes: ERR_TRUNCATED, ERR_DAMAGED where none has
 * that size. */
err_t format_plain_size(uint64_t file_size, uint64_t *plain);

#endif
