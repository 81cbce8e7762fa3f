#include "fault/oom.h"

#include <errno.h>
#include <stddef.h>

static _Thread_local struct {
  unsigned long left; /* until the one that fails; 0: nothing fails */
  enum oom kind;
  bool failed;
} state;

void oom_start(unsigned long n, enum oom kind) {
  state.left = n;
  state.kind = kind;
  state.failed = false;
}

bool oom_stop(void) {
  state.left = 0;
  return state.failed;
}

bool oom_fails(void) {
  if (state.left == 0)
    return false;
  if (state.left > 1) {
    state.left--;
    return false;
  }
  if (state.kind == OOM_ONE)
    state.left = 0;
  state.failed = true;
  errno = ENOMEM;
  return true;
}

/* ld --wrap sends calls of malloc here and calls of __real_malloc to the C library. */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n) {
  return oom_fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t count, size_t size) {
  return oom_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *p, size_t n) {
  return oom_fails() ? NULL : __real_realloc(p, n);
}
