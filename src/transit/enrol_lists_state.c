/* Revocation lists in the state directory: crl-root.der, and for each issuing authority ca-N.der,
 * its certificate, and crl-N.der. They are public: what is there is verified as what comes from
 * the hub is. */
#include "base/file.h"
#include "base/log.h"
#include "crypto/crl.h"
#include "transit/enrol_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define NAME_SIZE 32

static err_t make_path(const char *dir, const char *kind, unsigned number,
                       char out[static ENROL_PATH_MAX]) {
  char name[NAME_SIZE];
  if (number)
    snprintf(name, sizeof name, "%s-%u.der", kind, number);
  else
    snprintf(name, sizeof name, "%s-root.der", kind);
  return enrol_state_path(dir, name, out);
}

static err_t write_one(const char *dir, const char *kind, unsigned number, struct bytes der) {
  char path[ENROL_PATH_MAX];
  TRY(make_path(dir, kind, number, path));
  return file_write_private(path, der);
}

err_t lists_save(const char *dir, const struct listed *item) {
  if (item->number)
    TRY(write_one(dir, "ca", item->number, buf_bytes(&item->ca)));
  return write_one(dir, "crl", item->number, buf_bytes(&item->crl));
}

void lists_remove(const char *dir, unsigned number) {
  static const char *const kinds[] = { "crl", "ca" };
  char path[ENROL_PATH_MAX];
  for (size_t i = 0; i < 2; i++)
    if (make_path(dir, kinds[i], number, path) == OK && unlink(path) != 0 && errno != ENOENT)
      log_warn("enrol", "cannot remove %s: %s", path, strerror(errno));
}

static err_t read_one(const char *dir, const char *kind, unsigned number, size_t max,
                      struct buf *out) {
  char path[ENROL_PATH_MAX];
  TRY(make_path(dir, kind, number, path));
  return file_read(path, max, out);
}

/* Without its list an entry is of no use. */
static err_t load_list(const char *dir, struct lists *l, unsigned number, struct bytes ca) {
  struct listed *item;
  bool changed;
  AUTO_BUF crl = BUF_EMPTY;
  TRY(read_one(dir, "crl", number, CRL_DER_MAX, &crl));
  TRY(lists_add(l, number, ca, &item));
  err_t e = listed_take(item, &crl, INT64_MAX, &changed);
  if (e != OK)
    lists_drop(l, item);
  else
    item->saved = true;
  return e;
}

static err_t load_issuing(const char *dir, const struct held *id, int64_t now, unsigned number,
                          struct lists *l) {
  AUTO_BUF ca = BUF_EMPTY;
  TRY(read_one(dir, "ca", number, CERT_DER_MAX, &ca));
  TRY(lists_check_authority(l, held_root(id), buf_bytes(&ca), now));
  return load_list(dir, l, number, buf_bytes(&ca));
}

static void note(err_t e, const char *dir, const char *name) {
  if (e != OK)
    log_warn("enrol", "%s/%s is not used: %s", dir, name, err_reason(e));
}

/* "crl-3.der" is 3; 0: it is none. */
static unsigned number_of(const char *name) {
  uint64_t number = 0;
  struct bytes text, rest = bytes_split(bytes_str(name), '-', &text);
  if (!rest.data || !bytes_equal_str(text, "crl"))
    return 0;
  rest = bytes_split(rest, '.', &text);
  if (!bytes_equal_str(rest, "der") || bytes_to_u64(text, UINT32_MAX, &number) != OK)
    return 0;
  return (unsigned)number;
}

void lists_load(const char *dir, const struct held *id, int64_t now, struct lists *out) {
  char path[ENROL_PATH_MAX];
  DIR *files = opendir(dir);
  if (make_path(dir, "crl", 0, path) == OK && access(path, F_OK) == 0)
    note(load_list(dir, out, 0, held_root(id)), dir, "crl-root.der");
  for (const struct dirent *entry; files && (entry = readdir(files));) {
    unsigned number = number_of(entry->d_name);
    if (number && !lists_find(out, number))
      note(load_issuing(dir, id, now, number, out), dir, entry->d_name);
  }
  if (files)
    closedir(files);
}
