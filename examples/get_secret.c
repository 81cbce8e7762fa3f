/* get_secret NAME: reads a secret's value and says how long it is. */
#include <stdio.h>
#include <strongroom.h>

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  struct sr_bytes value = { 0 };
  if (argc != 2) {
    fprintf(stderr, "usage: get_secret NAME\n");
    return 2;
  }
  int ok = sr_connect(NULL, &vault, &error) == SR_OK &&
           sr_get_secret(vault, argv[1], NULL, &value, &error) == SR_OK;
  if (ok)
    printf("%s: %zu bytes, in %s memory\n", argv[1], value.size,
           sr_memory_locked() ? "locked" : "ordinary");
  else
    fprintf(stderr, "get_secret: %s (%s)\n", error.message, sr_status_name(error.status));
  sr_bytes_free(&value); /* wiped */
  sr_close(vault);
  return ok ? 0 : 1;
}
