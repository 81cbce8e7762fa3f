/* A request to the proxy's admin page: an answer that is complete, or nothing yet. */
#include "transit/proxy/admin.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_metrics(void *ctx, struct buf *out) {
  buf_put_str(out, "up 1\n");
}

static bool ready(void *ctx, struct buf *why) {
  buf_put_str(why, "not yet");
  return *(bool *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bool can_serve = size % 2;
  const struct admin a = {
    .metrics = put_metrics, .ready = ready, .status = put_metrics, .ctx = &can_serve
  };
  AUTO_BUF out = BUF_EMPTY;
  if (admin_answer(&a, bytes_of(data, size), &out) != OK)
    abort();
  if (out.size == 0 && size > ADMIN_REQUEST_MAX)
    abort();
  if (out.size &&
      (!bytes_starts(buf_bytes(&out), "HTTP/1.1 ") || !strstr(buf_cstr(&out), "\r\n\r\n")))
    abort();
  return 0;
}
