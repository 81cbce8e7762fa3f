/*
 * What a certificate of the hub's authority costs the server: beside the two operations that it
 * can't do without, the check of the request's signature and the signature of the certificate, and
 * a durable write, which is measured as that of a secret.
 */
#include "crypto/x509.h"
#include "operation.h"
#include "raw.h"

#include "base/write.h"
#include "crypto/cert.h"

#define CONNECTIONS 64
#define REPEATS 5
#define WARM_S 0.3
#define MEASURE_S 1.0
#define LIMIT 3

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

#define SECRET "/secrets/n-"

static err_t make_write(struct server *s, struct buf *request, size_t *number_at) {
  TRY(server_operation(s, "PUT", SECRET "0000000000", "{\"value\":\"correct horse\"}", request));
  const uint8_t *at = memmem(request->data, request->size, SECRET, sizeof SECRET - 1);
  if (!at)
    FAIL(ERR_INTERNAL, "the request has no name");
  *number_at = (size_t)(at - request->data) + sizeof SECRET - 1;
  return OK;
}

/* Microseconds of the server's processor time a request. */
static err_t cost(struct server *s, struct load *l, const struct load_spec *spec, double *us,
                  double *rate) {
  struct load_result r;
  uint64_t before, after;
  TRY(load_run(l, spec, WARM_S, &r));
  TRY(server_cpu_ns(s, &before));
  TRY(load_run(l, spec, MEASURE_S, &r));
  TRY(server_cpu_ns(s, &after));
  *us = (double)(after - before) / 1000 / (double)r.count;
  *rate = (double)r.count / r.seconds;
  return OK;
}

static err_t add_raw(struct figure *f) {
  double sign, verify;
  TRY(raw_measure(RAW_P256_SIGN, &sign));
  TRY(raw_measure(RAW_P256_VERIFY, &verify));
  series_add(&f->base, sign + verify);
  return OK;
}

static err_t measure(struct server *s, const struct load_spec *issue, const struct load_spec *put) {
  AUTO(load) struct load *l = NULL;
  struct figure f = {
    .name = "issue, beyond a durable write", .unit = "us", .judge = JUDGE_RATIO, .limit = LIMIT
  };
  struct figure whole = { .name = "  with it", .unit = "us" },
                write = { .name = "  the write: set a secret", .unit = "us" },
                rates = { .name = "  and so many a second", .unit = "/s" };
  TRY(load_open(s, CONNECTIONS, &l));
  TRY(add_raw(&f));
  for (int i = 0; i < REPEATS; i++) {
    double issued, written, rate, unused;
    TRY(cost(s, l, issue, &issued, &rate));
    TRY(cost(s, l, put, &written, &unused));
    TRY(add_raw(&f));
    series_add(&f.value, issued - written);
    series_add(&whole.value, issued);
    series_add(&write.value, written);
    series_add(&rates.value, rate);
  }
  report(&f);
  report(&whole);
  report(&write);
  report(&rates);
  return OK;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  AUTO_BUF issue = BUF_EMPTY, put = BUF_EMPTY;
  size_t number_at;
  TRY(server_start(b, "issue", &s));
  report_title("Processor time of a certificate, against P-256 sign and verify alone");
  report_note("%d kept TLS connections, audited, recorded before it is handed out", CONNECTIONS);
  TRY(make_issue(&s, &issue));
  TRY(make_write(&s, &put, &number_at));
  TRY(measure(&s, &(struct load_spec){ CONNECTIONS, buf_bytes(&issue), 0, 201, "\"certificate\"" },
              &(struct load_spec){ CONNECTIONS, buf_bytes(&put), number_at, 200, "\"id\"" }));
  return server_stop(&s);
}

const struct bench_case case_issue = { "issue", "certificates of the hub's authority", run };
