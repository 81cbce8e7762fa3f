/*
 * A hash table from GUIDs (36 characters, lower case) to objects: open addressing, at most half
 * full. Keys are borrowed: they live in the objects. Room is made before a change is committed, so
 * that putting cannot fail afterwards. Locking is the caller's.
 */
#ifndef IDENTITY_GUID_MAP_H
#define IDENTITY_GUID_MAP_H

#include "base/codec.h"

struct guid_slot {
  const char *key; /* NULL: free */
  void *item;
};
struct guid_map {
  struct guid_slot *slots;
  size_t count, room; /* room is 0 or a power of two */
};

void *guid_map_get(const struct guid_map *m, const char *guid);      /* NULL when absent */
err_t guid_map_reserve(struct guid_map *m);                          /* room for one more */
void guid_map_put(struct guid_map *m, const char *guid, void *item); /* after reserve; not there */
void guid_map_remove(struct guid_map *m, const char *guid);
/* The next item from *at on (0 at first), or NULL. */
void *guid_map_next(const struct guid_map *m, size_t *at);
/* All items in an array to be released by mem_free(), in the order of compare (as for qsort, of
 * pointers to items). */
err_t guid_map_sorted(const struct guid_map *m, int (*compare)(const void *, const void *),
                      void ***out);
void guid_map_free(struct guid_map *m);

/* The GUID in lower case; false when text is none. */
bool guid_fold(const char *text, char out[static GUID_SIZE + 1]);
err_t guid_random(char out[static GUID_SIZE + 1]);

#endif
