/* strongroom cert create NAME */
#include "base/write.h"
#include "cli/cert/cert.h"
#include "cli/cert/operation.h"
#include "cli/cert/policy_write.h"
#include "cli/inout.h"
#include "cli/verbs.h"

static err_t write_body(const struct args *a, struct buf *b) {
  write_open(b, NULL, '{');
  if (policy_given(a))
    TRY(policy_write(a, "policy", NULL, b));
  TRY(attributes_write_timeless(a, b));
  write_close(b, '}');
  return OK;
}

/* The request goes to another authority. */
static err_t hand_out(const struct args *a, json_t *operation) {
  const char *name = args_word(a, 0);
  if (args_flag(a, "json"))
    out_json(operation);
  else
    TRY(cert_write_pem(a, "CERTIFICATE REQUEST", field_text(operation, "csr")));
  out_note("Have this request signed, then: strongroom cert merge %s CERTIFICATE CHAIN...\n"
           "'strongroom cert pending %s --csr' shows it again.",
           name, name);
  return OK;
}

static err_t run(const struct args *a) {
  const char *name = args_word(a, 0);
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER begun = { 0 }, operation = { 0 }, made = { 0 };
  AUTO_BUF body = BUF_EMPTY, path = client_path("certificates", name, NULL);
  TRY(write_body(a, &body));
  TRY(ask_open(a, &c));
  TRY(operation_begin(c, name, &body, &begun));
  TRY(operation_wait(c, name, &operation));
  TRY(operation_check(operation.body));
  if (!operation_completed(operation.body))
    return hand_out(a, operation.body);
  TRY(client_call(c, HTTP_GET, &path, NULL, &made));
  return collection_print(a, &cert_collection, made.body);
}

static const struct opt options[] = {
  POLICY_OPTIONS,
  TIMELESS_ATTRIBUTE_OPTIONS("used"),
  { "out", OPT_VALUE, "FILE", NULL, "write a request for another authority to FILE" },
  OPT_END,
};

const struct verb verb_cert_create = {
  .noun = "cert",
  .name = "create",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Make a new certificate, or a new version of one that is there",
  .details =
    "What is not given is as the certificate's policy says, else: issuer Self, RSA 2048, 12\n"
    "months, renewed at 80 percent. With the issuer Unknown the request is written instead (PEM,\n"
    "PKCS#10), for another authority to sign; 'strongroom cert merge' brings the answer.",
  .options = options,
  .examples =
    "strongroom cert create web --subject CN=web.corp.example --dns web.corp.example\n"
    "strongroom cert create node1 --issuer Hub --curve P-256 --dns node1 --ip 10.0.0.1\n"
    "strongroom cert create shop --issuer Unknown --subject CN=shop.example --out shop.csr",
  .run = run,
};
