/* What a running proxy says of itself: metrics, whether it is ready, its status. */
#include "base/clock.h"
#include "base/write.h"
#include "cli/proxy/running.h"
#include "cli/when.h"
#include "transit/proxy/metrics.h"

/* --- in words --- */

static void put_list(struct buf *out, const char *const *items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    buf_put_str(out, i ? ", " : "");
    buf_put_str(out, items[i]);
  }
}

/* Port 0 is shown as the one that was found. */
static void put_listener(struct buf *out, const struct running *r, size_t i) {
  const struct proxy_options *o = &r->config->proxy;
  const char *text = i < o->listen_count ? o->listen[i] : "", *colon = strrchr(text, ':');
  unsigned port = proxy_port(r->proxy, i);
  if (i >= o->listen_count)
    buf_printf(out, port ? "an inherited socket, port %u" : "an inherited socket", port);
  else if (colon && strcmp(colon, ":0") == 0)
    buf_printf(out, "%.*s:%u", (int)(colon - text), text, port);
  else
    buf_put_str(out, text);
}

static size_t listeners(const struct running *r) {
  return r->config->proxy.listen_count + r->config->proxy.inherited_count;
}

static void put_route(struct buf *out, const struct proxy_route *route) {
  if (*route->name)
    buf_printf(out, "%s=", route->name);
  put_list(out, route->backends, route->backend_count);
}

const char *running_ktls(const struct running *r) {
  bool wanted = strcmp(conf_str(r->config->conf, "ktls"), "auto") == 0;
  return r->kernel ? "on" : wanted ? "absent" : "off";
}

void running_describe(struct running *r, struct buf *out) {
  const struct proxy_config *c = r->config;
  bool server = c->proxy.mode == PROXY_SERVER;
  struct enrol_status s;
  char until[WHEN_SIZE];
  for (size_t i = 0; i < listeners(r); i++) {
    buf_put_str(out, i ? ", " : "");
    put_listener(out, r, i);
  }
  buf_put_str(out, server ? " (TLS) to " : " (plain) to ");
  for (size_t i = 0; i < c->proxy.route_count; i++) {
    buf_put_str(out, i ? ", " : "");
    put_route(out, &c->routes[i]);
  }
  enrol_status(r->enrol, &s);
  when_format(s.not_after, until);
  buf_put_str(out, server ? " (plain), as " : " (TLS), as ");
  put_list(out, c->enrol.names, c->enrol.name_count);
  buf_printf(out, " until %s, kernel TLS: %s", until, running_ktls(r));
}

/* --- /readyz --- */

static bool ready(void *ctx, struct buf *why) {
  struct running *r = ctx;
  struct enrol_status s;
  enrol_status(r->enrol, &s);
  int64_t now = clock_now();
  const char *trouble = r->draining          ? "it is stopping"
                        : s.not_after <= now ? "its certificate has ended"
                        : r->config->enrol.lists && s.lists_until <= now
                          ? "revocation lists have ended"
                          : "";
  buf_put_str(why, trouble);
  if (*trouble && *s.trouble)
    buf_printf(why, ": %s", s.trouble);
  return !*trouble;
}

/* --- /metrics --- */

struct labelled {
  const char *value;
  uint64_t count;
};

static void put_labelled(struct metrics *m, int which, const char *label,
                         const struct labelled *all, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const struct metric_label l = { label, bytes_str(all[i].value) };
    metrics_put(m, &proxy_metrics[which], &l, 1, all[i].count);
  }
}

static void put_number(struct metrics *m, int which, uint64_t value) {
  metrics_put(m, &proxy_metrics[which], NULL, 0, value);
}

static void put_refusals(struct metrics *m, const struct proxy_stats *s) {
  const struct labelled refused[] = {
    { "full", s->refused_full },
    { "source", s->refused_source },
    { "rate", s->refused_rate },
    { "denied", s->ends[PROXY_END_DENIED] },
  };
  struct labelled failures[TLS_FAILURE_COUNT], ends[PROXY_END_COUNT];
  put_labelled(m, PROXY_REFUSED, "reason", refused, sizeof refused / sizeof *refused);
  for (unsigned i = 0; i < TLS_FAILURE_COUNT; i++)
    failures[i] = (struct labelled){ tls_failure_name((enum tls_failure)i), s->failures[i] };
  put_labelled(m, PROXY_HANDSHAKE_FAILURES, "reason", failures + 1, TLS_FAILURE_COUNT - 1);
  for (unsigned i = 0; i < PROXY_END_COUNT; i++)
    ends[i] = (struct labelled){ proxy_end_name((enum proxy_end)i), s->ends[i] };
  put_labelled(m, PROXY_ENDED, "end", ends, PROXY_END_COUNT);
}

static void metrics(void *ctx, struct buf *out) {
  struct running *r = ctx;
  struct metrics m = metrics_to(out);
  struct proxy_stats s;
  struct enrol_status e;
  proxy_stats(r->proxy, &s);
  enrol_status(r->enrol, &e);
  const struct labelled bytes[] = { { "received", s.received }, { "sent", s.sent } };
  put_number(&m, PROXY_CONNECTIONS, s.accepted);
  put_number(&m, PROXY_OPEN, s.open);
  put_refusals(&m, &s);
  put_number(&m, PROXY_DIAL_FAILURES, s.ends[PROXY_END_DIAL]);
  put_labelled(&m, PROXY_BYTES, "direction", bytes, 2);
  put_number(&m, PROXY_LOG_LOST, r->log ? access_writer_lost(r->log) : 0);
  put_number(&m, PROXY_CERTIFICATE_END, (uint64_t)e.not_after);
  put_number(&m, PROXY_RENEWALS, e.renewals);
  put_number(&m, PROXY_RENEWAL_FAILURES, e.failures);
  if (r->config->enrol.lists)
    put_number(&m, PROXY_LISTS_END, (uint64_t)e.lists_until);
}

/* --- /status --- */

static void write_buf(struct buf *out, struct buf *text) {
  out->failed |= text->failed;
  write_text(out, NULL, buf_bytes(text));
  buf_clear(text);
}

static void write_places(struct buf *out, const struct running *r) {
  AUTO_BUF text = BUF_EMPTY;
  write_open(out, "listen", '[');
  for (size_t i = 0; i < listeners(r); i++) {
    put_listener(&text, r, i);
    write_buf(out, &text);
  }
  write_close(out, ']');
  write_open(out, "to", '[');
  for (size_t i = 0; i < r->config->proxy.route_count; i++) {
    put_route(&text, &r->config->routes[i]);
    write_buf(out, &text);
  }
  write_close(out, ']');
}

static void write_connections(struct buf *out, const struct proxy_stats *s) {
  uint64_t failed = 0;
  for (unsigned i = 0; i < TLS_FAILURE_COUNT; i++)
    failed += s->failures[i];
  write_open(out, "connections", '{');
  write_i64(out, "open", (int64_t)s->open);
  write_i64(out, "accepted", (int64_t)s->accepted);
  write_i64(out, "kernelTls", (int64_t)s->kernel);
  write_i64(out, "refused", (int64_t)(s->refused_full + s->refused_source + s->refused_rate));
  write_i64(out, "failedHandshakes", (int64_t)failed);
  write_close(out, '}');
}

static void write_certificate(struct buf *out, const struct running *r,
                              const struct enrol_status *s) {
  write_open(out, "certificate", '{');
  write_open(out, "names", '[');
  for (size_t i = 0; i < r->config->enrol.name_count; i++)
    write_text(out, NULL, bytes_str(r->config->enrol.names[i]));
  write_close(out, ']');
  write_i64(out, "notAfter", s->not_after);
  write_i64(out, "renewAt", s->renew_at);
  write_i64(out, "renewals", (int64_t)s->renewals);
  write_i64(out, "failures", (int64_t)s->failures);
  if (r->config->enrol.lists)
    write_i64(out, "listsUntil", s->lists_until);
  write_close(out, '}');
}

static void status(void *ctx, struct buf *out) {
  struct running *r = ctx;
  AUTO_BUF why = BUF_EMPTY;
  struct proxy_stats s;
  struct enrol_status e;
  proxy_stats(r->proxy, &s);
  enrol_status(r->enrol, &e);
  bool is_ready = ready(r, &why);
  out->failed |= why.failed;
  write_open(out, NULL, '{');
  write_text(out, "service", bytes_str(r->config->service));
  write_str(out, "mode", r->config->proxy.mode == PROXY_SERVER ? "server" : "client");
  write_places(out, r);
  write_bool(out, "ready", is_ready);
  write_text(out, "trouble", why.size ? buf_bytes(&why) : bytes_str(e.trouble));
  write_connections(out, &s);
  write_str(out, "ktls", running_ktls(r));
  write_certificate(out, r, &e);
  write_close(out, '}');
}

const struct admin running_admin = { .metrics = metrics, .ready = ready, .status = status };
