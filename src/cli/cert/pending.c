/* strongroom cert pending NAME */
#include "base/write.h"
#include "cli/cert/cert.h"
#include "cli/verbs.h"

static err_t print(const struct args *a, json_t *operation) {
  if (args_flag(a, "json")) {
    out_json(operation);
    return OK;
  }
  out_field_str("Name", args_word(a, 0));
  out_field("Issuer", field_text(field_object(operation, "issuer"), "name"));
  out_field("Status", field_text(operation, "status"));
  out_field("Details", field_text(operation, "status_details"));
  out_field("Error", field_text(field_object(operation, "error"), "message"));
  if (json_is_true(json_object_get(operation, "cancellation_requested")))
    out_field_str("Cancelled", "asked for");
  out_field("Request id", field_text(operation, "request_id"));
  return OK;
}

static err_t check_options(const struct args *a) {
  if (args_flag(a, "cancel") + args_flag(a, "forget") + args_flag(a, "csr") > 1)
    FAIL(ERR_USAGE, "--cancel, --forget and --csr exclude each other");
  if (args_flag(a, "out") && !args_flag(a, "csr"))
    FAIL(ERR_USAGE, "--out takes what --csr writes");
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO_BUF path = client_path("certificates", args_word(a, 0), "pending", NULL), body = BUF_EMPTY;
  bool cancel = args_flag(a, "cancel");
  TRY(check_options(a));
  if (cancel)
    buf_put_str(&body, "{\"cancellation_requested\":true}");
  TRY(ask(a,
          cancel                   ? HTTP_PATCH
          : args_flag(a, "forget") ? HTTP_DELETE
                                   : HTTP_GET,
          &path, cancel ? &body : NULL, &answer));
  if (args_flag(a, "csr"))
    return cert_write_pem(a, "CERTIFICATE REQUEST", field_text(answer.body, "csr"));
  return print(a, answer.body);
}

static const struct opt options[] = {
  { "csr", OPT_FLAG, NULL, NULL, "write the request for another authority, as PEM" },
  { "out", OPT_VALUE, "FILE", NULL, "write it to FILE instead of stdout" },
  { "cancel", OPT_FLAG, NULL, NULL, "ask that it is not completed" },
  { "forget", OPT_FLAG, NULL, NULL, "delete the operation, and its key with it" },
  OPT_END,
};

const struct verb verb_cert_pending = {
  .noun = "cert",
  .name = "pending",
  .words = "NAME",
  .min_words = 1,
  .max_words = 1,
  .client = true,
  .summary = "Show the operation that makes a version of a certificate, or end it",
  .options = options,
  .examples = "strongroom cert pending shop\n"
              "strongroom cert pending shop --csr --out shop.csr\n"
              "strongroom cert pending shop --forget",
  .run = run,
};
