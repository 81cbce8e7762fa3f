/* Finding a text in an array of pointers that is sorted by a text in what they point to. */
#ifndef BASE_SORTED_H
#define BASE_SORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* offset: of the text, with its NUL, in an item. *pos: where it is, or would be. */
static inline bool sorted_find(const void *array, size_t count, size_t offset, const char *text,
                               size_t *pos) {
  size_t lo = 0, hi = count;
  while (lo < hi) {
    size_t mid = lo + (hi - lo) / 2;
    const char *item;
    memcpy(&item, (const char *)array + mid * sizeof item, sizeof item);
    int c = strcmp(item + offset, text);
    if (c == 0) {
      *pos = mid;
      return true;
    }
    if (c < 0)
      lo = mid + 1;
    else
      hi = mid;
  }
  *pos = lo;
  return false;
}

#endif
