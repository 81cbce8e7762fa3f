/* seal KEY CONTEXT <in >out: what comes in, sealed as CONTEXT; seal --open CONTEXT <in >out: the
 * way back. */
#include <stdio.h>
#include <string.h>
#include <strongroom.h>
#include <unistd.h>

/* A line a second would do; a program with a window draws here. */
static int progress(void *user, uint64_t done, uint64_t total) {
  uint64_t *sum = user;
  *sum = done;
  (void)total;
  return 0; /* anything else stops it */
}

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  uint64_t bytes = 0;
  struct sr_stream how = { .progress = progress, .user = &bytes };
  if (argc != 3) {
    fprintf(stderr, "usage: seal KEY|--open CONTEXT\n");
    return 2;
  }
  how.context = argv[2];
  how.context_size = strlen(argv[2]);
  enum sr_status status = sr_connect(NULL, &vault, &error);
  if (status == SR_OK && strcmp(argv[1], "--open") == 0)
    status = sr_stream_open(vault, &how, STDIN_FILENO, STDOUT_FILENO, &error);
  else if (status == SR_OK)
    status = sr_stream_seal(vault, argv[1], &how, STDIN_FILENO, STDOUT_FILENO, &error);
  if (status == SR_OK)
    fprintf(stderr, "%llu bytes\n", (unsigned long long)bytes);
  else
    fprintf(stderr, "seal: %s (%s)\n", error.message, sr_status_name(status));
  sr_close(vault);
  return status == SR_OK ? 0 : 1;
}
