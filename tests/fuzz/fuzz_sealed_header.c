/* Headers of sealed files: as they come, and with digests that are right. What is read is written
 * again as it was. */
#include "seal/header.h"
#include "start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

static void read_header(struct bytes data) {
  struct header h;
  uint8_t slot[HEADER_SLOT];
  if (header_read(data, &h) != OK)
    return;
  if (header_write_slot(&h, slot) != OK ||
      memcmp(slot, data.data + (size_t)h.slot * HEADER_SLOT, HEADER_SLOT) != 0)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t copy[HEADER_SIZE] = { 0 };
  read_header(bytes_of(data, size));
  memcpy(copy, data, size < sizeof copy ? size : sizeof copy);
  for (uint8_t *slot = copy; slot < copy + HEADER_SIZE; slot += HEADER_SLOT)
    if (crypto_sha256(bytes_of(slot, HEADER_SLOT - SHA256_SIZE),
                      slot + HEADER_SLOT - SHA256_SIZE) != OK)
      abort();
  read_header(bytes_of(copy, sizeof copy));
  return 0;
}
