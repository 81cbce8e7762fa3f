#include "cli/environment.h"

#include "base/mem.h"

#include <string.h>
#include <unistd.h>

/* Variables that hold no secret; a '_' at the end stands for all that start so. */
static bool passed_on(const char *variable) {
  static const char *const names[] = { "PATH",   "HOME",   "LANG",        "TZ",       "TERM",
                                       "TMPDIR", "LC_",    "STRONGROOM_", "OPENSSL_", "ASAN_",
                                       "LSAN_",  "UBSAN_", "TSAN_" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t n = strlen(names[i]);
    if (strncmp(variable, names[i], n) == 0 && (names[i][n - 1] == '_' || variable[n] == '='))
      return true;
  }
  return false;
}

err_t environment_copy(size_t more, char ***out, size_t *count) {
  size_t n = 0, kept = 0;
  while (environ[n])
    n++;
  char **list = mem_zalloc((n + more + 1) * sizeof *list);
  if (!list)
    return ERR_NOMEM;
  for (size_t i = 0; i < n; i++)
    if (passed_on(environ[i]))
      list[kept++] = environ[i];
  *out = list;
  if (count)
    *count = kept;
  return OK;
}
