/* strongroom ca issue: makes a key here, asks for its certificate, and writes both. */
#include "base/file.h"
#include "base/write.h"
#include "cli/ask.h"
#include "cli/verbs.h"
#include "crypto/x509.h"

#include "crypto/cert.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_MAX 65536
#define PATH_SIZE 1024

/* The key of --key, or a new one. */
static err_t get_key(const struct args *a, struct key **out) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const char *file = args_value(a, "key");
  AUTO_BUF pem = BUF_EMPTY;
  if (!file)
    return key_generate(&spec, out);
  TRY(file_read(file, FILE_MAX, &pem));
  if (key_from_pem(buf_bytes(&pem), out) != OK)
    FAIL(ERR_USAGE, "%s holds no private key (PEM, not encrypted) of a type that is served", file);
  return OK;
}

/* It proves that we have the key; what the certificate is to say is in the body. */
static err_t make_request(const struct key *key, struct buf *pem) {
  const struct cert_profile p = { .subject = "CN=request" };
  AUTO_BUF der = BUF_EMPTY;
  TRY(cert_request(key, &p, &der));
  return x509_request_to_pem(buf_bytes(&der), pem);
}

static err_t write_body(const struct args *a, struct bytes request, struct buf *body) {
  const char *lifetime = args_value(a, "lifetime"), *subject = args_value(a, "subject");
  const char *profile = args_value(a, "profile");
  int64_t seconds = 0;
  size_t at = 0;
  if (lifetime)
    TRY(when_parse_span("lifetime", lifetime, &seconds));
  write_open(body, NULL, '{');
  write_str(body, "profile", profile ? profile : "server");
  write_text(body, "csr", request);
  if (args_flag(a, "name")) {
    write_open(body, "names", '[');
    for (const char *v; (v = args_next(a, "name", &at));)
      write_str(body, NULL, v);
    write_close(body, ']');
  }
  if (subject || !args_flag(a, "csr"))
    write_str(body, "subject", subject ? subject : "");
  if (seconds)
    write_i64(body, "lifetime", seconds);
  write_close(body, '}');
  return OK;
}

static err_t make_path(const char *dir, const char *name, char out[static PATH_SIZE]) {
  int n = snprintf(out, PATH_SIZE, "%s/%s", dir, name);
  if (n < 0 || n >= PATH_SIZE)
    FAIL(ERR_USAGE, "the directory's name is too long");
  return OK;
}

/* key is NULL when it is somebody else's. */
static err_t write_files(const char *dir, const struct key *key, struct bytes chain) {
  char key_path[PATH_SIZE], cert_path[PATH_SIZE];
  AUTO_SECRET pem = { 0 };
  TRY(make_path(dir, "key.pem", key_path));
  TRY(make_path(dir, "cert.pem", cert_path));
  if (mkdir(dir, 0700) != 0 && errno != EEXIST)
    FAIL(ERR_CONFIG, "cannot make %s: %s", dir, strerror(errno));
  if (key) {
    TRY(key_to_pem(key, &pem));
    TRY(file_write_private(key_path, secret_bytes(&pem)));
  }
  TRY(file_write_private(cert_path, chain));
  out_line("%s%s%s", key ? key_path : "", key ? "\n" : "", cert_path);
  return OK;
}

static err_t run(const struct args *a) {
  AUTO_ANSWER answer = { 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_BUF path = client_path("hub", "ca", "issue", NULL), body = BUF_EMPTY, request = BUF_EMPTY;
  const char *dir = args_value(a, "out"), *csr = args_value(a, "csr");
  if (csr && args_flag(a, "key"))
    FAIL(ERR_USAGE, "--csr brings a request of its own: --key has no place beside it");
  if (csr) {
    TRY(file_read(csr, FILE_MAX, &request));
  } else {
    if (!dir)
      FAIL(ERR_USAGE, "--out DIR is missing: key and certificate are written there");
    TRY(get_key(a, &key));
    TRY(make_request(key, &request));
  }
  TRY(write_body(a, buf_bytes(&request), &body));
  TRY(ask(a, HTTP_POST, &path, &body, &answer));
  if (dir)
    return write_files(dir, key, field_text(answer.body, "certificate"));
  if (args_flag(a, "json"))
    out_json(answer.body);
  else
    fputs(json_string_value(json_object_get(answer.body, "certificate")), stdout);
  return OK;
}

static const struct opt options[] = {
  { "profile", OPT_VALUE, "PROFILE", "server client workload vpn", "what for (default: server)" },
  { "name", OPT_LIST, "NAME", NULL, "DNS name, address, URI or e-mail; again for more" },
  { "subject", OPT_VALUE, "SUBJECT", NULL, "\"CN=example.com, O=Example\" (default: none)" },
  { "lifetime", OPT_VALUE, "SPAN", NULL, "30d, 12h (default: the profile's)" },
  { "key", OPT_VALUE, "FILE", NULL, "this private key (PEM) instead of a new one" },
  { "csr", OPT_VALUE, "FILE", NULL, "this request (PEM); names of it unless --name is given" },
  { "out", OPT_VALUE, "DIR", NULL, "write key.pem and cert.pem there (mode 0600)" },
  OPT_END,
};

const struct verb verb_ca_issue = {
  .noun = "ca",
  .name = "issue",
  .words = "",
  .client = true,
  .summary = "Get a certificate from the hub's authority",
  .details =
    "Makes a P-256 key on this machine; only a request with the public part leaves it. cert.pem\n"
    "holds the certificate and the issuing authority's. A workload has one name, its SPIFFE ID.",
  .options = options,
  .examples = "strongroom ca issue --name web.example --out /etc/web/tls\n"
              "strongroom ca issue --profile workload --name spiffe://example/billing --out tls",
  .run = run,
};
