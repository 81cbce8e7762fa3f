/*
 * Metrics in Prometheus' text form (version 0.0.4). What there is stands in a table; who has the
 * numbers writes them one by one, all of a metric behind each other, as the form asks. Any thread.
 */
#ifndef TRANSIT_PROXY_METRICS_H
#define TRANSIT_PROXY_METRICS_H

#include "base/bytes.h"

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8" /* Content-Type */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };
struct metric {
  const char *name;
  enum metric_type type;
  const char *help;
};
struct metric_label {
  const char *name;
  struct bytes value; /* UTF-8 */
};

struct metrics {
  struct buf *out;
  const struct metric *now; /* the one that was written last */
};
static inline struct metrics metrics_to(struct buf *out) {
  return (struct metrics){ .out = out };
}
/* A failure is the buf's. */
void metrics_put(struct metrics *m, const struct metric *what, const struct metric_label *labels,
                 size_t count, uint64_t value);

/* Those of the proxy: name, metric, type, help. */
#define PROXY_METRICS(X) \
  X(PROXY_CONNECTIONS, "connections_total", COUNTER, "Connections that were accepted.") \
  X(PROXY_OPEN, "connections", GAUGE, "Connections that are open.") \
  X(PROXY_REFUSED, "refused_total", COUNTER, "Connections that were refused, by reason.") \
  X(PROXY_HANDSHAKE_FAILURES, "handshake_failures_total", COUNTER, \
    "TLS handshakes that failed, by reason.") \
  X(PROXY_DIAL_FAILURES, "dial_failures_total", COUNTER, \
    "Connections for which no server could be reached.") \
  X(PROXY_BYTES, "bytes_total", COUNTER, "Bytes that were passed on, by direction.") \
  X(PROXY_ENDED, "ended_total", COUNTER, "Connections that have ended, by how.") \
  X(PROXY_LOG_LOST, "access_log_lost_total", COUNTER, \
    "Lines of the access log that were lost: it could not be written fast enough, or at all.") \
  X(PROXY_CERTIFICATE_END, "certificate_expiry_timestamp_seconds", GAUGE, \
    "When the certificate ends, in Unix time.") \
  X(PROXY_RENEWALS, "certificate_renewals_total", COUNTER, \
    "Certificates that were asked for and came.") \
  X(PROXY_RENEWAL_FAILURES, "certificate_renewal_failures", GAUGE, \
    "Failures since a certificate came last.") \
  X(PROXY_LISTS_END, "revocation_lists_expiry_timestamp_seconds", GAUGE, \
    "When the first of the revocation lists ends, in Unix time; from then on nobody is let in.")

enum {
#define X(name, metric, type, help) name,
  PROXY_METRICS(X)
#undef X
    PROXY_METRIC_COUNT
};
extern const struct metric proxy_metrics[PROXY_METRIC_COUNT];

#endif
