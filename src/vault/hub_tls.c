/*
 * The server's certificate. The key is a 0600 file: a sealed hub must be able to answer, so it
 * can't be in the store. Certificates of the hub's authority live 90 days and are issued anew, with
 * a new key, when a third of that is left or the names changed.
 */
#include "base/cidr.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/hub_internal.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX 65536
#define LEAF_DAYS 90

static err_t load(const char *certificate, const char *key_file, struct tls **out) {
  AUTO_BUF chain = BUF_EMPTY, key_pem = BUF_EMPTY;
  AUTO(key) struct key *key = NULL;
  struct stat st;
  if (stat(key_file, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)))
    FAIL(ERR_CONFIG, "%s can be read by others: chmod 600 it", key_file);
  TRY(file_read(certificate, PEM_MAX, &chain));
  TRY(file_read(key_file, PEM_MAX, &key_pem));
  if (key_from_pem(buf_bytes(&key_pem), &key) != OK)
    FAIL(ERR_CONFIG, "%s holds no private key (PEM, not encrypted) of a type that is served",
         key_file);
  return tls_server(buf_bytes(&chain), key, out);
}

size_t hub_names(const struct hub *h, const char *names[static HUB_NAMES_MAX]) {
  const char *const *hosts;
  size_t n = 0, count = conf_list(h->conf, "host", &hosts);
  static const char *const always[] = { "localhost", "127.0.0.1", "::1" };
  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    names[n++] = always[i];
  for (size_t i = 0; i < count && n < HUB_NAMES_MAX; i++)
    names[n++] = hosts[i];
  for (size_t i = 0; i < h->api.domain_count && n < HUB_NAMES_MAX; i++)
    names[n++] = h->wildcards[i];
  return n;
}

/* Is the certificate in DIR/tls of this authority, not revoked, for these names, and not due? */
static bool fit(const struct hub *h) {
  char path[HUB_PATH_MAX];
  const char *names[HUB_NAMES_MAX];
  AUTO_BUF pem = BUF_EMPTY, der = BUF_EMPTY;
  int64_t from, until;
  if (hub_path(h, "tls/server.pem", path) != OK || file_read(path, PEM_MAX, &pem) != OK ||
      x509_from_pem(buf_bytes(&pem), &der) != OK ||
      x509_validity(buf_bytes(&der), &from, &until) != OK ||
      !ca_knows(h->ca, buf_bytes(&der), clock_real()))
    return false;
  for (size_t i = 0, n = hub_names(h, names); i < n; i++)
    if (!x509_covers(buf_bytes(&der), names[i]))
      return false;
  return until - clock_real() > (until - from) / 3;
}

static bool configured(const struct hub *h) {
  return conf_str(h->conf, "tls.certificate")[0] != '\0';
}

bool hub_tls_due(const struct hub *h) {
  return !configured(h) && h->ca && !fit(h);
}

/* The hub calls other hubs with it, too. */
static err_t issue_chain(struct hub *h, const struct key *key, struct cert_chain *chain) {
  static const char *ekus[] = { EKU_SERVER_AUTH, EKU_CLIENT_AUTH };
  const char *names[HUB_NAMES_MAX], *dns[HUB_NAMES_MAX], *ip[HUB_NAMES_MAX];
  struct ca_request rq = { .profile = CA_SERVER, .key = key, .oid = "", .via = "hub" };
  struct cidr unused;
  rq.says = (struct cert_profile){ .subject = "CN=Strongroom hub",
                                   .ekus = { ekus, 2 },
                                   .not_after = clock_real() + LEAF_DAYS * 86400ll };
  rq.says.sans[SAN_DNS].items = dns;
  rq.says.sans[SAN_IP].items = ip;
  for (size_t i = 0, n = hub_names(h, names); i < n; i++) {
    bool address = cidr_parse(bytes_str(names[i]), &unused);
    struct cert_texts *list = &rq.says.sans[address ? SAN_IP : SAN_DNS];
    list->items[list->count++] = names[i];
  }
  err_t e = ca_issue(h->ca, &rq, chain);
  if (e == ERR_BAD_PARAMETER) {
    char why[400]; /* what it says is overwritten by what is said now */
    snprintf(why, sizeof why, "%s", err_text(e));
    FAIL(
      ERR_CONFIG,
      "%s With the hub stopped, 'strongroom ca renew-issuing --permit ..' makes an authority that "
      "may.",
      why);
  }
  return e;
}

static err_t issue(struct hub *h, const char *certificate, const char *key_file) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  char dir[HUB_PATH_MAX];
  AUTO(key) struct key *key = NULL;
  AUTO_CERT_CHAIN chain = { 0 };
  AUTO_BUF pem = BUF_EMPTY;
  AUTO_SECRET key_pem = { 0 };
  TRY(hub_path(h, "tls", dir));
  if (mkdir(dir, 0700) != 0 && access(dir, X_OK) != 0)
    FAIL(ERR_CONFIG, "cannot make %s", dir);
  TRY(key_generate(&spec, &key));
  TRY(issue_chain(h, key, &chain));
  for (size_t i = 0; i < chain.count; i++)
    TRY(x509_to_pem(buf_bytes(&chain.ders[i]), &pem));
  TRY(key_to_pem(key, &key_pem));
  TRY(file_write_private(key_file, secret_bytes(&key_pem)));
  TRY(file_write_private(certificate, buf_bytes(&pem)));
  log_info("tls", "a server certificate was issued, good for %d days", LEAF_DAYS);
  return OK;
}

err_t hub_tls(struct hub *h, struct tls **out) {
  char certificate[HUB_PATH_MAX], key_file[HUB_PATH_MAX];
  if (configured(h) && !conf_str(h->conf, "tls.key")[0])
    FAIL(ERR_CONFIG, "--tls-certificate needs --tls-key, too");
  if (configured(h))
    return load(conf_str(h->conf, "tls.certificate"), conf_str(h->conf, "tls.key"), out);
  TRY(hub_path(h, "tls/server.pem", certificate));
  TRY(hub_path(h, "tls/server.key", key_file));
  if (h->ca && !fit(h))
    TRY(issue(h, certificate, key_file));
  err_t e = load(certificate, key_file, out);
  if (e == ERR_CONFIG && h->ca) { /* cut off between the two files: the pair does not fit */
    TRY(issue(h, certificate, key_file));
    e = load(certificate, key_file, out);
  }
  return e;
}
