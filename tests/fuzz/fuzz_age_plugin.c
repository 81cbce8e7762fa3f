/* What age may say to its plugin: both state machines, before a vault that does all. */
#include "seal/age.h"
#include "start.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int in, out;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *w) {
  struct key_name k;
  TRY(key_name_parse(key, &k));
  *w = (struct wrapped){ .alg = "A256KW", .size = plain.size };
  memcpy(w->data, plain.data, plain.size);
  (void)snprintf(w->key_id, sizeof w->key_id, "https://vault.example/keys/%s/%s", k.name,
                 *k.version ? k.version : "0");
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *file_key) {
  return secret_new(16, file_key);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  in = memfd_create("in", MFD_CLOEXEC);
  out = open("/dev/null", O_WRONLY | O_CLOEXEC);
  return !fuzz_start_crypto() || in < 0 || out < 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const struct key_service vault = { .wrap = wrap, .unwrap = unwrap };
  static const char *const machines[] = { "recipient-v1", "identity-v1" };
  for (size_t i = 0; i < 2; i++) {
    if (ftruncate(in, 0) != 0 || lseek(in, 0, SEEK_SET) != 0 ||
        write(in, data, size) != (ssize_t)size || lseek(in, 0, SEEK_SET) != 0)
      abort();
    IGNORE(age_plugin(&vault, machines[i], in, out));
  }
  return 0;
}
