#include "cli/age/plugin.h"

#include "base/bytes.h"
#include "seal/age.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "age-plugin-strongroom"
#define OPTION "--age-plugin="

bool age_plugin_is(const char *argv0) {
  const char *slash = strrchr(argv0, '/');
  return strcmp(slash ? slash + 1 : argv0, NAME) == 0;
}

/* A client that could not be made is an error of each request: age is told why. */
struct late {
  struct client *client;
  err_t failed;
  struct err_last why;
};
static void late_free(struct late *l) {
  if (l->client)
    client_free(l->client);
}

static err_t late_wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  const struct late *l = ctx;
  err_restore(&l->why);
  return l->failed;
}

static err_t late_unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  const struct late *l = ctx;
  err_restore(&l->why);
  return l->failed;
}

static struct key_service open_vault(struct late *l) {
  const char *data = getenv("KEY_VAULT_URL") ? NULL : getenv("STRONGROOM_DATA");
  l->failed = client_new(data, &l->client);
  if (l->failed == OK)
    return client_key_service(l->client);
  l->why = *err_last();
  return (struct key_service){ .ctx = l, .wrap = late_wrap, .unwrap = late_unwrap };
}

err_t age_plugin_run(int argc, char **argv) {
  __attribute__((cleanup(late_free))) struct late l = { 0 };
  if (argc != 2 || !bytes_starts(bytes_str(argv[1]), OPTION))
    FAIL(ERR_USAGE, NAME " is started by age: see 'strongroom help age recipient'");
  struct key_service vault = open_vault(&l);
  return age_plugin(&vault, argv[1] + sizeof OPTION - 1, STDIN_FILENO, STDOUT_FILENO);
}
