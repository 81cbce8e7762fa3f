#include "cli/nearest.h"

#include <string.h>

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b, unsigned c) {
  unsigned m = a < b ? a : b;
  return m < c ? m : c;
}

/* Edits between two words: a letter inserted, left out, changed, or exchanged with its neighbour.
 */
static unsigned edits(const char *a, const char *b) {
  unsigned d[WORD_MAX + 1][WORD_MAX + 1];
  size_t n = strlen(a), m = strlen(b);
  if (n > WORD_MAX || m > WORD_MAX)
    return WORD_MAX;
  for (unsigned i = 0; i <= n; i++)
    for (unsigned j = 0; j <= m; j++) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1, d[i][j]);
    }
  return d[n][m];
}

void nearest_to(const char *given, struct nearest *n) {
  *n = (struct nearest){ given, NULL, (unsigned)strlen(given) / 3 + 1 };
}

void nearest_offer(struct nearest *n, const char *word) {
  unsigned e = edits(n->given, word);
  if (e < n->distance || (e == n->distance && !n->found)) {
    n->distance = e;
    n->found = word;
  }
}
