/*
 * seal/map.h for the shared library: no file is ever mapped, as a handler of SIGBUS would be the
 * host's business. It stands here so that the one of seal/ is not linked.
 */
#include "seal/map.h"

struct map *map_new(int fd) {
  return NULL;
}

void map_free(struct map *m) {
}

const uint8_t *map_view(struct map *m, uint64_t at, size_t size) {
  return NULL;
}

void map_release(struct map *m, uint64_t before) {
}

bool map_lost(const struct map *m) {
  return false;
}
