#include "cli/cert/enrol.h"

#include "base/clock.h"
#include "base/write.h"
#include "cli/cert/operation.h"
#include "cli/cert/policy_write.h"
#include "vault/cert_policy.h"

#include <arpa/inet.h>
#include <stdio.h>

#define COMMON_NAME_MAX 64
#define PERCENT_WITHOUT_ACTION 80
#define PART_OF_LIFE 20 /* what the vault has for renewing by itself */

static err_t get(struct enrolment *e, struct client_answer *out) {
  AUTO_BUF path = client_path("certificates", e->name, NULL);
  AUTO_ANSWER now = { 0 };
  TRY(client_call(e->client, HTTP_GET, &path, NULL, &now));
  if (!now.body)
    FAIL(ERR_INTERNAL, "the server's answer has no body");
  client_answer_free(out);
  *out = now;
  now = (struct client_answer){ 0 };
  return OK;
}

static bool is_issued(const struct client_answer *bundle) {
  return field_text(bundle->body, "cer").size != 0;
}

/* Waits for the version that is being made. */
static err_t finish(struct enrolment *e, struct client_answer *bundle) {
  AUTO_ANSWER operation = { 0 };
  TRY(operation_wait(e->client, e->name, &operation));
  TRY(operation_check(operation.body));
  if (!operation_completed(operation.body))
    FAIL(ERR_CONFLICT,
         "'%s' waits for another authority: 'strongroom cert pending %s --csr' shows the request, "
         "'strongroom cert merge' brings the answer",
         e->name, e->name);
  return get(e, bundle);
}

/* --- the first time --- */

/* "CN=" and the first DNS name, where one was given that fits. */
static const char *default_subject(const struct args *a, char out[static COMMON_NAME_MAX + 4]) {
  const char *dns = args_value(a, "dns");
  if (!dns || strlen(dns) > COMMON_NAME_MAX)
    return NULL;
  snprintf(out, COMMON_NAME_MAX + 4, "CN=%s", dns);
  return out;
}

static err_t make(struct enrolment *e, struct client_answer *bundle) {
  AUTO_ANSWER operation = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  char subject[COMMON_NAME_MAX + 4];
  const struct policy_defaults defaults = {
    .issuer = ISSUER_HUB,
    .type = "EC",
    .curve = "P-256",
    .subject = default_subject(e->a, subject),
    .eku = args_flag(e->a, "uri") ? NULL : "serverAuth", /* workloads are servers and clients */
    .pem = true,
  };
  if (!policy_names_given(e->a))
    FAIL(ERR_USAGE,
         "the certificate '%s' is not there yet: say what it is for, with --dns, --ip, "
         "--uri, --email or --subject",
         e->name);
  write_open(&body, NULL, '{');
  TRY(policy_write(e->a, "policy", &defaults, &body));
  write_close(&body, '}');
  TRY(operation_begin(e->client, e->name, &body, &operation));
  return finish(e, bundle);
}

/* Addresses have several spellings; names have two cases. */
static bool same_name(enum cert_san kind, const char *a, const char *b) {
  uint8_t left[16] = { 0 }, right[16] = { 0 };
  if (kind != SAN_IP)
    return bytes_equal_nocase(bytes_str(a), b);
  int family = strchr(a, ':') ? AF_INET6 : AF_INET;
  return inet_pton(family, a, left) == 1 && inet_pton(family, b, right) == 1 &&
         memcmp(left, right, sizeof left) == 0;
}

static bool has_name(const struct cert_info *info, enum cert_san kind, const char *name) {
  for (size_t i = 0; i < info->is.sans[kind].count; i++)
    if (same_name(kind, name, info->is.sans[kind].items[i]))
      return true;
  return false;
}

static err_t check_names(const struct enrolment *e, const struct client_answer *bundle) {
  static const char *const options[SAN_KINDS] = {
    [SAN_DNS] = "dns", [SAN_EMAIL] = "email", [SAN_URI] = "uri", [SAN_IP] = "ip"
  };
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_der(bundle->body, &der));
  TRY(cert_read(buf_bytes(&der), &info));
  for (unsigned kind = 0; kind < SAN_KINDS; kind++) {
    const char *name;
    size_t at = 0;
    while (options[kind] && (name = args_next(e->a, options[kind], &at)))
      if (!has_name(&info, kind, name))
        FAIL(ERR_CONFLICT,
             "'%s' is there, but not for %s: change its policy with 'strongroom cert policy', then "
             "make a version with 'strongroom cert create'",
             e->name, name);
  }
  return OK;
}

/* One that was begun and is not there yet: it is waited for, or begun anew if that came to nothing.
 */
static err_t resume(struct enrolment *e, struct client_answer *bundle) {
  AUTO_ANSWER operation = { 0 };
  err_t got = operation_wait(e->client, e->name, &operation);
  if (got != OK && got != ERR_NOT_FOUND)
    return got;
  bool nothing = got != OK || operation_check(operation.body) != OK;
  return nothing ? make(e, bundle) : finish(e, bundle);
}

err_t enrolment_current(struct enrolment *e, struct client_answer *bundle) {
  err_t got = get(e, bundle);
  if (got == ERR_NOT_FOUND)
    TRY(make(e, bundle));
  else if (got != OK)
    return got;
  else if (!is_issued(bundle))
    TRY(resume(e, bundle));
  if (!is_issued(bundle))
    FAIL(ERR_CONFLICT, "'%s' is not issued: see 'strongroom cert pending %s'", e->name, e->name);
  return check_names(e, bundle);
}

/* --- later --- */

static int64_t number(json_t *o, const char *field) {
  json_t *v = json_object_get(o, field);
  return json_is_integer(v) ? json_integer_value(v) : 0;
}

/* What the policy says of renewal by the vault; NULL: nothing. */
static json_t *renewal_trigger(json_t *policy) {
  json_t *item;
  size_t i;
  json_array_foreach(json_object_get(policy, "lifetime_actions"), i, item) {
    if (bytes_equal_nocase(field_text(field_object(item, "action"), "action_type"), "AutoRenew"))
      return field_object(item, "trigger");
  }
  return NULL;
}

/* When we ask: a while after the vault should have, or at 80 percent where it should not. */
static int64_t due_at(json_t *policy, int64_t not_before, int64_t not_after) {
  json_t *trigger = renewal_trigger(policy);
  int64_t life = not_after - not_before;
  if (!trigger)
    return not_before + life / 100 * PERCENT_WITHOUT_ACTION;
  int64_t percent = number(trigger, "lifetime_percentage");
  int64_t days = number(trigger, "days_before_expiry");
  int64_t at = days > 0 ? not_after - days * 86400 : not_before + life / 100 * percent;
  int64_t grace = at + life / PART_OF_LIFE, last = not_after - life / PART_OF_LIFE;
  return grace < last ? grace : at > last ? at : last;
}

/* A version that was asked for may be due again at once, if clocks or policies are wrong: that must
 * not make one version after the other. */
static bool asked_lately(const struct enrolment *e, int64_t life) {
  uint64_t pause = (uint64_t)(life > 0 ? life : 0) / PART_OF_LIFE * 1000000;
  return e->asked_at && clock_mono_us() - e->asked_at < pause;
}

static err_t ask_again(struct enrolment *e, struct client_answer *bundle) {
  AUTO_ANSWER operation = { 0 };
  json_t *policy = field_object(bundle->body, "policy");
  struct bytes issuer = field_text(field_object(policy, "issuer"), "name");
  if (bytes_equal_nocase(issuer, ISSUER_UNKNOWN))
    FAIL(
      ERR_CONFLICT,
      "'%s' should be renewed, and its issuer is not the vault: 'strongroom cert create %s' makes "
      "the request, 'strongroom cert merge' brings the answer",
      e->name, e->name);
  e->asked_at = clock_mono_us();
  TRY(operation_begin(e->client, e->name, NULL, &operation));
  return finish(e, bundle);
}

err_t enrolment_renew(struct enrolment *e, struct client_answer *bundle) {
  AUTO_BUF der = BUF_EMPTY;
  AUTO_CERT_INFO info = { 0 };
  TRY(cert_der(bundle->body, &der));
  TRY(cert_read(buf_bytes(&der), &info));
  int64_t from = info.is.not_before, to = info.is.not_after;
  if (clock_real() < due_at(field_object(bundle->body, "policy"), from, to) ||
      asked_lately(e, to - from))
    return OK;
  return ask_again(e, bundle);
}
