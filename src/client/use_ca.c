#include "client/use_ca.h"

#include "base/write.h"
#include "client/internal.h"
#include "crypto/cert.h"
#include "crypto/x509.h"

/* It proves that we have the key; what the certificate is to say is in the body. */
static err_t make_csr(const struct key *key, struct buf *pem) {
  const struct cert_profile p = { .subject = "CN=request" };
  AUTO_BUF der = BUF_EMPTY;
  TRY(cert_request(key, &p, &der));
  return x509_request_to_pem(buf_bytes(&der), pem);
}

static void write_body(const struct client_ca_request *rq, struct bytes csr, struct buf *body) {
  write_open(body, NULL, '{');
  write_str(body, "profile", rq->profile);
  write_text(body, "csr", csr);
  if (rq->name_count) {
    write_open(body, "names", '[');
    for (size_t i = 0; i < rq->name_count; i++)
      write_str(body, NULL, rq->names[i]);
    write_close(body, ']');
  }
  if (rq->subject || rq->key)
    write_str(body, "subject", rq->subject ? rq->subject : "");
  if (rq->lifetime_s)
    write_i64(body, "lifetime", (int64_t)rq->lifetime_s);
  write_close(body, '}');
}

err_t client_issue_certificate(struct client *c, const struct client_patience *patience,
                               const struct client_ca_request *rq, struct client_answer *out) {
  AUTO_BUF path = client_path("hub", "ca", "issue", NULL), body = BUF_EMPTY, csr = BUF_EMPTY;
  AUTO_HTTP_REPLY reply = { 0 };
  AUTO_ANSWER answer = { 0 };
  if (rq->key)
    TRY(make_csr(rq->key, &csr));
  write_body(rq, rq->key ? buf_bytes(&csr) : rq->csr, &body);
  TRY(client_ask(c,
                 &(struct client_request){
                   .method = HTTP_POST, .path = &path, .body = &body, .patience = patience },
                 &reply));
  TRY(answer_parse(&reply, &answer));
  if (!json_is_string(json_object_get(answer.body, "certificate")))
    FAIL(ERR_INTERNAL, "the hub's answer has no certificate in it");
  *out = answer;
  answer = (struct client_answer){ 0 };
  return OK;
}
