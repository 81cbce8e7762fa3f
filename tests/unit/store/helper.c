#include "helper.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

int start_crypto(void **state) {
  bool locked;
  return crypto_init(1 << 20, &locked) == OK ? 0 : -1;
}

void make_dir(char dir[static PATH_SIZE]) {
  const char *tmp = getenv("TMPDIR");
  char above[PATH_SIZE - 8];
  snprintf(above, sizeof above, "%s/test-store-XXXXXX", tmp ? tmp : "/tmp");
  assert_non_null(mkdtemp(above));
  snprintf(dir, PATH_SIZE, "%s/data", above);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
  return remove(path);
}

void remove_dir(const char *dir) {
  char above[PATH_SIZE];
  snprintf(above, sizeof above, "%s", dir);
  *strrchr(above, '/') = '\0';
  assert_int_equal(nftw(above, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *file_in(const char *dir, const char *name, char out[static PATH_SIZE]) {
  assert_true(snprintf(out, PATH_SIZE, "%s/%s", dir, name) < PATH_SIZE);
  return out;
}

struct root *root_of(uint8_t n) {
  uint8_t key[32];
  memset(key, n, sizeof key);
  struct root *r = NULL;
  assert_int_equal(root_open("file", bytes_of(key, sizeof key), &r), OK);
  return r;
}

err_t open_store(const char *dir, struct store **out) {
  AUTO(root) struct root *root = root_of(1);
  AUTO(store) struct store *s = NULL;
  TRY(store_open(dir, &s));
  TRY(store_is_new(s) ? store_init(s, root) : store_unseal(s, root));
  *out = TAKE(s);
  return OK;
}

struct store *opened(const char *dir) {
  struct store *s = NULL;
  err_t e = open_store(dir, &s);
  if (e != OK)
    fail_msg("%s: %s", err_info(e)->name, err_last()->why);
  return s;
}

err_t put(struct store *s, const char *place, const char *body) {
  struct store_write w = { place, bytes_str(body) };
  return store_commit(s, &w, 1);
}

err_t drop(struct store *s, const char *place) {
  struct store_write w = { place, { 0 } };
  return store_commit(s, &w, 1);
}

static char *copy(struct bytes v) {
  char *p = mem_alloc(v.size + 1);
  assert_non_null(p);
  if (v.size)
    memcpy(p, v.data, v.size);
  p[v.size] = '\0';
  return p;
}

static err_t keep(void *ctx, struct bytes place, struct bytes body) {
  struct records *r = ctx;
  if (r->count == r->room) {
    r->room = r->room ? 2 * r->room : 16;
    r->items = mem_realloc(r->items, r->room * sizeof *r->items);
    assert_non_null(r->items);
  }
  r->items[r->count++] = (struct record){ copy(place), copy(body), body.size };
  return OK;
}

static int compare(const void *a, const void *b) {
  return strcmp(((const struct record *)a)->place, ((const struct record *)b)->place);
}

err_t load(struct store *s, struct records *out) {
  TRY(store_load(s, keep, out));
  if (out->count)
    qsort(out->items, out->count, sizeof *out->items, compare);
  return OK;
}

void records_free(struct records *r) {
  for (size_t i = 0; i < r->count; i++) {
    mem_free(r->items[i].place);
    mem_free(r->items[i].body);
  }
  mem_free(r->items);
  *r = (struct records){ 0 };
}

const char *body_of(const struct records *r, const char *place) {
  struct record key = { .place = (char *)place };
  const struct record *found =
    r->count ? bsearch(&key, r->items, r->count, sizeof key, compare) : NULL;
  return found ? found->body : NULL;
}

struct buf slurp(const char *path) {
  struct buf b = BUF_EMPTY;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = 0;
  while (fd >= 0 && buf_reserve(&b, 65536) && (n = read(fd, b.data + b.size, 65536)) > 0)
    b.size += (size_t)n;
  assert_int_equal(n, 0);
  assert_int_equal(buf_ok(&b), OK);
  if (fd >= 0)
    close(fd);
  return b;
}

void spill(const char *path, struct bytes data) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, data.data, data.size), data.size);
  close(fd);
}
