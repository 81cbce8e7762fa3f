/* Each allocation of the proxy's parsers and writers fails once: they say so, and leak nothing (the
 * sanitizer build looks for leaks). */
#include "../asserts.h"
#include "talk.h"

#include "fault/oom.h"
#include "transit/proxy/access_log.h"
#include "transit/proxy/admin.h"
#include "transit/proxy/metrics.h"
#include "transit/proxy/pp2.h"

#define BYTES(literal) bytes_of(literal, sizeof literal - 1)

static void fail_each(err_t (*work)(void)) {
  unsigned long n = 1;
  for (;; n++) {
    oom_start(n, OOM_ONE);
    err_t e = work();
    if (!oom_stop()) {
      assert_ok(e);
      break;
    }
    assert_err(e, ERR_NOMEM);
  }
  assert_true(n > 1);
}

static err_t refuse_postgres(void) {
  AUTO_TALK t = { 0 };
  TRY(front_new(front_find("postgres"), FRONT_SERVER, &t.f));
  TRY(talk_say(&t, CLIENT, BYTES("\0\0\0\x08\0\3\0\0"), SIZE_MAX));
  return front_state(t.f) == FRONT_REFUSED && t.sent[CLIENT].size ? OK : ERR_INTERNAL;
}

static err_t ask_postgres(void) {
  AUTO_TALK t = { 0 };
  TRY(front_new(front_find("postgres"), FRONT_CLIENT, &t.f));
  TRY(talk_say(&t, CLIENT, BYTES("\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x08\0\3\0\0"), SIZE_MAX));
  TRY(front_refuse(t.f, "away", &t.sent[CLIENT]));
  return t.sent[CLIENT].size > 1 && t.sent[SERVER].size == 8 ? OK : ERR_INTERNAL;
}

static err_t refuse_mysql(void) {
  AUTO_TALK t = { 0 };
  TRY(front_new(front_find("mysql"), FRONT_CLIENT, &t.f));
  TRY(talk_say(&t, SERVER,
               BYTES("\x12\0\0\0\x0a"
                     "8\0"
                     "1234saltsalt\0\xff\xf7"),
               SIZE_MAX));
  return front_state(t.f) == FRONT_REFUSED && t.sent[CLIENT].size ? OK : ERR_INTERNAL;
}

static err_t write_pp2(void) {
  AUTO_BUF out = BUF_EMPTY;
  struct pp2 p = { .tls_version = str("TLSv1.3"), .common_name = str("app") };
  return pp2_write(&p, &out);
}

static err_t write_line(void) {
  AUTO_BUF out = BUF_EMPTY;
  access_log_put(&out, &(struct proxy_ended){ .sni = "db.example" });
  return buf_ok(&out);
}

static void put_metrics(void *ctx, struct buf *out) {
  struct metrics m = metrics_to(out);
  for (size_t i = 0; i < PROXY_METRIC_COUNT; i++)
    metrics_put(&m, &proxy_metrics[i], NULL, 0, i);
}

static err_t answer_admin(void) {
  const struct admin a = { .metrics = put_metrics };
  AUTO_BUF out = BUF_EMPTY;
  return admin_answer(&a, str("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"), &out);
}

static void memory_runs_out(void **state) {
  err_t (*const works[])(void) = {
    refuse_postgres, ask_postgres, refuse_mysql, write_pp2, write_line, answer_admin,
  };
  for (size_t i = 0; i < sizeof works / sizeof *works; i++)
    fail_each(works[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(memory_runs_out) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
