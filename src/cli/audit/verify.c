/* strongroom audit verify */
#include "base/file.h"
#include "base/write.h"
#include "cli/args.h"
#include "cli/out.h"
#include "cli/verbs.h"
#include "vault/audit.h"

#include <stdio.h>

#define FILE_MAX 65536

static void print_number(const char *label, uint64_t n) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)n);
  out_field_str(label, text);
}

static err_t print_json(const struct audit_report *r) {
  AUTO_BUF b = BUF_EMPTY;
  write_open(&b, NULL, '{');
  write_i64(&b, "first", (int64_t)r->first);
  write_i64(&b, "last", (int64_t)r->last);
  write_i64(&b, "signedTo", (int64_t)r->signed_to);
  write_i64(&b, "broken", (int64_t)r->broken);
  write_str(&b, "file", r->file);
  write_str(&b, "why", r->why);
  write_close(&b, '}');
  TRY(buf_ok(&b));
  out_line(BYTES_FMT, BYTES_ARG(buf_bytes(&b)));
  return OK;
}

static void print(const struct audit_report *r) {
  print_number("First record", r->first);
  print_number("Last record", r->last);
  print_number("Signed up to", r->signed_to);
  if (r->broken)
    print_number("Broken record", r->broken);
  if (r->why[0])
    out_field_str("In file", r->file);
}

static err_t run(const struct args *a) {
  AUTO_BUF pem = BUF_EMPTY;
  AUTO_BUF head = BUF_EMPTY;
  struct audit_report report = { 0 };
  const char *data = args_value(a, "data"), *key = args_value(a, "key");
  const char *kept = args_value(a, "head");
  char dir[4096];
  if ((size_t)snprintf(dir, sizeof dir, "%s/audit", data ? data : "data") >= sizeof dir)
    FAIL(ERR_USAGE, "the path of the data directory is too long");
  if (key)
    TRY(file_read(key, FILE_MAX, &pem));
  if (kept)
    TRY(file_read(kept, FILE_MAX, &head));
  TRY(audit_verify(dir, buf_bytes(&pem), buf_bytes(&head), &report));
  if (args_flag(a, "json"))
    TRY(print_json(&report));
  else
    print(&report);
  if (report.broken)
    FAIL(ERR_CORRUPT, "the audit log is not intact: record %llu in %s: %s",
         (unsigned long long)report.broken, report.file, report.why);
  if (report.why[0])
    FAIL(ERR_CORRUPT, "the audit log is not the one expected: %s", report.why);
  return OK;
}

static const struct opt options[] = {
  { "data", OPT_VALUE, "DIR", NULL, "the data directory (default: data)" },
  { "key", OPT_VALUE, "FILE", NULL, "the public key that must have signed (default: the log's)" },
  { "head", OPT_VALUE, "FILE", NULL, "an earlier copy of DIR/audit/head that must fit, too" },
  { "json", OPT_FLAG, NULL, NULL, "print the result as JSON" },
  OPT_END,
};

const struct verb verb_audit_verify = {
  .noun = "audit",
  .name = "verify",
  .words = "",
  .summary = "Check that no record of the audit log was changed or is missing",
  .details =
    "Works on the files of a data directory or of a copy, needs no vault and no secret, and\n"
    "names the first record that is broken (exit code 1). Keep DIR/audit/public.pem\n"
    "elsewhere and give it with --key: then a forged log with a key of its own shows, too.\n"
    "With --head, so does a log that was put back to an older state.",
  .options = options,
  .examples = "strongroom audit verify --data /var/lib/strongroom\n"
              "strongroom audit verify --data ./copy --key kept/public.pem --head kept/head",
  .run = run,
};
