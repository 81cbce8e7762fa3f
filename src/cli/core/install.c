/* strongroom core install */
#include "base/file.h"
#include "base/write.h"
#include "cli/ask.h"
#include "cli/core/config.h"
#include "cli/core/dir.h"
#include "cli/core/kernel.h"
#include "cli/core/sealer.h"
#include "cli/core/sysctl.h"
#include "cli/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define QUEUE 4 /* for each core that is sealed, so many may wait for their turn */

/* The file beside the settings for a public key. */
static err_t public_path(const char *config, char out[static PATH_MAX]) {
  AUTO_FREE char *copy = mem_strdup(config);
  if (!copy)
    return ERR_NOMEM;
  size_t n = strlen(copy);
  if (n > 5 && strcmp(copy + n - 5, ".conf") == 0)
    copy[n - 5] = '\0';
  if (snprintf(out, PATH_MAX, "%s.jwk", copy) >= PATH_MAX)
    FAIL(ERR_CONFIG, "the path %s is too long", config);
  return OK;
}

/* Checks a public key, keeps it beside the settings and names it there. */
static err_t keep_public(struct conf *c, const char *config, struct bytes text,
                         const char *origin) {
  AUTO(public_key) struct public_key *k = NULL;
  char path[PATH_MAX];
  TRY(public_key_read(text, origin, &k));
  TRY(public_path(config, path));
  TRY(file_write_private(path, text));
  TRY(core_config_set(c, "public_key", path));
  return core_config_set(c, "key", public_key_id(k));
}

static bool has_op(json_t *jwk, const char *op) {
  json_t *item;
  size_t i;
  json_array_foreach(json_object_get(jwk, "key_ops"), i, item) {
    if (json_is_string(item) && strcmp(json_string_value(item), op) == 0)
      return true;
  }
  return false;
}

/* Whoever reads a core has to unwrap: better now than then. */
static err_t check_public(json_t *bundle, json_t *jwk, const char *key) {
  if (!has_op(jwk, "wrapKey") || !has_op(jwk, "unwrapKey"))
    FAIL(ERR_CONFIG, "the key %s may not wrap and unwrap: see 'strongroom key set --ops'", key);
  if (json_is_false(json_object_get(field_object(bundle, "attributes"), "enabled")))
    FAIL(ERR_CONFIG, "the key %s is disabled", key);
  return OK;
}

/* The key as the vault shows it: an RSA key's public part, if it is one. */
static err_t look_up(struct client *c, const char *key, bool *rsa, struct buf *jwk) {
  AUTO_ANSWER answer = { 0 };
  struct key_name name;
  TRY(key_name_parse(key, &name));
  AUTO_BUF path = client_path("keys", name.name, *name.version ? name.version : NULL, NULL);
  TRY(client_call(c, HTTP_GET, &path, NULL, &answer));
  json_t *object = field_object(answer.body, "key");
  *rsa = object && bytes_starts(field_text(object, "kty"), "RSA");
  if (!*rsa)
    return OK;
  TRY(check_public(answer.body, object, key));
  char *text = json_dumps(object, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
  if (!text)
    return ERR_NOMEM;
  buf_put_str(jwk, text);
  mem_free(text);
  return buf_ok(jwk);
}

/* No RSA key: the vault is asked for each core, with credentials that are in a file. */
static err_t use_vault(struct conf *c, const struct args *a, const char *config,
                       struct client *client, const char *key) {
  AUTO_SECRET probe = { 0 };
  struct wrapped wrapped;
  char path[PATH_MAX];
  const char *data = args_value(a, "data");
  if (!data)
    FAIL(ERR_USAGE,
         "%s is no RSA key, so that the vault must be asked for each core: give the file "
         "with the credentials for that, --data FILE",
         key);
  if (!realpath(data, path))
    FAIL(ERR_CONFIG, "cannot find %s: %s", data, strerror(errno));
  TRY(secret_random(DATA_KEY_SIZE, &probe));
  TRY(client_wrap(client, key, secret_bytes(&probe), &wrapped));
  TRY(core_config_set(c, "credentials", path));
  TRY(core_config_set(c, "key", key));
  TRY(public_path(config, path)); /* of an earlier install */
  unlink(path);
  return OK;
}

static err_t choose_key(struct conf *c, const struct args *a, const char *config) {
  AUTO(client) struct client *client = NULL;
  AUTO_BUF text = BUF_EMPTY;
  bool rsa = false;
  const char *file = args_value(a, "public-key"), *key = args_value(a, "key");
  if (!file == !key)
    FAIL(ERR_USAGE, "give either --key NAME or --public-key FILE");
  if (file) {
    TRY(file_read(file, 16384, &text));
    return keep_public(c, config, buf_bytes(&text), file);
  }
  TRY(ask_open(a, &client));
  TRY(look_up(client, key, &rsa, &text));
  return rsa ? keep_public(c, config, buf_bytes(&text), key) : use_vault(c, a, config, client, key);
}

/* What the kernel did before the first of our installs. */
static err_t remember(struct conf *c, const struct kernel_cores *now, const char *config) {
  AUTO(conf) struct conf *earlier = NULL;
  char limit[24];
  if (!kernel_pattern_is_ours(now->pattern)) {
    snprintf(limit, sizeof limit, "%llu", (unsigned long long)now->pipe_limit);
    TRY(core_config_set(c, "before.pattern", now->pattern));
    return core_config_set(c, "before.pipe_limit", limit);
  }
  if (core_config_read(config, &earlier) != OK)
    return OK;
  TRY(core_config_set(c, "before.pattern", conf_str(earlier, "before.pattern")));
  return core_config_set(c, "before.pipe_limit", conf_str(earlier, "before.pipe_limit"));
}

static void tell(const struct conf *c, const struct kernel_cores *k, bool persist) {
  bool asks = *conf_str(c, "credentials");
  out_field_str("Key", conf_str(c, "key"));
  out_field_str("Wrapped", asks ? "by the vault, with the credentials below"
                                : "on this machine, by the key's public part");
  out_field_str("Credentials", conf_str(c, "credentials"));
  out_field_str("Directory", conf_str(c, "dir"));
  out_field_str("Pattern", k->pattern);
  if (persist)
    out_field_str("After a start", SYSCTL_FILE);
  else
    out_note("This lasts until the next start; with --persist, beyond it.");
}

static err_t run(const struct args *a) {
  AUTO(conf) struct conf *c = NULL;
  struct kernel_cores now, next = { 0 };
  const char *given = args_value(a, "config"), *config = core_config_path(a);
  static const char *const taken[] = { "dir", "max_size", "keep_total", "wait_seconds" };
  if (*config != '/') /* the kernel starts its helper in / */
    FAIL(ERR_USAGE, "--config must be an absolute path, not '%s'", config);
  TRY(core_config_new(&c));
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    TRY(core_config_take(c, a, taken[i]));
  TRY(kernel_cores_get(&now));
  TRY(core_dir_make(conf_str(c, "dir")));
  TRY(core_make_parents(config));
  TRY(remember(c, &now, config));
  TRY(choose_key(c, a, config));
  TRY(core_config_write(c, config));
  TRY(kernel_pattern(given, next.pattern));
  next.pipe_limit = QUEUE * conf_uint(c, "at_once");
  TRY(kernel_cores_set(&next));
  if (args_flag(a, "persist"))
    TRY(sysctl_persist(&next));
  tell(c, &next, args_flag(a, "persist"));
  return OK;
}

static const struct opt options[] = {
  { "key", OPT_VALUE, "NAME", NULL, "the key that cores are sealed under" },
  { "public-key", OPT_VALUE, "FILE", NULL,
    "the public part of an RSA key ('strongroom key show NAME --json'); the vault is not asked" },
  { "dir", OPT_VALUE, "DIR", NULL, "where sealed cores go (default: " CORE_DIR ")" },
  { "max-size", OPT_VALUE, "SIZE", NULL, "keep so much of a core (default: 2G)" },
  { "keep-total", OPT_VALUE, "SIZE", NULL,
    "keep so much in all; the oldest go first (default: 10G)" },
  { "wait-seconds", OPT_VALUE, "N", NULL, "wait so long for a vault that is away (default: 30)" },
  { "persist", OPT_FLAG, NULL, NULL, "also after the next start: write " SYSCTL_FILE },
  { "data", OPT_VALUE, "PATH", NULL,
    "take address and credentials from this file, or from PATH/env" },
  CORE_CONFIG_OPTION,
  OPT_END,
};

const struct verb verb_core_install = {
  .noun = "core",
  .name = "install",
  .words = "",
  .summary = "Have the kernel hand over the cores of crashed programs, and seal them",
  .details =
    "For root. With an RSA key, its public part is kept on this machine and seals there: the\n"
    "machine needs no credentials and no vault for it, and can't open what it sealed. After a\n"
    "rotation, install again. With any other key the vault is asked for each core, by whom the\n"
    "credentials in the file of --data name. A process whose RLIMIT_CORE is 0 leaves no core.",
  .options = options,
  .examples = "strongroom core install --key cores --persist\n"
              "strongroom core install --public-key cores.jwk --max-size 512M\n"
              "strongroom core install --key cores-oct --data /etc/strongroom/core.env",
  .run = run,
};
