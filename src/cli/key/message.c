#include "cli/key/message.h"

#define GCM_IV_SIZE 12
#define GCM_TAG_SIZE 16

bool message_needs_iv(const char *alg) {
  return strstr(alg, "CBC") != NULL;
}

err_t message_split(const char *alg, struct bytes message, struct use_fields *out) {
  bool gcm = strstr(alg, "GCM") != NULL;
  size_t iv = gcm ? GCM_IV_SIZE : message_needs_iv(alg) ? CBC_IV_SIZE : 0;
  size_t tag = gcm ? GCM_TAG_SIZE : 0;
  if (message.size < iv + tag)
    FAIL(ERR_USAGE, "this is too short for data that was encrypted with %s", alg);
  out->iv = bytes_of(message.data, iv);
  out->value = bytes_of(message.data + iv, message.size - iv - tag);
  out->tag = bytes_of(message.data + message.size - tag, tag);
  return OK;
}

err_t message_join(json_t *answer, struct bytes sent_iv, struct buf *out) {
  AUTO_BUF iv = BUF_EMPTY;
  TRY(json_get_b64url(answer, "iv", &iv, NULL));
  TRY(buf_ok(&iv));
  buf_put_bytes(out, iv.size ? buf_bytes(&iv) : sent_iv);
  TRY(json_get_b64url(answer, "value", out, NULL));
  return json_get_b64url(answer, "tag", out, NULL);
}
