#include "cli/cert/policy_write.h"

#include "base/write.h"
#include "vault/cert_policy.h"

static const char *const options[] = {
  "subject",   "dns",     "ip",     "uri",   "email",    "issuer",     "type",
  "size",      "curve",   "months", "pem",   "pfx",      "exportable", "not-exportable",
  "reuse-key", "new-key", "eku",    "usage", "renew-at", "renew-days", "no-renew",
};
#define OPTIONS (sizeof options / sizeof *options)

/* The kinds of names, by option and by the policy's field. */
static const struct kind {
  const char *option, *field;
} kinds[] = {
  { "dns", "dns_names" }, { "email", "emails" }, { "uri", "uris" }, { "ip", "ipAddresses" }
};
#define KINDS (sizeof kinds / sizeof *kinds)

bool policy_given(const struct args *a) {
  bool any = false;
  for (size_t i = 0; i < OPTIONS; i++)
    any |= args_flag(a, options[i]);
  return any;
}

bool policy_names_given(const struct args *a) {
  bool any = args_flag(a, "subject");
  for (size_t i = 0; i < KINDS; i++)
    any |= args_flag(a, kinds[i].option);
  return any;
}

/* --- what it is made like --- */

/* One of two options that exclude each other: "yes" says true, "no" false. */
static err_t write_either(const struct args *a, const char *yes, const char *no, const char *field,
                          struct buf *b) {
  bool is = args_flag(a, yes);
  if (is && args_flag(a, no))
    FAIL(ERR_USAGE, "--%s and --%s exclude each other", yes, no);
  if (is || args_flag(a, no))
    write_bool(b, field, is);
  return OK;
}

static err_t write_key(const struct args *a, const struct policy_defaults *d, struct buf *b) {
  const char *type = args_value(a, "type"), *curve = args_value(a, "curve");
  uint64_t size = 0;
  TRY(args_uint(a, "size", 1, 65536, &size));
  if (!type)
    type = curve ? "EC" : size ? "RSA" : d->type;
  bool ec = type && strncmp(type, "EC", 2) == 0;
  if (curve && !ec)
    FAIL(ERR_USAGE, "--curve is for keys of type EC or EC-HSM, not %s", type);
  if (size && ec)
    FAIL(ERR_USAGE, "--size is for keys of type RSA or RSA-HSM, not %s", type);
  if (!curve && ec)
    curve = d->curve;
  write_open(b, "key_props", '{');
  TRY(write_either(a, "exportable", "not-exportable", "exportable", b));
  if (type)
    write_str(b, "kty", type);
  if (size)
    write_i64(b, "key_size", (int64_t)size);
  if (curve)
    write_str(b, "crv", curve);
  TRY(write_either(a, "reuse-key", "new-key", "reuse_key", b));
  write_close(b, '}');
  return OK;
}

static err_t write_form(const struct args *a, const struct policy_defaults *d, struct buf *b) {
  bool pem = args_flag(a, "pem"), pkcs12 = args_flag(a, "pfx");
  if (pem && pkcs12)
    FAIL(ERR_USAGE, "--pem and --pfx exclude each other");
  if (!pem && !pkcs12 && !d->pem)
    return OK;
  write_open(b, "secret_props", '{');
  write_str(b, "contentType", pkcs12 ? "application/x-pkcs12" : "application/x-pem-file");
  write_close(b, '}');
  return OK;
}

/* --- what it says --- */

static void write_names(const struct args *a, struct buf *b) {
  write_open(b, "sans", '{');
  for (size_t i = 0; i < KINDS; i++) {
    const char *name;
    size_t at = 0;
    if (!args_flag(a, kinds[i].option))
      continue;
    write_open(b, kinds[i].field, '[');
    while ((name = args_next(a, kinds[i].option, &at)))
      write_str(b, NULL, name);
    write_close(b, ']');
  }
  write_close(b, '}');
}

static const char *eku_oid(const char *text) {
  static const char *const known[] = {
    "serverAuth",   "1.3.6.1.5.5.7.3.1",  "clientAuth",      "1.3.6.1.5.5.7.3.2",
    "codeSigning",  "1.3.6.1.5.5.7.3.3",  "emailProtection", "1.3.6.1.5.5.7.3.4",
    "timeStamping", "1.3.6.1.5.5.7.3.8",  "OCSPSigning",     "1.3.6.1.5.5.7.3.9",
    "ipsecIKE",     "1.3.6.1.5.5.7.3.17",
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i += 2)
    if (bytes_equal_nocase(bytes_str(text), known[i]))
      return known[i + 1];
  return text;
}

static void write_ekus(const struct args *a, const char *otherwise, struct buf *b) {
  const char *eku = args_flag(a, "eku") ? NULL : otherwise;
  size_t at = 0;
  write_open(b, "ekus", '[');
  if (eku)
    write_str(b, NULL, eku_oid(eku));
  while ((eku = args_next(a, "eku", &at)))
    write_str(b, NULL, eku_oid(eku));
  write_close(b, ']');
}

static err_t write_usages(const struct args *a, const struct policy_defaults *d, struct buf *b) {
  const char *usage = args_value(a, "usage");
  if (args_flag(a, "eku") || d->eku)
    write_ekus(a, d->eku, b);
  if (!usage)
    return OK;
  struct bytes rest = bytes_str(usage), one;
  write_open(b, "key_usage", '[');
  do {
    rest = bytes_split(rest, ',', &one);
    if (cert_usage_bit(one) == 0)
      FAIL(ERR_USAGE, "there is no key usage '" BYTES_FMT "'", BYTES_ARG(one));
    write_text(b, NULL, one);
  } while (rest.data);
  write_close(b, ']');
  return OK;
}

static err_t write_certificate(const struct args *a, const struct policy_defaults *d,
                               struct buf *b) {
  const char *subject = args_value(a, "subject");
  uint64_t months = 0;
  TRY(args_uint(a, "months", 1, CERT_MONTHS_MAX, &months));
  write_open(b, "x509_props", '{');
  if (subject || d->subject)
    write_str(b, "subject", subject ? subject : d->subject);
  bool names = false;
  for (size_t i = 0; i < KINDS; i++)
    names |= args_flag(a, kinds[i].option);
  if (names)
    write_names(a, b);
  TRY(write_usages(a, d, b));
  if (months)
    write_i64(b, "validity_months", (int64_t)months);
  write_close(b, '}');
  return OK;
}

/* --- when it is renewed --- */

static void write_action(const char *trigger, uint64_t value, const char *action, struct buf *b) {
  write_open(b, "lifetime_actions", '[');
  write_open(b, NULL, '{');
  write_open(b, "trigger", '{');
  write_i64(b, trigger, (int64_t)value);
  write_close(b, '}');
  write_open(b, "action", '{');
  write_str(b, "action_type", action);
  write_close(b, '}');
  write_close(b, '}');
  write_close(b, ']');
}

static err_t write_actions(const struct args *a, struct buf *b) {
  uint64_t percent = 0, days = 0;
  bool never = args_flag(a, "no-renew");
  TRY(args_uint(a, "renew-at", 1, 99, &percent));
  TRY(args_uint(a, "renew-days", 1, 36500, &days));
  if ((percent != 0) + (days != 0) + never > 1)
    FAIL(ERR_USAGE, "--renew-at, --renew-days and --no-renew exclude each other");
  if (percent)
    write_action("lifetime_percentage", percent, "AutoRenew", b);
  else if (days)
    write_action("days_before_expiry", days, "AutoRenew", b);
  else if (never) /* the action that is no renewal */
    write_action("lifetime_percentage", 80, "EmailContacts", b);
  return OK;
}

err_t policy_write(const struct args *a, const char *key, const struct policy_defaults *defaults,
                   struct buf *b) {
  static const struct policy_defaults none = { 0 };
  const struct policy_defaults *d = defaults ? defaults : &none;
  const char *issuer = args_value(a, "issuer");
  write_open(b, key, '{');
  TRY(write_key(a, d, b));
  TRY(write_form(a, d, b));
  TRY(write_certificate(a, d, b));
  TRY(write_actions(a, b));
  if (issuer || d->issuer) {
    write_open(b, "issuer", '{');
    write_str(b, "name", issuer ? issuer : d->issuer);
    write_close(b, '}');
  }
  write_close(b, '}');
  return OK;
}
