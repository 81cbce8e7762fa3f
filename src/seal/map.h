/*
 * A file as memory, a window of it at a time, for streams that need not copy what they read. For
 * the files of seal/ only; one thread moves it on, any thread reads what map_view() gave.
 *
 * Where a mapped file is cut off, or its disk fails, reading it is a SIGBUS. A handler is
 * installed for it: a map's pages become zeros then and the map is lost, which map_lost() says;
 * every other SIGBUS goes to who handled it before.
 */
#ifndef SEAL_MAP_H
#define SEAL_MAP_H

#include "base/bytes.h"

struct map;
/* NULL when it cannot be: reading will do. The descriptor stays the caller's. */
struct map *map_new(int fd);
void map_free(struct map *m);
CLEANUP(map, struct map *, map_free)

/* size bytes at a place, which is never before the last one's; NULL when they are not to be had, or
 * nothing is behind them. Valid until map_release() has passed them; no more than MAP_VIEWS bytes
 * at a time are. */
#define MAP_VIEWS (48u << 20)
const uint8_t *map_view(struct map *m, uint64_t at, size_t size);
/* What is before this place is not needed any more. */
void map_release(struct map *m, uint64_t before);
bool map_lost(const struct map *m);

#endif
