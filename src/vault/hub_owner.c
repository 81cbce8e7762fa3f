/*
 * The owner of a new hub, and DIR/env: what a client exports. Its secret is handed over once, in
 * that file; when the file is taken away, as it should be, nothing brings it back but recovery,
 * which needs the root key. The file is written anew when the address changed and keeps its secret.
 */
#include "base/clock.h"
#include "base/file.h"
#include "base/pack.h"
#include "vault/hub_internal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENV_MAX 65536

static err_t commit_owner(struct hub *h) {
  AUTO_BUF body = BUF_EMPTY;
  pack_u8(&body, 1);
  pack_str(&body, h->owner);
  pack_u8(&body, h->owner_has_secret);
  TRY(buf_ok(&body));
  return store_commit(h->store, &(struct store_write){ "hub/owner", buf_bytes(&body) }, 1);
}

/* The identity "owner", which an earlier start may have made before it was cut off, with all
 * rights. */
static err_t make_owner(struct hub *h) {
  char oid[GUID_SIZE + 1], app_id[GUID_SIZE + 1], guid[GUID_SIZE + 1];
  static const char *const roles[] = { ROLE_OWNER, ROLE_ADMINISTRATOR };
  err_t found = identity_find(h->identity, "owner", app_id, oid);
  if (found == ERR_IDENTITY_NOT_FOUND) {
    TRY(identity_create(h->identity, "owner", app_id));
    found = identity_find(h->identity, app_id, app_id, oid);
  }
  TRY(found);
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    uint8_t random[16];
    TRY(crypto_random(random, sizeof random));
    guid_format(random, guid);
    err_t e = role_assign(h->roles, NULL, guid, roles[i], oid, "/");
    if (e != OK && e != ERR_CONFLICT)
      return e;
  }
  memcpy(h->owner, app_id, sizeof h->owner);
  return commit_owner(h);
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

static void put_credentials(struct hub *h, struct bytes secret, struct buf *b) {
  buf_printf(b, "export AZURE_TENANT_ID='%s'\n", identity_tenant(h->identity));
  buf_printf(b, "export AZURE_CLIENT_ID='%s'\n", h->owner);
  buf_put_str(b, "export AZURE_CLIENT_SECRET='");
  buf_put_bytes(b, secret);
  buf_put_str(b, "'\n");
}

static err_t write_env(struct hub *h, const char *path, struct bytes secret) {
  AUTO_BUF b = BUF_EMPTY;
  char ca[HUB_PATH_MAX], absolute[HUB_PATH_MAX * 4];
  TRY(hub_path(h, "ca.pem", ca));
  if (!realpath(ca, absolute))
    FAIL(ERR_CONFIG, "cannot find %s", ca);
  buf_printf(&b, "export KEY_VAULT_URL='%s'\n", h->url);
  buf_printf(&b, "export AZURE_AUTHORITY_HOST='%s'\n", h->url);
  put_credentials(h, secret, &b);
  static const char *const ca_names[] = { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS",
                                          "REQUESTS_CA_BUNDLE" };
  for (size_t i = 0; i < sizeof ca_names / sizeof *ca_names; i++)
    buf_printf(&b, "export %s='%s'\n", ca_names[i], absolute);
  TRY(buf_ok(&b));
  return file_write_private(path, buf_bytes(&b));
}

/* The first start hands the owner's secret over. Cut off before it was noted that it did, the next
 * one finds the file. */
static err_t hand_over(struct hub *h, const char *path) {
  char secret_id[GUID_SIZE + 1];
  AUTO_SECRET secret = { 0 };
  TRY(identity_add_secret(h->identity, h->owner, 0, secret_id, &secret));
  return write_env(h, path, secret_bytes(&secret));
}

static err_t note_handed_over(struct hub *h) {
  if (h->owner_has_secret)
    return OK;
  h->owner_has_secret = true;
  return commit_owner(h);
}

err_t hub_ready_owner(struct hub *h) {
  char path[HUB_PATH_MAX];
  struct bytes secret, url = { 0 };
  AUTO_BUF old = BUF_EMPTY;
  if (!h->init)
    return OK;
  if (!h->owner[0])
    TRY(make_owner(h));
  TRY(hub_path(h, "env", path));
  struct stat st;
  if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
    FAIL(ERR_CONFIG, "%s is not a file", path);
  if (access(path, F_OK) == 0)
    TRY(file_read(path, ENV_MAX, &old));
  if (env_value(buf_bytes(&old), "AZURE_CLIENT_SECRET", &secret)) {
    env_value(buf_bytes(&old), "KEY_VAULT_URL", &url);
    if (!bytes_equal_str(url, h->url))
      TRY(write_env(h, path, secret));
  } else if (!h->owner_has_secret) {
    TRY(hand_over(h, path));
  }
  return note_handed_over(h);
}

err_t hub_record_console(struct hub *h, const char *operation, const char *object) {
  uint64_t ticket;
  struct audit_event event = { .time_us = clock_now_us(),
                               .operation = operation,
                               .status = 200,
                               .code = "",
                               .object = bytes_str(object),
                               .peer = "console" };
  TRY(audit_append(h->audit, &event, &ticket));
  return audit_wait(h->audit, ticket);
}

static err_t record_recovery(struct hub *h) {
  char object[GUID_SIZE + 16];
  snprintf(object, sizeof object, "identities/%s", h->owner);
  return hub_record_console(h, "OwnerRecover", object);
}

err_t hub_recover_owner(const struct conf *conf, struct bytes passphrase, struct buf *env) {
  AUTO(hub) struct hub *h = NULL;
  AUTO_SECRET secret = { 0 };
  char secret_id[GUID_SIZE + 1];
  TRY(hub_new(conf, &h));
  TRY(hub_open_store(h, passphrase));
  TRY(hub_unseal_store(h, passphrase));
  TRY(hub_load_all(h));
  TRY(record_recovery(h));
  TRY(make_owner(h));
  TRY(identity_reset(h->identity, h->owner, secret_id, &secret));
  TRY(note_handed_over(h));
  put_credentials(h, secret_bytes(&secret), env);
  return buf_ok(env);
}
