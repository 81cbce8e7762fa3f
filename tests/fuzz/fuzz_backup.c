/*
 * Backup blobs: as they come, and sealed as ours with the input as their content, so that the
 * reader behind the seal is reached too.
 */
#include "fixture.h"
#include "start.h"
#include "vault/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct fixture f;
  static const char magic[] = "StrongroomKeyBackupV1";
  AUTO_BUF blob = BUF_EMPTY;
  if (!f.hub) {
    fixture_open(&f, NULL);
    fuzz_secure_heap_is_root();
  }
  struct vault *v = f.hub->vault;
  struct key_version *kv = NULL;
  if (keys_restore(v, bytes_of(data, size), "localhost", &kv) == OK)
    key_version_free(TAKE(kv));
  buf_put_str(&blob, magic);
  if (crypto_seal(secret_bytes(&v->backup_key), bytes_str(magic), bytes_of(data, size), &blob) ==
        OK &&
      keys_restore(v, buf_bytes(&blob), "localhost", &kv) == OK) {
    struct key_deleted d;
    if (keys_delete(v, kv->name, &d) == OK) {
      IGNORE(keys_purge(v, d.latest->name));
      key_version_free(d.latest);
    }
    key_version_free(kv);
  }
  return 0;
}
