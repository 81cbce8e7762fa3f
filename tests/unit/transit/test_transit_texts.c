/* What is written of the proxy: metrics and the lines of ended connections. */
#include "../asserts.h"

#include "base/json.h"
#include "transit/proxy/access_log.h"
#include "transit/proxy/metrics.h"

static void metrics_are_written(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  struct metrics m = metrics_to(&out);
  const struct metric_label db[] = { { "service", str("db") }, { "direction", str("in") } };
  const struct metric_label odd[] = { { "service", str("a\"b\\c\nd\xc3\xa4") } };
  metrics_put(&m, &proxy_metrics[PROXY_BYTES], db, 2, 5);
  metrics_put(&m, &proxy_metrics[PROXY_BYTES], odd, 1, UINT64_MAX);
  metrics_put(&m, &proxy_metrics[PROXY_OPEN], NULL, 0, 0);
  assert_ok(buf_ok(&out));
  assert_text(buf_bytes(&out),
              "# HELP strongroom_proxy_bytes_total Bytes that were passed on, by direction.\n"
              "# TYPE strongroom_proxy_bytes_total counter\n"
              "strongroom_proxy_bytes_total{service=\"db\",direction=\"in\"} 5\n"
              "strongroom_proxy_bytes_total{service=\"a\\\"b\\\\c\\nd\xc3\xa4\"} "
              "18446744073709551615\n"
              "# HELP strongroom_proxy_connections Connections that are open.\n"
              "# TYPE strongroom_proxy_connections gauge\n"
              "strongroom_proxy_connections 0\n");
}

static bool plain_name(const char *s) {
  return s[strspn(s, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

/* As the form asks: names, help of one line; and counters end as Prometheus wants them to. */
static void the_table_is_sound(void **state) {
  for (size_t i = 0; i < PROXY_METRIC_COUNT; i++) {
    const struct metric *m = &proxy_metrics[i];
    size_t n = strlen(m->name);
    assert_true(plain_name(m->name));
    assert_null(strpbrk(m->help, "\\\n"));
    assert_int_equal(strcmp(m->name + n - 6, "_total") == 0, m->type == METRIC_COUNTER);
    for (size_t j = 0; j < i; j++)
      assert_string_not_equal(m->name, proxy_metrics[j].name);
  }
}

static void lines_are_written(void **state) {
  AUTO_BUF out = BUF_EMPTY;
  const struct proxy_ended e = {
    .start_us = 1700000000123456,
    .duration_us = 2500999,
    .service = "db",
    .from = "192.0.2.1:50000",
    .identity = "spiffe://example/app",
    .sni = "db.example",
    .alpn = str("postgresql"),
    .backend = "/run/postgresql/.s.PGSQL.5432",
    .tls_version = "TLSv1.3",
    .cipher = "TLS_AES_256_GCM_SHA384",
    .received = 12,
    .sent = 345,
    .end = PROXY_END_DONE,
  };
  const struct proxy_ended refused = { .end = PROXY_END_HANDSHAKE,
                                       .failure = TLS_FAILURE_REVOKED,
                                       .why = "it is" };
  access_log_put(&out, &e);
  access_log_put(&out, &refused);
  assert_ok(buf_ok(&out));
  assert_text(
    buf_bytes(&out),
    "{\"time\":\"2023-11-14T22:13:20.123456Z\",\"end\":\"done\",\"service\":\"db\","
    "\"from\":\"192.0.2.1:50000\",\"identity\":\"spiffe://example/app\",\"sni\":\"db.example\","
    "\"tls\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\","
    "\"backend\":\"/run/postgresql/.s.PGSQL.5432\",\"why\":\"\",\"alpn\":\"postgresql\","
    "\"received\":12,\"sent\":345,\"duration_ms\":2500}\n"
    "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"end\":\"handshake\",\"failure\":\"revoked\","
    "\"service\":\"\",\"from\":\"\",\"identity\":\"\",\"sni\":\"\",\"tls\":\"\",\"cipher\":\"\","
    "\"backend\":\"\",\"why\":\"it is\",\"alpn\":\"\","
    "\"received\":0,\"sent\":0,\"duration_ms\":0}\n");
}

/* Whatever bytes a peer sends as a name: one line, of JSON, without a control character. */
static void peers_write_nothing_else(void **state) {
  char odd[2 * ACCESS_LOG_TEXT_MAX + 1] = "";
  for (size_t i = 0; i < sizeof odd - 1; i++)
    odd[i] = (char)(i * 37 % 255 + 1);
  for (size_t from = 0; from < 300; from++) {
    AUTO_BUF out = BUF_EMPTY;
    AUTO_JSON *line = NULL;
    const char *text = odd + from;
    access_log_put(&out, &(struct proxy_ended){ .sni = text, .alpn = str(text), .identity = text });
    assert_ok(buf_ok(&out));
    assert_ok(json_read(bytes_of(out.data, out.size - 1), &line));
    assert_true(out.size < 3 * 6 * ACCESS_LOG_TEXT_MAX + 512);
    for (size_t i = 0; i < out.size - 1; i++) {
      assert_true(out.data[i] >= 0x20 && out.data[i] != 0x7f);
      assert_false(out.data[i] == 0xc2 && out.data[i + 1] < 0xa0);
    }
    assert_int_equal(out.data[out.size - 1], '\n');
  }
}

static void texts_are_cut(void **state) {
  AUTO_BUF out = BUF_EMPTY, long_text = BUF_EMPTY;
  for (size_t i = 0; i < ACCESS_LOG_TEXT_MAX + 1; i++)
    buf_put_char(&long_text, 'x');
  access_log_put(&out, &(struct proxy_ended){ .sni = "" });
  size_t bare = out.size;
  buf_clear(&out);
  access_log_put(&out, &(struct proxy_ended){ .sni = buf_cstr(&long_text) });
  assert_int_equal(out.size, bare + ACCESS_LOG_TEXT_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(metrics_are_written), cmocka_unit_test(the_table_is_sound),
    cmocka_unit_test(lines_are_written),   cmocka_unit_test(peers_write_nothing_else),
    cmocka_unit_test(texts_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
