/*
 * The owner of a new hub, and DIR/env: what a client exports. The file is written anew when the
 * address changed and keeps its secret; a hub whose file is gone gives its owner a new secret
 * (whoever can write here holds the root key anyway).
 */
#include "base/file.h"
#include "base/log.h"
#include "base/pack.h"
#include "vault/hub_internal.h"

#include <stdio.h>
#include <sys/stat.h>

#define ENV_MAX 65536

static err_t make_owner(struct hub *h) {
  char oid[GUID_SIZE + 1], app_id[GUID_SIZE + 1], guid[GUID_SIZE + 1];
  static const char *const roles[] = { ROLE_OWNER, ROLE_ADMINISTRATOR };
  AUTO_BUF body = BUF_EMPTY;
  err_t found =
    identity_find(h->identity, "owner", app_id, oid); /* an earlier start may have been cut off */
  if (found == ERR_IDENTITY_NOT_FOUND) {
    TRY(identity_create(h->identity, "owner", app_id));
    found = identity_find(h->identity, app_id, app_id, oid);
  }
  TRY(found);
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    uint8_t random[16];
    TRY(crypto_random(random, sizeof random));
    guid_format(random, guid);
    err_t e = role_assign(h->identity, NULL, guid, roles[i], oid, "/");
    if (e != OK && e != ERR_CONFLICT)
      return e;
  }
  pack_u8(&body, 1);
  pack_str(&body, app_id);
  TRY(buf_ok(&body));
  TRY(store_commit(h->store, &(struct store_write){ "hub/owner", buf_bytes(&body) }, 1));
  memcpy(h->owner, app_id, sizeof h->owner);
  return OK;
}

/* The value of NAME in "export NAME='value'" lines. */
static bool env_value(struct bytes text, const char *name, struct bytes *out) {
  char start[64];
  snprintf(start, sizeof start, "export %s='", name);
  while (text.data) {
    struct bytes line;
    text = bytes_split(text, '\n', &line);
    if (!bytes_starts(line, start))
      continue;
    size_t n = strlen(start);
    bytes_split(bytes_of(line.data + n, line.size - n), '\'', out);
    return true;
  }
  return false;
}

static err_t write_env(struct hub *h, const char *path, struct bytes secret) {
  AUTO_BUF b = BUF_EMPTY;
  char ca[HUB_PATH_MAX], absolute[HUB_PATH_MAX * 4];
  TRY(hub_path(h, "ca.pem", ca));
  if (!realpath(ca, absolute))
    FAIL(ERR_CONFIG, "cannot find %s", ca);
  buf_printf(&b, "export KEY_VAULT_URL='%s'\n", h->url);
  buf_printf(&b, "export AZURE_AUTHORITY_HOST='%s'\n", h->url);
  buf_printf(&b, "export AZURE_TENANT_ID='%s'\n", identity_tenant(h->identity));
  buf_printf(&b, "export AZURE_CLIENT_ID='%s'\n", h->owner);
  buf_put_str(&b, "export AZURE_CLIENT_SECRET='");
  buf_put_bytes(&b, secret);
  buf_put_str(&b, "'\n");
  static const char *const ca_names[] = { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS",
                                          "REQUESTS_CA_BUNDLE" };
  for (size_t i = 0; i < sizeof ca_names / sizeof *ca_names; i++)
    buf_printf(&b, "export %s='%s'\n", ca_names[i], absolute);
  TRY(buf_ok(&b));
  return file_write_private(path, buf_bytes(&b));
}

err_t hub_ready_owner(struct hub *h) {
  char path[HUB_PATH_MAX], secret_id[GUID_SIZE + 1];
  struct stat st;
  struct bytes kept = { 0 }, url = { 0 };
  AUTO_BUF old = BUF_EMPTY;
  AUTO_SECRET secret = { 0 };
  if (!h->init)
    return OK;
  if (!h->owner[0])
    TRY(make_owner(h));
  TRY(hub_path(h, "env", path));
  if (stat(path, &st) == 0) {
    TRY(file_read(path, ENV_MAX, &old));
    if (env_value(buf_bytes(&old), "KEY_VAULT_URL", &url) && bytes_equal_str(url, h->url))
      return OK;
  }
  if (!env_value(buf_bytes(&old), "AZURE_CLIENT_SECRET", &kept)) {
    TRY(identity_add_secret(h->identity, h->owner, 0, secret_id, &secret));
    kept = secret_bytes(&secret);
    if (!h->first)
      log_warn("hub", "there was no env file: the owner was given a new secret");
  }
  return write_env(h, path, kept);
}
