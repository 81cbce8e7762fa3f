/* The authority's root, by whoever holds the hub's root key, while the hub is stopped. Both are in
 * the audit log. */
#include "base/file.h"
#include "vault/hub_internal.h"

#include <stdio.h>
#include <unistd.h>

#define SEALED_MAX 65536

static err_t open_stopped(const struct conf *conf, struct bytes passphrase, struct hub **out) {
  AUTO(hub) struct hub *h = NULL;
  TRY(hub_new(conf, &h));
  TRY(hub_open_store(h, passphrase));
  TRY(hub_unseal_store(h, passphrase));
  TRY(hub_load_all(h));
  if (!conf_str(conf, "ca.url")[0])
    ca_set_url(h->ca, ca_kept_url(h->ca));
  *out = TAKE(h);
  return OK;
}

/* What was written is read back before the only other copy goes. */
static err_t check_file(struct hub *h, const char *file, struct bytes passphrase) {
  AUTO_BUF sealed = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  TRY(file_read(file, SEALED_MAX, &sealed));
  return ca_open_root(h->ca, passphrase, buf_bytes(&sealed), &key);
}

err_t hub_ca_take_offline(const struct conf *conf, struct bytes passphrase, const char *file,
                          struct bytes file_passphrase) {
  AUTO(hub) struct hub *h = NULL;
  AUTO_BUF sealed = BUF_EMPTY;
  if (access(file, F_OK) == 0)
    FAIL(ERR_CONFLICT, "%s is there already: name another file", file);
  TRY(open_stopped(conf, passphrase, &h));
  TRY(ca_seal_root(h->ca, file_passphrase, &sealed));
  TRY(hub_record_console(h, "CaTakeOffline", "hub/ca/root"));
  TRY(file_write_private(file, buf_bytes(&sealed)));
  TRY(check_file(h, file, file_passphrase));
  return ca_forget_root(h->ca);
}

static err_t open_key(struct hub *h, const struct hub_ca_renewal *r, struct key **out) {
  AUTO_BUF sealed = BUF_EMPTY;
  if (!r->key_file)
    return OK;
  TRY(file_read(r->key_file, SEALED_MAX, &sealed));
  return ca_open_root(h->ca, r->key_passphrase, buf_bytes(&sealed), out);
}

err_t hub_ca_renew(const struct conf *conf, struct bytes passphrase, const struct hub_ca_renewal *r,
                   unsigned *number) {
  struct cert_texts permitted __attribute__((cleanup(cert_texts_free))) = { 0 };
  AUTO(hub) struct hub *h = NULL;
  AUTO(key) struct key *key = NULL;
  TRY(open_stopped(conf, passphrase, &h));
  TRY(open_key(h, r, &key));
  TRY(hub_permitted(h, r->permit, r->permit_count, &permitted));
  TRY(hub_record_console(h, "CaRenew", "hub/ca/authorities"));
  return ca_renew(h->ca, key, &permitted, r->revoke, number);
}
