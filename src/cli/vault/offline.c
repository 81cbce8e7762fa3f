#include "cli/vault/offline.h"

#include <stdio.h>
#include <string.h>

static err_t set(struct conf *c, const struct args *a, const char *name) {
  char flag[32];
  int used;
  const char *value = args_value(a, name);
  if (!value)
    return OK;
  snprintf(flag, sizeof flag, "--%s", name);
  char *argv[] = { flag, (char *)value };
  return conf_flag(c, 2, argv, &used);
}

err_t offline_open(const struct args *a, struct offline *out) {
  AUTO(conf) struct conf *c = NULL;
  char provider[16];
  const char *file = args_value(a, "config");
  TRY(conf_new(hub_keys, hub_key_count, &c));
  if (file)
    TRY(conf_read_file(c, file));
  TRY(conf_read_env(c, "STRONGROOM_"));
  TRY(set(c, a, "data"));
  TRY(set(c, a, "root-file"));
  TRY(hub_root_provider(conf_str(c, "data"), provider));
  if (strcmp(provider, "passphrase") == 0)
    TRY(passphrase_get(a, "Present passphrase: ", &out->passphrase));
  out->conf = TAKE(c);
  return OK;
}

void offline_close(struct offline *o) {
  if (o->conf)
    conf_free(o->conf);
  secret_free(&o->passphrase);
}
