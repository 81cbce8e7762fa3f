#include "cli/seal/format.h"

#include "seal/age.h"
#include "seal/payload.h"

static const struct payload_shape cobblestone = {
  .prefix = COBBLESTONE_PREFIX, .chunk = 16384, .overhead = 16, .short_last = true
};

err_t format_find(struct bytes start, enum format *out) {
  if (start.size == 0)
    FAIL(ERR_TRUNCATED, "it is empty");
  if (start.size >= 8 && header_looks_like(start))
    *out = FORMAT_SEALED;
  else if (age_looks_like(start))
    *out = FORMAT_AGE;
  else
    FAIL(ERR_NOT_SEALED, "it is neither a sealed file nor one of age");
  return OK;
}

err_t format_plain_size(uint64_t file_size, uint64_t *plain) {
  return payload_plain_size(&cobblestone, file_size < HEADER_SIZE ? 0 : file_size - HEADER_SIZE,
                            plain);
}
