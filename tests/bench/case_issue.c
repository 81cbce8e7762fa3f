/*
 * What a certificate of the hub's authority costs: a request is read and checked, the certificate
 * is signed and recorded. Beside the two operations that it can't do without, the check of the
 * request's signature and the signature of the certificate, and its durable write. That is measured
 * in this process, on one thread, as much of a write's cost on a server depends on how many share
 * it; what a server does follows for information.
 */
#include "crypto/x509.h"
#include "operation.h"
#include "raw.h"

#include "base/write.h"
#include "crypto/cert.h"
#include "vault/ca/ca.h"

#include <stdio.h>
#include <time.h>

#define CONNECTIONS 64
#define REPEATS 7
#define ROUNDS 100
#define WARM_S 0.3
#define MEASURE_S 2.0
#define LIMIT 3
#define RECORD 300 /* bytes, as that of a certificate */

static double cpu_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static err_t make_csr(struct buf *pem) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  const struct cert_profile p = { .subject = "CN=bench.example" };
  AUTO(key) struct key *key = NULL;
  AUTO_BUF der = BUF_EMPTY;
  TRY(key_generate(&spec, &key));
  TRY(cert_request(key, &p, &der));
  return x509_request_to_pem(buf_bytes(&der), pem);
}

static err_t make_issue(struct server *s, struct buf *request) {
  AUTO_BUF body = BUF_EMPTY, csr = BUF_EMPTY;
  TRY(make_csr(&csr));
  write_open(&body, NULL, '{');
  write_str(&body, "profile", "server");
  write_text(&body, "csr", buf_bytes(&csr));
  write_close(&body, '}');
  const char *text = buf_cstr(&body);
  if (!text)
    return ERR_NOMEM;
  return server_operation(s, "POST", "/hub/ca/issue", text, request);
}

/* The authority alone. */
struct alone {
  struct store *store;
  struct ca *ca;
  struct buf csr; /* DER */
  unsigned written;
};
static void alone_free(struct alone *a) {
  if (a->ca)
    ca_free(a->ca);
  if (a->store)
    store_close(a->store);
  buf_free(&a->csr);
}
#define AUTO_ALONE __attribute__((cleanup(alone_free))) struct alone

static err_t alone_open(const struct bench *b, struct alone *a) {
  char dir[512];
  const struct cert_texts any = { 0 };
  AUTO_SECRET key = { 0 };
  AUTO(root) struct root *root = NULL;
  AUTO_BUF pem = BUF_EMPTY;
  snprintf(dir, sizeof dir, "%s/ca-alone", b->dir);
  TRY(make_csr(&pem));
  TRY(x509_request_from_pem(buf_bytes(&pem), &a->csr));
  TRY(secret_random(32, &key));
  TRY(root_open("file", secret_bytes(&key), &root));
  TRY(store_open(dir, &a->store));
  TRY(store_init(a->store, root));
  TRY(ca_new(a->store, &a->ca));
  ca_set_url(a->ca, "https://hub.example:8443");
  return ca_ready(a->ca, &any);
}

static err_t issue_once(struct alone *a) {
  AUTO_CERT_INFO info = { 0 };
  AUTO_CERT_CHAIN chain = { 0 };
  struct ca_request rq = { .profile = CA_SERVER, .oid = "", .via = "bench" };
  TRY(cert_request_read(buf_bytes(&a->csr), &info));
  rq.key = info.public_key;
  rq.says.subject = info.is.subject;
  return ca_issue(a->ca, &rq, &chain);
}

static err_t write_once(struct alone *a) {
  static const uint8_t body[RECORD] = { 1 };
  char place[64];
  snprintf(place, sizeof place, "bench/%010u", a->written++);
  return store_commit(a->store, &(struct store_write){ place, bytes_of(body, sizeof body) }, 1);
}

static err_t time_all(struct alone *a, err_t (*once)(struct alone *), double *us) {
  double from = cpu_us();
  for (unsigned i = 0; i < ROUNDS; i++)
    TRY(once(a));
  *us = (cpu_us() - from) / ROUNDS;
  return OK;
}

static err_t add_raw(struct figure *f) {
  double sign, verify;
  TRY(raw_measure(RAW_P256_SIGN, &sign));
  TRY(raw_measure(RAW_P256_VERIFY, &verify));
  series_add(&f->base, sign + verify);
  return OK;
}

static err_t measure_alone(const struct bench *b) {
  AUTO_ALONE a = { 0 };
  struct figure f = {
    .name = "issue, beyond its durable write", .unit = "us", .judge = JUDGE_RATIO, .limit = LIMIT
  };
  struct figure write = { .name = "  the write", .unit = "us" };
  TRY(alone_open(b, &a));
  TRY(add_raw(&f));
  for (int i = 0; i < REPEATS; i++) {
    double issued, written;
    TRY(time_all(&a, write_once, &written));
    TRY(time_all(&a, issue_once, &issued));
    TRY(add_raw(&f));
    series_add(&f.value, issued - written);
    series_add(&write.value, written);
  }
  report(&f);
  report(&write);
  return OK;
}

static err_t measure_server(struct server *s, struct bytes request) {
  AUTO(load) struct load *l = NULL;
  const struct load_spec spec = { CONNECTIONS, request, 0, 201, "\"certificate\"" };
  struct load_result r;
  uint64_t before, after;
  TRY(load_open(s, CONNECTIONS, &l));
  TRY(load_run(l, &spec, WARM_S, &r));
  TRY(server_cpu_ns(s, &before));
  TRY(load_run(l, &spec, MEASURE_S, &r));
  TRY(server_cpu_ns(s, &after));
  report_value("a server's certificates", "/s", (double)r.count / r.seconds);
  report_value("  processor time of one", "us", (double)(after - before) / 1000 / (double)r.count);
  return OK;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  AUTO_BUF issue = BUF_EMPTY;
  report_title("Processor time of a certificate, against P-256 sign and verify alone");
  report_note("request read and checked, signed, recorded; the server: %d connections, audited",
              CONNECTIONS);
  TRY(measure_alone(b));
  TRY(server_start(b, "issue", &s));
  TRY(make_issue(&s, &issue));
  TRY(measure_server(&s, buf_bytes(&issue)));
  return server_stop(&s);
}

const struct bench_case case_issue = { "issue", "certificates of the hub's authority", run };
