/*
 * Pages of a listing. The skip token is base64url of {"NextMarker":"<last
 * name>","TargetLocation":0}: it names where the next page begins and not a position, so that pages
 * neither repeat nor miss what was there all the time.
 */
#include "base/write.h"
#include "vault/api/api.h"

#include <strings.h>

static err_t read_token(const char *token, char marker[static OBJECT_NAME_MAX + 1]) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_JSON *j = NULL;
  struct bytes next = { 0 };
  bool found = false;
  if (buf_put_b64url_decoded(&text, bytes_str(token)) != OK ||
      json_read(buf_bytes(&text), &j) != OK || json_get_str(j, "NextMarker", &next, &found) != OK ||
      !found || bytes_to_cstr(next, marker, OBJECT_NAME_MAX + 1) != OK || !object_name_valid(next))
    REFUSE(ERR_BAD_PARAMETER,
           "The $skiptoken is not one of this service: follow nextLink as it is.");
  return OK;
}

err_t page_read(struct call *c, struct page *out) {
  struct bytes query = c->x->req.query;
  char text[512];
  bool found;
  *out = (struct page){ .max = PAGE_MAX };
  TRY(http_query_get(query, "maxresults", text, sizeof text, &out->given));
  if (out->given && (bytes_to_u64(bytes_str(text), PAGE_MAX, &out->max) != OK || out->max == 0))
    REFUSE(ERR_BAD_PARAMETER, "maxresults must be a whole number from 1 to %d.", PAGE_MAX);
  TRY(http_query_get(query, "includePending", text, sizeof text, &found));
  out->pending = found && strcasecmp(text, "true") == 0;
  TRY(http_query_get(query, "$skiptoken", text, sizeof text, &found));
  return found ? read_token(text, out->marker) : OK;
}

void page_write_next(struct call *c, const struct page *p, const char *last) {
  struct buf *b = call_body(c);
  AUTO_BUF token = BUF_EMPTY;
  if (!last) {
    write_null(b, "nextLink");
    return;
  }
  write_open(&token, NULL, '{');
  write_str(&token, "NextMarker", last);
  write_i64(&token, "TargetLocation", 0);
  write_close(&token, '}');
  struct bytes host = call_host(c);
  bool has_port = memchr(host.data, ':', host.size) != NULL;
  write_open(b, "nextLink", '"');
  buf_put_str(b, "https://");
  buf_put_bytes(b, host);
  buf_put_str(b, has_port ? "" : ":443");
  buf_put_bytes(b, c->x->req.path);
  buf_put_str(b, "?api-version=");
  buf_put_str(b, c->api_version);
  buf_put_str(b, "&$skiptoken=");
  buf_put_b64url(b, buf_bytes(&token));
  if (p->given) {
    buf_put_str(b, "&maxresults=");
    buf_put_u64(b, p->max);
  }
  if (p->pending)
    buf_put_str(b, "&includePending=true");
  buf_put_char(b, '"');
  b->failed = b->failed || token.failed;
}
