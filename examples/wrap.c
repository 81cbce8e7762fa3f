/* wrap KEY: makes a data key, has it wrapped by a key of the vault, and unwraps it again. */
#include <stdio.h>
#include <string.h>
#include <strongroom.h>
#include <sys/random.h>

static enum sr_status work(struct sr_vault *vault, const char *key, struct sr_error *error) {
  unsigned char data_key[32];
  struct sr_wrapped wrapped; /* this is what you keep */
  struct sr_bytes again;
  if (getrandom(data_key, sizeof data_key, 0) != sizeof data_key)
    return SR_INTERNAL;
  enum sr_status status = sr_wrap(vault, key, data_key, sizeof data_key, &wrapped, error);
  if (status == SR_OK)
    status = sr_unwrap(vault, &wrapped, &again, error);
  if (status == SR_OK) {
    int same = again.size == sizeof data_key && memcmp(again.data, data_key, again.size) == 0;
    printf("%s: %zu bytes, %s; unwrapped: %s\n", wrapped.algorithm, wrapped.size, wrapped.key_id,
           same ? "the same" : "something else");
    sr_bytes_free(&again);
  }
  explicit_bzero(data_key, sizeof data_key);
  return status;
}

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: wrap KEY\n");
    return 2;
  }
  if (sr_connect(NULL, &vault, &error) != SR_OK || work(vault, argv[1], &error) != SR_OK) {
    fprintf(stderr, "wrap: %s (%s)\n", error.message, sr_status_name(error.status));
    sr_close(vault);
    return 1;
  }
  sr_close(vault);
  return 0;
}
