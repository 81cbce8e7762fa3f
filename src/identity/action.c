#include "identity/action.h"

static const char *const names[ACTION_COUNT] = {
#define X(name, text) text,
  ACTION_TABLE(X)
#undef X
};

const char *action_name(enum action a) {
  return a < ACTION_COUNT ? names[a] : "";
}

static uint8_t fold(uint8_t c) {
  return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Goes back to the last '*' only: what an earlier one could take, the last one can take as well. */
static bool matches(struct bytes pattern, struct bytes name) {
  size_t p = 0, n = 0, star = SIZE_MAX, resume = 0;
  while (n < name.size) {
    if (p < pattern.size && pattern.data[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size && fold(pattern.data[p]) == fold(name.data[n])) {
      p++;
      n++;
    } else if (star != SIZE_MAX) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size && pattern.data[p] == '*')
    p++;
  return p == pattern.size;
}

action_set action_match(struct bytes pattern) {
  action_set set = 0;
  for (unsigned a = 0; a < ACTION_COUNT; a++)
    if (matches(pattern, bytes_str(names[a])))
      set |= (action_set)1 << a;
  return set;
}
