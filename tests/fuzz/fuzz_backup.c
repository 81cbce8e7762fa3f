/*
 * Backup blobs of each kind of object: as they come, and sealed as ours with the input as their
 * content, so that the reader behind the seal is reached too.
 */
#include "fixture.h"
#include "start.h"
#include "vault/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void restore(struct vault *v, enum kind_id kind, struct bytes blob) {
  struct version *restored = NULL;
  struct deleted d;
  if (object_restore(v, kind, blob, "localhost", &restored) != OK)
    return;
  if (object_delete(v, kind, restored->name, &d) == OK) {
    IGNORE(object_purge(v, kind, d.latest->name));
    version_free(d.latest);
  }
  version_free(restored);
}

static void restore_sealed(struct vault *v, enum kind_id kind, struct bytes content) {
  AUTO_BUF blob = BUF_EMPTY;
  struct bytes magic = bytes_str(kind_of(kind)->backup_magic);
  buf_put_bytes(&blob, magic);
  if (crypto_seal(secret_bytes(&v->shelves[kind].backup_key), magic, content, &blob) == OK)
    restore(v, kind, buf_bytes(&blob));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct fixture f;
  if (!f.hub) {
    fixture_open(&f, NULL);
    fuzz_secure_heap_is_root();
  }
  for (int kind = 0; kind < KINDS; kind++) {
    restore(f.hub->vault, (enum kind_id)kind, bytes_of(data, size));
    restore_sealed(f.hub->vault, (enum kind_id)kind, bytes_of(data, size));
  }
  return 0;
}
