#include "cli/cert/operation.h"

#include "base/clock.h"
#include "vault/cert_policy.h"

#include <time.h>

/* The vault signs within a moment, if it is the one that signs. */
#define OURS_US 60000000u
#define THEIRS_US 2000000u
#define FIRST_PAUSE_US 50000u
#define LAST_PAUSE_US 1000000u

err_t operation_begin(struct client *c, const char *name, const struct buf *body,
                      struct client_answer *out) {
  AUTO_BUF path = client_path("certificates", name, "create", NULL), nothing = BUF_EMPTY;
  buf_put_str(&nothing, "{}");
  TRY(client_call(c, HTTP_POST, &path, body ? body : &nothing, out));
  if (!out->body)
    FAIL(ERR_INTERNAL, "the server's answer has no body");
  return OK;
}

bool operation_completed(json_t *operation) {
  return bytes_equal_nocase(field_text(operation, "status"), "completed");
}

static bool in_progress(json_t *operation) {
  return bytes_equal_nocase(field_text(operation, "status"), "inProgress") &&
         !json_is_true(json_object_get(operation, "cancellation_requested"));
}

err_t operation_check(json_t *operation) {
  struct bytes status = field_text(operation, "status");
  struct bytes why = field_text(field_object(operation, "error"), "message");
  if (operation_completed(operation) || in_progress(operation))
    return OK;
  if (!bytes_equal_nocase(status, "failed"))
    FAIL(ERR_CONFLICT, "the making of the certificate was cancelled");
  FAIL(ERR_CONFLICT, "the certificate was not made: " BYTES_FMT, BYTES_ARG(why));
}

static uint64_t patience(json_t *operation) {
  struct bytes issuer = field_text(field_object(operation, "issuer"), "name");
  if (bytes_equal_nocase(issuer, ISSUER_SELF) || bytes_equal_nocase(issuer, ISSUER_HUB))
    return OURS_US;
  return bytes_equal_nocase(issuer, ISSUER_UNKNOWN) ? 0 : THEIRS_US;
}

static void pause_us(uint64_t us) {
  struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };
  nanosleep(&t, NULL);
}

err_t operation_wait(struct client *c, const char *name, struct client_answer *out) {
  AUTO_BUF path = client_path("certificates", name, "pending", NULL);
  uint64_t began = clock_mono_us();
  for (uint64_t pause = FIRST_PAUSE_US;; pause = pause < LAST_PAUSE_US ? 2 * pause : pause) {
    AUTO_ANSWER now = { 0 };
    TRY(client_call(c, HTTP_GET, &path, NULL, &now));
    if (!in_progress(now.body) || clock_mono_us() - began >= patience(now.body)) {
      *out = now;
      now = (struct client_answer){ 0 };
      return OK;
    }
    pause_us(pause);
  }
}
