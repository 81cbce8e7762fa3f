/*
 * Memory: cleanup attributes, and an allocator that wipes what it frees.
 *
 * mem_free() wipes: request bodies, JSON documents and OpenSSL's ordinary allocations pass through
 * it (mem_install_json() here, crypto_init() for OpenSSL), so that nothing that was freed is left
 * readable in a core file or a swapped page. Any thread.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

void *mem_alloc(size_t n)
  __attribute__((malloc, alloc_size(1))); /* uninitialised; NULL when out of memory; n may be 0 */
void *mem_zalloc(size_t n) __attribute__((malloc, alloc_size(1))); /* zeroed */
void *mem_realloc(void *p, size_t n)
  __attribute__((alloc_size(2))); /* the old block is wiped when it moves */
char *mem_strdup(const char *s) __attribute__((malloc));
void mem_free(void *p); /* wipes the whole block; NULL is fine */

/* Makes jansson allocate here (json.c). Once, before the first JSON call. */
void mem_install_json(void);

static inline void mem_cleanup_free(void *pp) {
  mem_free(*(void **)pp);
}
#define AUTO_FREE __attribute__((cleanup(mem_cleanup_free)))

/* Declares NAME##_cleanup(type **) so that AUTO(name) releases a pointer by release(). */
#define CLEANUP(name, type, release) \
  static inline void name##_cleanup(type *p) { \
    if (*p) \
      release(*p); \
  }
#define AUTO(name) __attribute__((cleanup(name##_cleanup)))

/* Hands a pointer over: returns it and leaves NULL behind. */
#define TAKE(p) \
  ({ \
    __typeof__(p) taken_ = (p); \
    (p) = NULL; \
    taken_; \
  })

#endif
