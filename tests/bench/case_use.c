/* What using a key costs the server, beside what the operation alone costs OpenSSL; and what
 * reading a secret does. */
#include "operation.h"
#include "raw.h"

#define CONNECTIONS 64
#define REPEATS 5
#define WARM_S 0.3
#define MEASURE_S 1.0

struct subject {
  const char *name;
  err_t (*make)(struct server *s, struct operation *out);
  enum raw_op raw;
  enum judge judge;
  double limit;
};

static const struct subject subjects[] = {
  { "RSA-2048 sign (RS256)", operation_rs256, RAW_RSA_2048_SIGN, JUDGE_RATIO, 1.3 },
  { "P-256 sign (ES256)", operation_es256, RAW_P256_SIGN, JUDGE_DIFFERENCE, 25 },
  { "A256KW unwrap", operation_unwrap, RAW_A256KW_UNWRAP, JUDGE_VALUE, 25 },
  { "get a secret", operation_secret, RAW_NONE, JUDGE_VALUE, 25 },
};

static err_t measure_once(struct server *s, struct load *l, const struct load_spec *spec,
                          struct figure *f, struct series *rate) {
  struct load_result r;
  uint64_t before, after;
  TRY(load_run(l, spec, WARM_S, &r));
  TRY(server_cpu_ns(s, &before));
  TRY(load_run(l, spec, MEASURE_S, &r));
  TRY(server_cpu_ns(s, &after));
  series_add(&f->value, (double)(after - before) / 1000 / (double)r.count);
  series_add(rate, (double)r.count / r.seconds);
  return OK;
}

static err_t add_raw(enum raw_op op, struct figure *f) {
  double us;
  if (op == RAW_NONE)
    return OK;
  TRY(raw_measure(op, &us));
  series_add(&f->base, us);
  return OK;
}

static err_t measure(struct server *s, const struct subject *subject) {
  AUTO(load) struct load *l = NULL;
  AUTO_OPERATION o = { 0 };
  struct figure f = {
    .name = subject->name, .unit = "us", .judge = subject->judge, .limit = subject->limit
  };
  struct figure rate = { .name = "  and so many a second", .unit = "/s" };
  TRY(subject->make(s, &o));
  TRY(load_open(s, CONNECTIONS, &l));
  struct load_spec spec = operation_load(&o, CONNECTIONS);
  TRY(add_raw(subject->raw, &f));
  for (int i = 0; i < REPEATS; i++) {
    TRY(measure_once(s, l, &spec, &f, &rate.value));
    TRY(add_raw(subject->raw, &f));
  }
  report(&f);
  report(&rate);
  return OK;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  TRY(server_start(b, "use", &s));
  report_title("Processor time of the server an operation, against OpenSSL alone");
  report_note("%d kept TLS connections, each request audited before its answer", CONNECTIONS);
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
    TRY(measure(&s, &subjects[i]));
  return server_stop(&s);
}

const struct bench_case case_use = { "use", "sign, unwrap and get a secret, processor time", run };
