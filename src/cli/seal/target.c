#include "cli/seal/target.h"

#include "cli/seal/job.h"

static bool is_dir(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

err_t target_check(const struct args *a) {
  const char *out = args_value(a, "out");
  if (!out)
    return OK;
  if (!*out)
    FAIL(ERR_USAGE, "--out names nothing");
  if (job_has_many(a) && !is_dir(out))
    FAIL(ERR_USAGE, "--out takes a directory, one that is there, when several files are named");
  if (!args_word(a, 0) && !job_has_many(a) && is_dir(out))
    FAIL(ERR_USAGE, "what comes from stdin has no name: --out takes a file");
  return OK;
}

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static err_t end(struct buf *out) {
  return buf_cstr(out) ? OK : ERR_NOMEM;
}

static err_t put(const char *text, struct buf *out) {
  buf_put_str(out, text);
  return end(out);
}

/* DIR/name, or beside path; size of the name's bytes count. */
static err_t put_beside(const char *dir, const char *path, size_t size, const char *suffix,
                        struct buf *out) {
  if (dir)
    buf_printf(out, "%s/", dir);
  else
    buf_put(out, path, (size_t)(base_of(path) - path));
  buf_put(out, base_of(path), size);
  buf_put_str(out, suffix);
  return end(out);
}

err_t target_of_sealing(const struct args *a, const struct input *in, const char *path,
                        const char *suffix, struct buf *out) {
  const char *to = args_value(a, "out");
  bool to_dir = to && is_dir(to);
  if (to && !to_dir)
    return put(to, out);
  if (!path)
    return put(OUTPUT_STDOUT, out);
  if (!to && !in->is_file)
    FAIL(ERR_USAGE, "it is no file: --out says where to");
  return put_beside(to, path, strlen(base_of(path)), suffix, out);
}

static size_t without_suffix(const char *name) {
  static const char *const suffixes[] = { SEALED_SUFFIX, AGE_SUFFIX };
  size_t size = strlen(name);
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    size_t n = strlen(suffixes[i]);
    if (size > n && strcmp(name + size - n, suffixes[i]) == 0)
      return size - n;
  }
  return 0;
}

err_t target_of_opening(const struct args *a, const char *path, struct buf *out) {
  const char *to = args_value(a, "out");
  bool to_dir = to && is_dir(to);
  if (!path || (!to_dir && !job_has_many(a)))
    return put(to ? to : OUTPUT_STDOUT, out);
  size_t size = without_suffix(base_of(path));
  if (size == 0)
    FAIL(ERR_USAGE, "its name does not end in %s or %s: open it alone, with --out", SEALED_SUFFIX,
         AGE_SUFFIX);
  return put_beside(to_dir ? to : NULL, path, size, "", out);
}
