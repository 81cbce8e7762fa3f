/*
 * Sealed files. The payload's key is derived once, when a file is opened, and would serve for ever:
 * so each read asks the cache for the data key first, which says no when the vault did.
 */
#include "lib/lib.h"
#include "lib/quiet.h"
#include "seal/sealed.h"

#include <errno.h>
#include <unistd.h>

#define FILE_MAGIC 0x53524649u

struct sr_file {
  uint32_t magic;
  struct sr_vault *vault;
  int descriptor;
  struct wrapped wrapped;
  struct sealed_file *sealed;
};

void sr_file_close(struct sr_file *file) {
  if (!file || vault_check(file->vault) != OK)
    return;
  if (file->sealed)
    sealed_file_free(file->sealed);
  mem_free(file);
}
CLEANUP(sr_file, struct sr_file *, sr_file_close)

/* Which key it is under; what is wrong with a header sealed_file_open() says. */
static err_t read_wrapped(int descriptor, struct wrapped *out) {
  uint8_t start[HEADER_SIZE];
  struct header h;
  ssize_t n = pread(descriptor, start, sizeof start, 0);
  if (n < 0)
    FAIL(ERR_INPUT, "the file cannot be read at a place: %s", strerror(errno));
  TRY(header_read(bytes_of(start, (size_t)n), &h));
  *out = h.wrapped;
  return OK;
}

static err_t open_file(struct sr_vault *v, struct bytes context, int descriptor,
                       struct sr_file **out) {
  TRY(vault_check(v));
  NEED(out);
  TRY(given_context(context.data, context.size, &context));
  AUTO(sr_file) struct sr_file *f = mem_zalloc(sizeof *f);
  if (!f)
    return ERR_NOMEM;
  f->magic = FILE_MAGIC;
  f->vault = v;
  f->descriptor = descriptor;
  TRY(read_wrapped(descriptor, &f->wrapped));
  TRY(sealed_file_open(v->keys, context, descriptor, &f->sealed));
  *out = TAKE(f);
  return OK;
}

enum sr_status sr_file_open(struct sr_vault *vault, const void *context, size_t context_size,
                            int descriptor, struct sr_file **out, struct sr_error *error) {
  if (out)
    *out = NULL;
  return told(open_file(vault, bytes_of(context, context_size), descriptor, out), error);
}

/* It may have been put under another key since. */
static err_t ask_again(const struct sr_file *f, struct data_key **out) {
  struct wrapped now;
  struct err_last why = *err_last();
  if (read_wrapped(f->descriptor, &now) == OK &&
      (now.size != f->wrapped.size || memcmp(now.data, f->wrapped.data, now.size) != 0))
    return key_cache_for_opening(f->vault->keys, &now, out);
  err_restore(&why);
  return why.code;
}

/* Whether it may still be read. */
static err_t enter(const struct sr_file *file) {
  AUTO(data_key) struct data_key *k = NULL;
  NEED(file);
  if (file->magic != FILE_MAGIC)
    FAIL(ERR_USAGE, "this is no struct sr_file");
  TRY(vault_check(file->vault));
  err_t e = key_cache_for_opening(file->vault->keys, &file->wrapped, &k);
  return e == OK || err_last()->code != e ? e : ask_again(file, &k);
}

static err_t size_of(struct sr_file *f, uint64_t *size) {
  TRY(enter(f));
  NEED(size);
  return sealed_file_size(f->sealed, size);
}

enum sr_status sr_file_size(struct sr_file *file, uint64_t *size, struct sr_error *error) {
  if (size)
    *size = 0;
  return told(size_of(file, size), error);
}

static err_t read_file(struct sr_file *f, uint64_t offset, void *buffer, size_t room, size_t *got) {
  TRY(enter(f));
  NEED(got);
  if (room == 0)
    return OK;
  NEED(buffer);
  err_t e = sealed_file_read(f->sealed, offset, buffer, room, got);
  if (e != OK) {
    explicit_bzero(buffer, room);
    *got = 0;
  }
  return e;
}

enum sr_status sr_file_read(struct sr_file *file, uint64_t offset, void *buffer, size_t room,
                            size_t *got, struct sr_error *error) {
  if (got)
    *got = 0;
  return told(read_file(file, offset, buffer, room, got), error);
}

static err_t copy(struct sr_file *f, uint64_t offset, uint64_t length, int out) {
  AUTO_QUIET q = quiet_begin();
  TRY(enter(f));
  return sealed_file_range(f->sealed, offset, length, out);
}

enum sr_status sr_file_copy(struct sr_file *file, uint64_t offset, uint64_t length, int out,
                            struct sr_error *error) {
  return told(copy(file, offset, length, out), error);
}

static err_t reseal(struct sr_vault *v, const char *key, int descriptor, int *changed) {
  bool did = false;
  TRY(vault_check(v));
  TRY(sealed_reseal(&v->service, key, descriptor, &did));
  if (changed)
    *changed = did;
  return OK;
}

enum sr_status sr_file_reseal(struct sr_vault *vault, const char *key, int descriptor, int *changed,
                              struct sr_error *error) {
  if (changed)
    *changed = 0;
  return told(reseal(vault, key, descriptor, changed), error);
}
