/* Starting crypto/ in a fuzz target. */
#ifndef FUZZ_START_H
#define FUZZ_START_H

#include "crypto/crypto.h"

#include <inttypes.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>

/* What is pointed to from the secure heap alone (OpenSSL's random generators) is not leaked: the
 * leak checker has to look there too. It is the mapping that a secret lies in. */
static inline void fuzz_secure_heap_is_root(void) {
  AUTO_SECRET secret = { 0 };
  FILE *maps = fopen("/proc/self/maps", "r");
  uintptr_t from, to;
  char line[512];
  if (!maps || secret_new(1, &secret) != OK)
    abort();
  while (fgets(line, sizeof line, maps))
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &to) == 2 && from <= (uintptr_t)secret.data &&
        (uintptr_t)secret.data < to)
      __lsan_register_root_region((void *)from, to - from);
  fclose(maps);
}

static inline bool fuzz_start_crypto(void) {
  bool locked;
  mem_install_json();
  if (crypto_init(1u << 20, &locked) != OK)
    return false;
  fuzz_secure_heap_is_root();
  return true;
}

#endif
