/* sign KEY ALGORITHM DIGEST: has a digest (hexadecimal) signed by a key of the vault, and asks the
 * vault whether the signature is right; and whether a changed one is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strongroom.h>

static size_t from_hex(const char *text, unsigned char *out, size_t room) {
  size_t n = strlen(text) / 2;
  for (size_t i = 0; i < n && i < room; i++) {
    char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };
    out[i] = (unsigned char)strtoul(digits, NULL, 16);
  }
  return n < room ? n : room;
}

static enum sr_status work(struct sr_vault *vault, char **argv, struct sr_error *error) {
  unsigned char digest[64];
  size_t size = from_hex(argv[3], digest, sizeof digest);
  struct sr_bytes signature;
  enum sr_status status = sr_sign(vault, argv[1], argv[2], digest, size, &signature, error);
  if (status != SR_OK)
    return status;
  status = sr_verify(vault, argv[1], argv[2], digest, size, signature.data, signature.size, error);
  printf("%zu bytes: %s\n", signature.size, sr_status_name(status));
  signature.data[signature.size - 1] ^= 1;
  enum sr_status changed =
    sr_verify(vault, argv[1], argv[2], digest, size, signature.data, signature.size, error);
  printf("one bit changed: %s\n", sr_status_name(changed));
  sr_bytes_free(&signature);
  return status;
}

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  if (argc != 4) {
    fprintf(stderr, "usage: sign KEY ALGORITHM DIGEST\n");
    return 2;
  }
  if (sr_connect(NULL, &vault, &error) != SR_OK || work(vault, argv, &error) != SR_OK) {
    fprintf(stderr, "sign: %s (%s)\n", error.message, sr_status_name(error.status));
    sr_close(vault);
    return 1;
  }
  sr_close(vault);
  return 0;
}
