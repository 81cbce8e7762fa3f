/* range FILE CONTEXT OFFSET LENGTH: a piece from the middle of a sealed file, to stdout. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strongroom.h>
#include <unistd.h>

static enum sr_status work(struct sr_vault *vault, int fd, char **argv, struct sr_error *error) {
  struct sr_file *file;
  uint64_t size;
  enum sr_status status = sr_file_open(vault, argv[2], strlen(argv[2]), fd, &file, error);
  if (status != SR_OK)
    return status;
  status = sr_file_size(file, &size, error); /* it is whole */
  if (status == SR_OK) {
    fprintf(stderr, "of %llu bytes\n", (unsigned long long)size);
    status = sr_file_copy(file, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                          STDOUT_FILENO, error);
  }
  sr_file_close(file);
  return status;
}

int main(int argc, char **argv) {
  struct sr_error error = { 0 };
  struct sr_vault *vault = NULL;
  int fd = argc == 5 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) {
    fprintf(stderr, "usage: range FILE CONTEXT OFFSET LENGTH\n");
    return 2;
  }
  int failed = sr_connect(NULL, &vault, &error) != SR_OK || work(vault, fd, argv, &error) != SR_OK;
  if (failed)
    fprintf(stderr, "range: %s (%s)\n", error.message, sr_status_name(error.status));
  sr_close(vault);
  close(fd);
  return failed;
}
