#include "transit/proxy/access_log.h"

#include "base/clock.h"
#include "base/write.h"

static void put_text(struct buf *out, const char *key, struct bytes text) {
  if (text.size > ACCESS_LOG_TEXT_MAX)
    text.size = ACCESS_LOG_TEXT_MAX;
  write_text(out, key, text);
}

void access_log_put(struct buf *out, const struct proxy_ended *e) {
  const struct {
    const char *key;
    struct bytes text;
  } texts[] = {
    { "service", e->service }, { "peer", e->peer }, { "identity", e->identity },
    { "sni", e->sni },         { "alpn", e->alpn }, { "tls", e->tls },
    { "backend", e->backend }, { "end", e->end },   { "why", e->why },
  };
  AUTO_BUF line = BUF_EMPTY;
  char time[28];
  clock_format(e->began_us, time);
  write_open(&line, NULL, '{');
  write_str(&line, "time", time);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    put_text(&line, texts[i].key, texts[i].text);
  write_i64(&line, "bytes_in", (int64_t)e->bytes_in);
  write_i64(&line, "bytes_out", (int64_t)e->bytes_out);
  write_i64(&line, "duration_ms", (int64_t)(e->lasted_us / 1000));
  write_close(&line, '}');
  buf_put_char(&line, '\n');
  out->failed |= line.failed;
  buf_put_bytes(out, buf_bytes(&line));
}
