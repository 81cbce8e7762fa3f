#include "transit/proxy/metrics.h"

const struct metric proxy_metrics[PROXY_METRIC_COUNT] = {
#define X(name, metric, type, help) [name] = { "strongroom_proxy_" metric, METRIC_##type, help },
  PROXY_METRICS(X)
#undef X
};

static const char *const types[] = { [METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge" };

static void put_value(struct buf *b, struct bytes text) {
  for (size_t i = 0; i < text.size; i++) {
    char c = (char)text.data[i];
    if (c == '\n')
      buf_put_str(b, "\\n");
    else if (c == '\\' || c == '"')
      buf_printf(b, "\\%c", c);
    else
      buf_put_char(b, c);
  }
}

static void put_labels(struct buf *b, const struct metric_label *labels, size_t count) {
  for (size_t i = 0; i < count; i++) {
    buf_put_char(b, i ? ',' : '{');
    buf_put_str(b, labels[i].name);
    buf_put_str(b, "=\"");
    put_value(b, labels[i].value);
    buf_put_char(b, '"');
  }
  if (count)
    buf_put_char(b, '}');
}

void metrics_put(struct metrics *m, const struct metric *what, const struct metric_label *labels,
                 size_t count, uint64_t value) {
  if (m->now != what)
    buf_printf(m->out, "# HELP %s %s\n# TYPE %s %s\n", what->name, what->help, what->name,
               types[what->type]);
  m->now = what;
  buf_put_str(m->out, what->name);
  put_labels(m->out, labels, count);
  buf_put_char(m->out, ' ');
  buf_put_u64(m->out, value);
  buf_put_char(m->out, '\n');
}
