#include "transit/vpn/creds.h"

#include "base/log.h"
#include "crypto/pem.h"
#include "crypto/x509.h"

static err_t load_cert(struct vici *v, const char *type, const char *flag, struct bytes der) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", type);
  vici_put_str(&request, "flag", flag);
  vici_put(&request, "data", der);
  return vici_call(v, "load-cert", &request, NULL);
}

struct loading {
  struct vici *v;
  const char *flag; /* of the next certificate */
};

static err_t load_block(void *ctx, const struct pem_block *block) {
  struct loading *l = ctx;
  TRY(load_cert(l->v, "X509", l->flag, block->der));
  l->flag = "CA"; /* what stands behind our own are authorities */
  return OK;
}

/* strongSwan keeps lists that it has looked into, and would look into those first. */
static err_t forget_lists(struct vici *v) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "type", "X509_CRL");
  return vici_call(v, "flush-certs", &request, NULL);
}

static err_t load_lists(struct vici *v, const struct enrolled *e, bool *all) {
  *all = true;
  for (size_t i = 0; i < e->list_count; i++) {
    struct bytes der = buf_bytes(&e->lists[i]);
    if (der.size > UINT16_MAX) {
      *all = false;
      continue;
    }
    TRY(load_cert(v, "X509_CRL", "NONE", der));
  }
  return forget_lists(v);
}

static err_t load_key(struct vici *v, const struct key *key, char id[static 80]) {
  AUTO_SECRET pem = { 0 };
  AUTO_BUF request = BUF_EMPTY, answer = BUF_EMPTY;
  TRY(key_to_pem(key, &pem));
  vici_put_str(&request, "type", "any");
  vici_put(&request, "data", secret_bytes(&pem));
  TRY(vici_call(v, "load-key", &request, &answer));
  return bytes_to_cstr(vici_value(buf_bytes(&answer), "id"), id, 80);
}

static err_t unload_key(struct vici *v, const char *id) {
  AUTO_BUF request = BUF_EMPTY;
  vici_put_str(&request, "id", id);
  return vici_call(v, "unload-key", &request, NULL);
}

err_t creds_load(struct vici *v, const struct enrolled *e, struct creds *c, bool *lists) {
  char id[sizeof c->key_id];
  struct loading roots = { v, "CA" }, chain = { v, "NONE" };
  TRY(pem_each(buf_bytes(&e->ca_pem), load_block, &roots));
  TRY(pem_each(buf_bytes(&e->chain_pem), load_block, &chain));
  TRY(load_lists(v, e, lists));
  TRY(load_key(v, e->key, id));
  if (c->key_id[0] && strcmp(c->key_id, id) != 0)
    TRY(unload_key(v, c->key_id));
  memcpy(c->key_id, id, sizeof id);
  return OK;
}
