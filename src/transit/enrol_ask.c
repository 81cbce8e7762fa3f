/* A new key, and its certificate from the hub. */
#include "base/clock.h"
#include "client/answer.h"
#include "client/settings.h"
#include "client/use_ca.h"
#include "crypto/pem.h"
#include "transit/enrol_internal.h"

#include <stdatomic.h>

#define ROOT_PATH "/pki/root.cer"

err_t asking_get(const struct enrol_asking *ask, const char *path, struct buf *out) {
  const struct client_patience once = { .attempts = 1, .timeout_ms = ask->timeout_ms };
  if (atomic_load(ask->stop))
    FAIL(ERR_INTERRUPTED, "stopped");
  return client_download_with(ask->client, &once, path, out);
}

/* Names and profile as they are to be granted. */
static err_t forbidden(const struct enrol_asking *ask, const struct wanted *w) {
  const char *id = client_setting(ask->client, SET_CLIENT_ID);
  AUTO_BUF names = BUF_EMPTY;
  for (size_t i = 0; i < w->names.count; i++)
    buf_printf(&names, " %s", w->names.items[i]);
  if (!buf_cstr(&names))
    return ERR_NOMEM;
  return answer_retell(
    ERR_FORBIDDEN, "%s (Asked for by the identity %s: the profile %s, the names%s)",
    err_text(ERR_FORBIDDEN), id ? id : "of this machine", w->profile, (const char *)names.data);
}

static err_t issue(const struct enrol_asking *ask, const struct wanted *w, const struct key *key,
                   struct client_answer *out) {
  const struct client_patience once = { .attempts = 1, .timeout_ms = ask->timeout_ms };
  const struct client_ca_request rq = { .profile = w->profile,
                                        .key = key,
                                        .names = w->names.items,
                                        .name_count = w->names.count,
                                        .subject = w->subject,
                                        .lifetime_s = w->lifetime_s };
  if (atomic_load(ask->stop))
    FAIL(ERR_INTERRUPTED, "stopped");
  err_t e = client_issue_certificate(ask->client, &once, &rq, out);
  if (e == ERR_BAD_PARAMETER) /* it will say so each time */
    return answer_retell(ERR_USAGE, "%s", err_text(e));
  return e == ERR_FORBIDDEN ? forbidden(ask, w) : e;
}

/* Certificates of a PEM text. */
struct collected {
  struct buf ders[CERT_CHAIN_MAX];
  size_t count;
};
static void collected_free(struct collected *c) {
  for (size_t i = 0; i < c->count; i++)
    buf_free(&c->ders[i]);
}

static err_t collect(void *ctx, const struct pem_block *block) {
  struct collected *c = ctx;
  if (strcmp(block->label, "CERTIFICATE") != 0)
    return OK;
  if (c->count == CERT_CHAIN_MAX)
    FAIL(ERR_BAD_PARAMETER, "more than %d certificates", CERT_CHAIN_MAX);
  struct buf *der = &c->ders[c->count++];
  buf_put_bytes(der, block->der);
  return buf_ok(der);
}

static err_t make_chain(const struct key *key, struct bytes pem, struct bytes root,
                        struct cert_chain *out) {
  struct collected c __attribute__((cleanup(collected_free))) = { 0 };
  struct bytes ders[CERT_CHAIN_MAX + 1];
  TRY(pem_each(pem, collect, &c));
  for (size_t i = 0; i < c.count; i++)
    ders[i] = buf_bytes(&c.ders[i]);
  ders[c.count] = root;
  return cert_merge_chain(ders, c.count + 1, key, out);
}

static err_t put_together(const struct wanted *w, const struct client_answer *answer,
                          struct bytes root, struct held *id) {
  struct bytes pem = { 0 };
  TRY(json_get_str(answer->body, "certificate", &pem, NULL));
  TRY(make_chain(id->key, pem, root, &id->chain));
  return held_check(w, clock_now(), id);
}

/* Whom we trust is settled before anything is issued. */
static err_t get_root(const struct enrol_asking *ask, struct buf *root) {
  AUTO_BUF anchors = BUF_EMPTY;
  TRY(enrol_read_anchors(ask->client, &anchors));
  TRY(asking_get(ask, ROOT_PATH, root));
  return enrol_check_root(ask->client, buf_bytes(&anchors), buf_bytes(root), clock_now());
}

err_t held_ask(const struct enrol_asking *ask, const struct wanted *w, struct held *out) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  AUTO_HELD id = { 0 };
  AUTO_BUF root = BUF_EMPTY;
  AUTO_ANSWER answer = { 0 };
  TRY(get_root(ask, &root));
  TRY(key_generate(&spec, &id.key));
  TRY(issue(ask, w, id.key, &answer));
  err_t e = put_together(w, &answer, buf_bytes(&root), &id);
  if (e == ERR_BAD_PARAMETER)
    return answer_retell(ERR_INTERNAL, "what the hub has issued is of no use: %s", err_reason(e));
  TRY(e);
  held_move(&id, out);
  return OK;
}
