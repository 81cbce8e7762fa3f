/* seal_stdin KEY <dump >dump.sealed */
#include <stdio.h>
#include <strongroom.h>

int main(int argc, char **argv) {
  struct sr_error error;
  struct sr_vault *vault = NULL;
  struct sr_stream how = { .context = "shop", .context_size = 4 };
  if (sr_connect(NULL, &vault, &error) != SR_OK || /* as the environment says */
      sr_stream_seal(vault, argc > 1 ? argv[1] : NULL, &how, 0, 1, &error) != SR_OK)
    fprintf(stderr, "%s: %s\n", sr_status_name(error.status), error.message);
  sr_close(vault);
  return error.status;
}
