#include "client/use.h"

#include "client/field.h"
#include "client/internal.h"

err_t client_get_secret(struct client *c, const char *name, const char *version,
                        struct secret *out) {
  AUTO_BUF path = client_path("secrets", name, version, NULL);
  AUTO_HTTP_REPLY reply = { 0 };
  const struct client_request rq = { .method = HTTP_GET, .path = &path, .repeatable = true };
  TRY(client_ask(c, &rq, &reply));
  return field_secret(buf_bytes(&reply.body), "value", out);
}
