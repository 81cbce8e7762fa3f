#include "transit/proxy/access_log.h"

#include "base/clock.h"
#include "base/write.h"

static void put_text(struct buf *out, const char *key, struct bytes text) {
  if (text.size > ACCESS_LOG_TEXT_MAX)
    text.size = ACCESS_LOG_TEXT_MAX;
  write_text(out, key, text);
}

static void put_texts(struct buf *out, const struct proxy_ended *e) {
  const struct {
    const char *key, *text;
  } texts[] = {
    { "service", e->service }, { "from", e->from },       { "identity", e->identity },
    { "sni", e->sni },         { "tls", e->tls_version }, { "cipher", e->cipher },
    { "backend", e->backend }, { "why", e->why },
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    put_text(out, texts[i].key, bytes_str(texts[i].text ? texts[i].text : ""));
  put_text(out, "alpn", e->alpn);
}

void access_log_put(struct buf *out, const struct proxy_ended *e) {
  AUTO_BUF line = BUF_EMPTY;
  char time[28];
  clock_format(e->start_us, time);
  write_open(&line, NULL, '{');
  write_str(&line, "time", time);
  write_str(&line, "end", proxy_end_name(e->end));
  if (e->end == PROXY_END_HANDSHAKE)
    write_str(&line, "failure", tls_failure_name(e->failure));
  put_texts(&line, e);
  write_i64(&line, "received", (int64_t)e->received);
  write_i64(&line, "sent", (int64_t)e->sent);
  write_i64(&line, "duration_ms", (int64_t)(e->duration_us / 1000));
  write_close(&line, '}');
  buf_put_char(&line, '\n');
  out->failed |= line.failed;
  buf_put_bytes(out, buf_bytes(&line));
}
