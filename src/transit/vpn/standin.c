/* What enrol.h promises, as far as a tunnel comes up with it: one certificate and one look at the
 * lists. It goes when enrol.c comes. */
#include "base/write.h"
#include "crypto/cert.h"
#include "crypto/x509.h"
#include "transit/enrol.h"

struct enrol {
  struct enrolled *now;
};

struct enrolled *enrolled_ref(struct enrolled *e) {
  e->refs++;
  return e;
}

void enrolled_free(struct enrolled *e) {
  if (e->refs-- > 1)
    return;
  buf_free(&e->chain_pem);
  buf_free(&e->ca_pem);
  key_free(e->key);
  for (size_t i = 0; i < e->list_count; i++)
    buf_free(&e->lists[i]);
  mem_free(e->lists);
  mem_free(e);
}

static err_t ask(struct client *c, const struct enrol_options *o, struct enrolled *e) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const struct cert_profile p = { .subject = "CN=request" };
  AUTO_BUF der = BUF_EMPTY, pem = BUF_EMPTY, body = BUF_EMPTY, root = BUF_EMPTY;
  AUTO_BUF path = client_path("hub", "ca", "issue", NULL);
  AUTO_ANSWER answer = { 0 };
  struct bytes chain = { 0 };
  TRY(key_generate(&spec, &e->key));
  TRY(cert_request(e->key, &p, &der));
  TRY(x509_request_to_pem(buf_bytes(&der), &pem));
  write_open(&body, NULL, '{');
  write_str(&body, "profile", o->profile);
  write_text(&body, "csr", buf_bytes(&pem));
  write_open(&body, "names", '[');
  write_str(&body, NULL, o->names[0]);
  write_close(&body, ']');
  write_str(&body, "subject", o->subject);
  write_close(&body, '}');
  TRY(client_call(c, HTTP_POST, &path, &body, &answer));
  TRY(json_get_str(answer.body, "certificate", &chain, NULL));
  buf_put_bytes(&e->chain_pem, chain);
  TRY(client_download(c, "/pki/root.cer", &root));
  TRY(x509_to_pem(buf_bytes(&root), &e->ca_pem));
  buf_clear(&der);
  TRY(x509_from_pem(chain, &der));
  return x509_validity(buf_bytes(&der), &e->not_before, &e->not_after);
}

err_t enrol_new(struct client *c, const struct enrol_options *o, unsigned wait_ms,
                struct enrol **out) {
  (void)wait_ms;
  AUTO(enrolled) struct enrolled *e = mem_zalloc(sizeof *e);
  struct enrol *made = mem_zalloc(sizeof *made);
  if (!e || !made || !(e->lists = mem_zalloc(2 * sizeof *e->lists)))
    return ERR_NOMEM;
  e->refs = 1;
  TRY(ask(c, o, e));
  TRY(client_download(c, "/pki/root.crl", &e->lists[e->list_count++]));
  TRY(client_download(c, "/pki/issuing.crl", &e->lists[e->list_count++]));
  made->now = TAKE(e);
  *out = made;
  return OK;
}

err_t enrol_start(struct enrol *e, void (*changed)(void *ctx, struct enrolled *now), void *ctx) {
  (void)e;
  (void)changed;
  (void)ctx;
  return OK;
}

void enrol_free(struct enrol *e) {
  enrolled_free(e->now);
  mem_free(e);
}

struct enrolled *enrol_current(struct enrol *e) {
  return enrolled_ref(e->now);
}

void enrol_look_now(struct enrol *e) {
  (void)e;
}

void enrol_status(struct enrol *e, struct enrol_status *out) {
  *out = (struct enrol_status){ .not_after = e->now->not_after };
}
