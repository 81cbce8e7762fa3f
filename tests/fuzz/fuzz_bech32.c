/* Bech32: what is read is written again as it was, but for its case; and what people hand over as
 * recipients and identities. */
#include "seal/age.h"
#include "seal/bech32.h"
#include "start.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  return !fuzz_start_crypto();
}

static void check_text(struct bytes text) {
  char prefix[BECH32_PREFIX_MAX + 1];
  AUTO_BUF data = BUF_EMPTY, again = BUF_EMPTY;
  bool upper;
  if (bech32_decode(text, prefix, &data, &upper) != OK) {
    if (data.size)
      abort();
    return;
  }
  bech32_encode(prefix, buf_bytes(&data), &again);
  if (!buf_cstr(&again) || !bytes_equal_nocase(text, (const char *)again.data))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct key_service vault = { .url = "https://vault.example" };
  AUTO(age_recipients) struct age_recipients *r = NULL;
  AUTO(age_identities) struct age_identities *i = NULL;
  AUTO_BUF text = BUF_EMPTY;
  buf_put(&text, data, size);
  if (!buf_cstr(&text) || age_recipients_new(&r) != OK || age_identities_new(&i) != OK)
    return 0;
  check_text(bytes_of(data, size));
  IGNORE(age_recipients_add(r, &vault, (const char *)text.data));
  IGNORE(age_identities_add_file(i, &vault, bytes_of(data, size), "fuzz"));
  return 0;
}
