#include "base/mem.h"

#include <malloc.h>
#include <string.h>

void *mem_alloc(size_t n) {
  return malloc(n ? n : 1);
}

void *mem_zalloc(size_t n) {
  return calloc(1, n ? n : 1);
}

void *mem_realloc(void *p, size_t n) {
  if (!p)
    return mem_alloc(n);
  size_t old = malloc_usable_size(p);
  if (n <= old && n >= old / 2)
    return p;
  void *q = mem_alloc(n);
  if (!q)
    return NULL;
  memcpy(q, p, old < n ? old : n);
  mem_free(p);
  return q;
}

char *mem_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *p = mem_alloc(n);
  return p ? memcpy(p, s, n) : NULL;
}

void mem_free(void *p) {
  if (!p)
    return;
  explicit_bzero(p, malloc_usable_size(p));
  free(p);
}
