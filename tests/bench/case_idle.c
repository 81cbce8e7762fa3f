/* What connections cost that do nothing, and whether others are served meanwhile. */
#include "operation.h"

#include <sys/resource.h>
#include <unistd.h>

#define IDLE 10000
#define ACTIVE 8
#define SETTLE_US 3000000 /* until an idle connection has given its buffers back */
#define SPARE_FILES 200

static err_t allow_files(void) {
  struct rlimit l;
  if (getrlimit(RLIMIT_NOFILE, &l) != 0)
    FAIL(ERR_IO, "getrlimit failed");
  l.rlim_cur = l.rlim_max;
  if (l.rlim_max < IDLE + SPARE_FILES || setrlimit(RLIMIT_NOFILE, &l) != 0)
    FAIL(ERR_CONFIG, "needs %d open files, and %llu are allowed", IDLE + SPARE_FILES,
         (unsigned long long)l.rlim_max);
  return OK;
}

/* KiB a connection, since memory was *before. */
static err_t add_growth(struct server *s, uint64_t before, struct figure *f) {
  uint64_t after;
  usleep(SETTLE_US);
  TRY(server_rss_kib(s, &after));
  series_add(&f->value, ((double)after - (double)before) / IDLE);
  return OK;
}

static err_t measure_idle(struct server *s, const struct operation *o) {
  AUTO(load) struct load *idle = NULL, *active = NULL;
  struct figure silent = {
    .name = "memory a connection, never used", .unit = "KiB", .judge = JUDGE_VALUE, .limit = 60
  };
  struct figure used = {
    .name = "memory a connection, used once", .unit = "KiB", .judge = JUDGE_VALUE, .limit = 60
  };
  struct figure p50 = { .name = "A256KW unwrap meanwhile, median", .unit = "us" };
  struct figure p99 = { .name = "A256KW unwrap meanwhile, p99", .unit = "us" };
  struct load_spec all = operation_load(o, IDLE), some = operation_load(o, ACTIVE);
  struct load_result without, with, once;
  uint64_t before, from = now_ns();
  TRY(load_open(s, ACTIVE, &active));
  TRY(load_run(active, &some, 1, &without));
  TRY(server_rss_kib(s, &before));
  TRY(load_open(s, IDLE, &idle));
  double ramp_s = (double)(now_ns() - from) / 1e9;
  TRY(add_growth(s, before, &silent));
  TRY(load_run(idle, &all, 0, &once));
  TRY(add_growth(s, before, &used));
  TRY(load_run(active, &some, 1, &with));
  series_add(&p50.value, with.p50_us);
  series_add(&p50.base, without.p50_us);
  series_add(&p99.value, with.p99_us);
  series_add(&p99.base, without.p99_us);
  report_note("%d connections, open within %.1f s", IDLE, ramp_s);
  report(&silent);
  report(&used);
  report(&p50);
  report(&p99);
  return OK;
}

static err_t run(const struct bench *b) {
  AUTO_SERVER s = { 0 };
  AUTO_OPERATION o = { 0 };
  TRY(allow_files());
  TRY(server_start(b, "idle", &s));
  TRY(operation_unwrap(&s, &o));
  report_title("10,000 idle TLS connections");
  TRY(measure_idle(&s, &o));
  return server_stop(&s);
}

const struct bench_case case_idle = { "idle", "memory of 10,000 idle connections", run };
