/*
 * The root key of a hub: from its file or a passphrase; made with a new store, replaced by rewrap.
 *
 * A root key file that replaces another is written beside it (".next"), then the master key is
 * wrapped under it, then it is renamed. A start that finds both was preceded by a crash in between
 * and takes the one that opens the store.
 */
#include "base/file.h"
#include "base/log.h"
#include "vault/hub_internal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* The configured root key file; next: the one that is to replace it. */
static err_t key_path(const struct hub *h, bool next, char out[static HUB_PATH_MAX]) {
  const char *path = conf_str(h->conf, "root_file"), *end = next ? ".next" : "";
  int n = path[0] ? snprintf(out, HUB_PATH_MAX, "%s%s", path, end)
                  : snprintf(out, HUB_PATH_MAX, "%s/root.key%s", h->dir, end);
  if (n < 0 || n >= HUB_PATH_MAX)
    FAIL(ERR_CONFIG, "the root key file's name is too long");
  return OK;
}

static err_t open_file(const char *path, struct root **out) {
  AUTO_SECRET key = { 0 };
  TRY(root_file_read(path, &key));
  return root_open("file", secret_bytes(&key), out);
}

static bool is_file(const char *provider) {
  return strcmp(provider, "file") == 0;
}

static err_t unseal_by_file(struct hub *h, const char *path) {
  AUTO(root) struct root *root = NULL;
  TRY(open_file(path, &root));
  return store_unseal(h->store, root);
}

static err_t rename_next(const char *next, const char *path) {
  if (rename(next, path) != 0)
    FAIL(ERR_CONFIG, "cannot rename %s: %s", next, strerror(errno));
  return file_sync_parent(path);
}

static err_t unseal_by_files(struct hub *h) {
  char path[HUB_PATH_MAX], next[HUB_PATH_MAX];
  TRY(key_path(h, false, path));
  TRY(key_path(h, true, next));
  bool both = access(next, F_OK) == 0;
  err_t e = unseal_by_file(h, path);
  if (!both)
    return e;
  if (e == OK) {
    unlink(next);
    return OK;
  }
  TRY(unseal_by_file(h, next));
  return rename_next(next, path);
}

err_t hub_unseal_store(struct hub *h, struct bytes passphrase) {
  AUTO(root) struct root *root = NULL;
  if (is_file(h->api.provider))
    return unseal_by_files(h);
  err_t e = root_open(h->api.provider, passphrase, &root);
  if (e == ERR_CONFIG) /* of a length that no passphrase has */
    return ERR_ROOT_KEY;
  TRY(e);
  return store_unseal(h->store, root);
}

/* A new store: its root key, where it is not there, and the master key under it. */
static err_t init_store(struct hub *h, struct bytes passphrase) {
  const char *provider = conf_str(h->conf, "root");
  char path[HUB_PATH_MAX];
  AUTO(root) struct root *root = NULL;
  if (is_file(provider)) {
    TRY(key_path(h, false, path));
    if (access(path, F_OK) != 0)
      TRY(root_file_create(path));
    TRY(open_file(path, &root));
  } else {
    if (passphrase.size == 0)
      FAIL(ERR_CONFIG,
           "a new vault with --root %s needs the passphrase: on a terminal, or by "
           "--passphrase-stdin or --passphrase-fd",
           provider);
    TRY(root_open(provider, passphrase, &root));
  }
  h->first = true;
  return store_init(h->store, root);
}

/* Opening a store makes it: not where nothing is to be made. */
static err_t must_be_there(const char *dir) {
  char path[HUB_PATH_MAX];
  snprintf(path, sizeof path, "%s/vault.db", dir);
  if (access(path, F_OK) != 0)
    FAIL(ERR_CONFIG, "there is no vault in %s: 'strongroom up --data %s' makes one", dir, dir);
  return OK;
}

/* A new store beside the log of an old one: the database was lost. */
static err_t must_be_new(const struct hub *h) {
  char db[HUB_PATH_MAX], audit[HUB_PATH_MAX];
  TRY(hub_path(h, "vault.db", db));
  TRY(hub_path(h, "audit", audit));
  if (access(db, F_OK) != 0 && access(audit, F_OK) == 0)
    FAIL(ERR_CORRUPT,
         "%s has an audit log but no vault.db: restore it from a backup, or begin anew in another "
         "directory",
         h->dir);
  return OK;
}

err_t hub_open_store(struct hub *h, struct bytes passphrase) {
  TRY(h->init ? must_be_new(h) : must_be_there(h->dir));
  TRY(store_open(h->dir, &h->store));
  if (store_is_new(h->store)) {
    if (!h->init)
      FAIL(ERR_CONFIG, "the vault in %s was never finished: start it once with 'strongroom up'",
           h->dir);
    TRY(init_store(h, passphrase));
  }
  TRY(store_provider(h->store, h->api.provider));
  if (is_file(h->api.provider) && !is_file(conf_str(h->conf, "root")))
    log_warn("hub",
             "the vault is under a root key file, whatever --root says: see 'strongroom help "
             "vault rewrap'");
  return OK;
}

err_t hub_root_provider(const char *dir, char out[static 16]) {
  AUTO(store) struct store *s = NULL;
  TRY(must_be_there(dir));
  TRY(store_open(dir, &s));
  if (store_is_new(s))
    FAIL(ERR_CONFIG, "the vault in %s was never finished: start it once with 'strongroom up'", dir);
  return store_provider(s, out);
}

static err_t rewrap_by_file(struct hub *h) {
  AUTO(root) struct root *root = NULL;
  char path[HUB_PATH_MAX], next[HUB_PATH_MAX];
  TRY(key_path(h, false, path));
  TRY(key_path(h, true, next));
  unlink(next); /* of a rewrap that was cut off: it opens nothing, or it would have its name */
  TRY(root_file_create(next));
  TRY(open_file(next, &root));
  TRY(store_rewrap(h->store, root));
  return rename_next(next, path);
}

err_t hub_rewrap(const struct conf *conf, const char *provider, struct bytes old_passphrase,
                 struct bytes new_passphrase) {
  AUTO(hub) struct hub *h = NULL;
  AUTO(root) struct root *root = NULL;
  TRY(hub_new(conf, &h));
  TRY(hub_open_store(h, (struct bytes){ 0 }));
  TRY(hub_unseal_store(h, old_passphrase));
  if (is_file(provider))
    return rewrap_by_file(h);
  TRY(root_open(provider, new_passphrase, &root));
  return store_rewrap(h->store, root);
}
