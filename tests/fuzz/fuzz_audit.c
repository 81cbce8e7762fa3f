/*
 * The audit log's readers. The first byte chooses: a log file of these bytes is scanned, walked and
 * searched as recovery does; or they are a record's plaintext; or they are public.pem. What is
 * written as JSON must be JSON.
 */
#include "base/json.h"
#include "start.h"
#include "vault/audit_file.h"

#include <fcntl.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int dir = -1;
static char path[] = "/tmp/fuzz-audit-XXXXXX";

static void stop(void) {
  unlinkat(dir, audit_file_name(1).text, 0);
  rmdir(path);
}

static void start(void) {
  if (!fuzz_start_crypto() || !mkdtemp(path) || audit_dir_open(path, &dir) != OK)
    abort();
  atexit(stop);
}

static void walk(struct bytes file) {
  static const struct audit_head none;
  struct audit_walk w = { .head = &none,
                          .seal_key = bytes_of("0123456789abcdef0123456789abcdef", 32) };
  bool proof;
  if (audit_store(dir, audit_file_name(1).text, file, false) != OK)
    abort();
  err_t e = audit_walk_file(dir, 1, &w);
  if (e == OK && w.good != file.size)
    abort();
  if (e == ERR_CORRUPT && w.broken == 0)
    abort();
  if (e == ERR_CORRUPT && w.torn)
    IGNORE(audit_find_proof(dir, 1, &w, &proof));
}

static void event(struct bytes plain) {
  AUTO_BUF json = BUF_EMPTY;
  AUTO_JSON *j = NULL;
  if (audit_event_json(1, plain, &json) == OK && json_read(buf_bytes(&json), &j) != OK)
    abort();
}

static void public_key(struct bytes pem) {
  struct key *k AUTO(key) = NULL;
  AUTO_BUF out = BUF_EMPTY;
  if (audit_public_key(pem, &k) == OK && audit_public_pem(k, &out) != OK)
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (dir < 0)
    start();
  if (size == 0)
    return 0;
  struct bytes rest = bytes_of(data + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    walk(rest);
    break;
  case 1:
    event(rest);
    break;
  default:
    public_key(rest);
  }
  return 0;
}
