/* strongroom ca issue: makes a key here, asks for its certificate, and writes both. */
#include "base/file.h"
#include "cli/ask.h"
#include "cli/verbs.h"
#include "client/use_ca.h"
#include "crypto/cert.h"
#include "crypto/x509.h"

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

static err_t read_names(const struct args *a, const char *names[static CERT_TEXTS_MAX],
                        struct client_ca_request *rq) {
  size_t at = 0;
  rq->names = names;
  for (const char *v; (v = args_next(a, "name", &at));) {
    if (rq->name_count == CERT_TEXTS_MAX)
      FAIL(ERR_USAGE, "a certificate has at most %d names", CERT_TEXTS_MAX);
    names[rq->name_count++] = v;
  }
  return OK;
}

static err_t read_lifetime(const struct args *a, uint64_t *out) {
  const char *text = args_value(a, "lifetime");
  int64_t seconds = 0;
  if (text)
    TRY(when_parse_span("lifetime", text, &seconds));
  *out = (uint64_t)seconds;
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

/* What is asked for; a key of ours, or a request of somebody's. */
static err_t read_request(const struct args *a, const char *names[static CERT_TEXTS_MAX],
                          struct key **key, struct buf *csr, struct client_ca_request *rq) {
  const char *file = args_value(a, "csr"), *profile = args_value(a, "profile");
  rq->profile = profile ? profile : "server";
  rq->subject = args_value(a, "subject");
  TRY(read_names(a, names, rq));
  TRY(read_lifetime(a, &rq->lifetime_s));
  if (file && args_flag(a, "key"))
    FAIL(ERR_USAGE, "--csr brings a request of its own: --key has no place beside it");
  if (!file && !args_flag(a, "out"))
    FAIL(ERR_USAGE, "--out DIR is missing: key and certificate are written there");
  TRY(file ? file_read(file, FILE_MAX, csr) : get_key(a, key));
  rq->csr = buf_bytes(csr);
  rq->key = *key;
  return OK;
}

static err_t run(const struct args *a) {
  AUTO(client) struct client *c = NULL;
  AUTO_ANSWER answer = { 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_BUF csr = BUF_EMPTY;
  const char *dir = args_value(a, "out"), *names[CERT_TEXTS_MAX];
  struct client_ca_request rq = { 0 };
  TRY(read_request(a, names, &key, &csr, &rq));
  TRY(ask_open(a, &c));
  TRY(client_issue_certificate(c, NULL, &rq, &answer));
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
