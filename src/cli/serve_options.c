#include "cli/serve_options.h"

#include <unistd.h>

static err_t fd_option(int argc, char **argv, int *out) {
  uint64_t n;
  if (argc < 2 || bytes_to_u64(bytes_str(argv[1]), 1 << 20, &n) != OK)
    FAIL(ERR_USAGE, "%s takes the number of an open descriptor", argv[0]);
  *out = (int)n;
  return OK;
}

/* One option that is not configuration; *used 0 when it is none of ours. */
static err_t own_option(int argc, char **argv, struct serve_options *o, int *used) {
  int fd = -1;
  *used = 1;
  if (strcmp(argv[0], "--init") == 0) {
    o->init = true;
    return OK;
  }
  if (strcmp(argv[0], "--audit-lost") == 0) {
    o->audit_lost = true;
    return OK;
  }
  if (strcmp(argv[0], "--passphrase-stdin") == 0)
    return passphrase_read(STDIN_FILENO, &o->passphrase);
  *used = 2;
  if (strcmp(argv[0], "--ready-fd") == 0)
    return fd_option(argc, argv, &o->ready_fd);
  if (strcmp(argv[0], "--passphrase-fd") == 0) {
    TRY(fd_option(argc, argv, &fd));
    return passphrase_read(fd, &o->passphrase);
  }
  *used = strcmp(argv[0], "--config") == 0 ? 2 : 0;
  return OK;
}

static err_t config_files(int argc, char **argv, struct conf *conf) {
  for (int i = 0; i + 1 < argc; i++)
    if (strcmp(argv[i], "--config") == 0)
      TRY(conf_read_file(conf, argv[i + 1]));
  return OK;
}

err_t serve_options_read(int argc, char **argv, struct serve_options *o) {
  o->ready_fd = -1;
  TRY(conf_new(hub_keys, hub_key_count, &o->conf));
  TRY(config_files(argc, argv, o->conf));
  TRY(conf_read_env(o->conf, "STRONGROOM_"));
  for (int i = 0, used; i < argc; i += used) {
    TRY(own_option(argc - i, argv + i, o, &used));
    if (used == 0)
      TRY(conf_flag(o->conf, argc - i, argv + i, &used));
    if (used == 0)
      FAIL(ERR_USAGE, "there is no option %s: see 'strongroom help up'", argv[i]);
  }
  return OK;
}

void serve_options_free(struct serve_options *o) {
  if (o->conf)
    conf_free(o->conf);
  secret_free(&o->passphrase);
}
