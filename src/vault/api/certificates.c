/* Certificates: create, import, merge, show, update; their policies and pending operations. */
#include "vault/certificates.h"

#include "base/write.h"
#include "vault/api/api.h"

#define IN_PROGRESS \
  "Pending certificate created. Certificate request is in progress. This may take some time " \
  "based " \
  "on the issuer provider. Please check again later."

static void write_id(struct call *c, const char *name, const char *rest) {
  struct buf *b = call_body(c);
  write_open(b, "id", '"');
  call_put_id(c, b, "certificates", name, rest);
  buf_put_char(b, '"');
}

/* The members of a JSON object that is kept as text. */
static void write_members(struct buf *b, const struct buf *object) {
  if (object->size > 2) {
    buf_put_char(b, ',');
    buf_put(b, object->data + 1, object->size - 2);
  }
}

static void write_policy(struct call *c, const char *key, const char *name,
                         const struct certificate_state *s) {
  struct buf *b = call_body(c);
  write_open(b, key, '{');
  write_id(c, name, "/policy");
  write_members(b, &s->policy);
  write_open(b, "attributes", '{');
  write_bool(b, "enabled", true);
  write_i64(b, "created", s->policy_created);
  write_i64(b, "updated", s->policy_updated);
  write_close(b, '}');
  write_close(b, '}');
}

void certificate_write_state(struct call *c, const struct version *v) {
  struct buf *b = call_body(c);
  AUTO(certificate_state) struct certificate_state *s = certificates_state(c->vault, v->name);
  bool whole = c->version[0] == '\0';
  if (!s)
    return; /* purged meanwhile */
  if (s->keep_order)
    write_bool(b, "preserveCertOrder", true);
  if (whole)
    write_policy(c, "policy", v->name, s);
  if (s->has_pending && (whole || c->route->method == HTTP_PATCH)) {
    write_open(b, "pending", '{');
    write_id(c, v->name, "/pending");
    write_close(b, '}');
  }
}

static void write_status(struct buf *b, const struct certificate_pending *p) {
  static const char *const names[] = {
    [CERT_IN_PROGRESS] = "inProgress",
    [CERT_COMPLETED] = "completed",
    [CERT_FAILED] = "failed",
  };
  write_bool(b, "cancellation_requested", p->cancel);
  write_str(b, "status", names[p->status]);
  if (p->status == CERT_IN_PROGRESS)
    write_str(b, "status_details", IN_PROGRESS);
  if (p->status == CERT_FAILED) {
    write_open(b, "error", '{');
    write_str(b, "code", "CertificateRequestFailed");
    write_text(b, "message", buf_bytes(&p->error));
    write_close(b, '}');
  }
}

static void write_pending(struct call *c, const char *name, const struct certificate_state *s) {
  struct buf *b = call_body(c);
  const struct certificate_pending *p = &s->pending;
  write_open(b, NULL, '{');
  write_id(c, name, "/pending");
  write_open(b, "issuer", '{');
  write_str(b, "name", p->issuer);
  write_close(b, '}');
  write_open(b, "csr", '"');
  buf_put_b64(b, buf_bytes(&p->csr));
  buf_put_char(b, '"');
  write_status(b, p);
  if (p->status == CERT_COMPLETED) {
    write_open(b, "target", '"');
    call_put_id(c, b, "certificates", name, "");
    buf_put_char(b, '"');
  }
  if (s->keep_order)
    write_bool(b, "preserveCertOrder", true);
  write_str(b, "request_id", p->request_id);
  write_close(b, '}');
}

static void put_location(struct call *c, const char *rest) {
  struct buf *h = &c->x->res.headers;
  buf_put_str(h, "Location: ");
  call_put_id(c, h, "certificates", c->name, rest);
}

static err_t answer(struct call *c, const struct version *version) {
  call_used(c, version->name, version->id);
  bundle_write(c, version, NULL);
  return OK;
}

err_t certificates_show(struct call *c) {
  AUTO(version) struct version *version = NULL;
  TRY(object_get(c->vault, KIND_CERTIFICATE, c->name, c->version, &version));
  return answer(c, version);
}

/* --- create, import, update --- */

static err_t read_common(json_t *body, struct certificate_request *rq, struct buf *tags) {
  TRY(params_common(body, &rq->base, tags));
  if (rq->base.has_tags)
    rq->base.tags = buf_bytes(tags);
  return json_get_bool(body, "preserveCertOrder", &rq->keep_order, NULL);
}

/* The policy that is given, or the one that the certificate has. */
static err_t read_policy(struct call *c, json_t *body, struct certificate_request *rq,
                         struct cert_policy *out) {
  json_t *given = NULL;
  TRY(json_get_object(body, "policy", &given));
  if (given)
    return cert_policy_read(given, (struct bytes){ 0 }, out);
  AUTO(certificate_state) struct certificate_state *s = certificates_state(c->vault, c->name);
  if (!s)
    REFUSE(ERR_BAD_PARAMETER,
           "Property policy is required: there is no certificate of that name yet.");
  rq->keep_policy = true;
  return cert_policy_read(NULL, buf_bytes(&s->policy), out);
}

err_t certificates_create_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO_CERT_POLICY policy = { 0 };
  AUTO(certificate_state) struct certificate_state *s = NULL;
  struct certificate_request rq = { .policy = &policy, .oid = c->who.oid };
  TRY(call_json(c, &body));
  TRY(read_common(body, &rq, &tags));
  TRY(read_policy(c, body, &rq, &policy));
  TRY(certificates_create(c->vault, c->name, &rq, &s));
  call_used(c, c->name, s->pending.version);
  write_pending(c, c->name, s);
  put_location(c, "/pending");
  buf_printf(&c->x->res.headers, "?api-version=%s&request_id=%s\r\nRetry-After: 0\r\n",
             c->api_version, s->pending.request_id);
  c->x->res.status = 202;
  return OK;
}

err_t certificates_import_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO_IMPORT given = { 0 };
  AUTO_CERT_INFO info = { 0 };
  AUTO_CERT_POLICY policy = { 0 };
  AUTO(version) struct version *version = NULL;
  json_t *wanted = NULL;
  struct certificate_request rq = { .policy = &policy, .oid = c->who.oid };
  TRY(call_json(c, &body));
  TRY(read_common(body, &rq, &tags));
  TRY(json_get_object(body, "policy", &wanted));
  given.chain.keep_order = rq.keep_order;
  TRY(params_certificate(body, &given));
  TRY(cert_read(buf_bytes(&given.chain.ders[given.chain.leaf]), &info));
  TRY(cert_policy_of(wanted, &info, given.pem, &policy));
  TRY(certificates_import(c->vault, c->name, &rq, given.key, &given.chain, &version));
  return answer(c, version);
}

err_t certificates_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO(version) struct version *version = NULL;
  json_t *policy = NULL;
  struct certificate_request rq = { .policy = NULL };
  TRY(call_json(c, &body));
  TRY(read_common(body, &rq, &tags));
  TRY(json_get_object(body, "policy", &policy));
  TRY(certificates_update(c->vault, c->name, c->version, &rq.base, policy, c->who.oid, &version));
  return answer(c, version);
}

/* --- policy --- */

err_t certificates_policy_get(struct call *c) {
  AUTO(version) struct version *version = NULL;
  TRY(object_get(c->vault, KIND_CERTIFICATE, c->name, "", &version));
  AUTO(certificate_state) struct certificate_state *s = certificates_state(c->vault, c->name);
  if (!s)
    return ERR_CERTIFICATE_NOT_FOUND;
  write_policy(c, NULL, version->name, s);
  return OK;
}

err_t certificates_policy_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(call_json(c, &body));
  TRY(certificates_update_policy(c->vault, c->name, body, c->who.oid, &s));
  write_policy(c, NULL, c->name, s);
  return OK;
}

/* --- the pending operation --- */

err_t certificates_pending_get(struct call *c) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(certificates_pending(c->vault, c->name, &s));
  write_pending(c, c->name, s);
  return OK;
}

err_t certificates_pending_patch(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO(certificate_state) struct certificate_state *s = NULL;
  bool cancel = false;
  TRY(call_json(c, &body));
  TRY(json_get_bool(body, "cancellation_requested", &cancel, NULL));
  if (!cancel)
    REFUSE(ERR_BAD_PARAMETER, "Property cancellation_requested has invalid value: true expected; a "
                              "cancellation can't be taken back\r\n");
  TRY(certificates_cancel(c->vault, c->name, &s));
  write_pending(c, c->name, s);
  return OK;
}

err_t certificates_pending_delete(struct call *c) {
  AUTO(certificate_state) struct certificate_state *s = NULL;
  TRY(certificates_delete_pending(c->vault, c->name, &s));
  write_pending(c, c->name, s);
  return OK;
}

err_t certificates_merge_post(struct call *c) {
  AUTO_JSON *body = NULL;
  AUTO_BUF tags = BUF_EMPTY;
  AUTO_CERT_CHAIN given = { 0 };
  AUTO(version) struct version *version = NULL;
  struct bytes ders[CERT_CHAIN_MAX];
  struct certificate_request rq = { .policy = NULL };
  TRY(call_json(c, &body));
  TRY(read_common(body, &rq, &tags));
  TRY(params_merge(body, &given));
  for (size_t i = 0; i < given.count; i++)
    ders[i] = buf_bytes(&given.ders[i]);
  TRY(certificates_merge(c->vault, c->name, ders, given.count, &rq.base, &version));
  put_location(c, "\r\n");
  c->x->res.status = 201;
  return answer(c, version);
}
