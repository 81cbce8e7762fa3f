#include "net/message.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <time.h>

static const char *const methods[HTTP_METHOD_COUNT] = {
  [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",       [HTTP_PUT] = "PUT",
  [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
};

const char *http_method_name(enum http_method m) {
  return methods[m];
}

struct bytes http_header(const struct http_request *r, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; i < r->header_count; i++)
    if (r->headers[i].name.size == n && bytes_equal_nocase(r->headers[i].name, name))
      return r->headers[i].value;
  return (struct bytes){ 0 };
}

static bool one_line(struct bytes b) {
  for (size_t i = 0; i < b.size; i++)
    if (b.data[i] == '\r' || b.data[i] == '\n' || b.data[i] == '\0')
      return false;
  return true;
}

void http_response_header(struct http_response *r, const char *name, struct bytes value) {
  if (!one_line(bytes_str(name)) || !one_line(value)) {
    log_error("net", "dropped a response header with a line break in it");
    return;
  }
  if (bytes_equal_nocase(bytes_str("Content-Length"), name)) {
    r->has_length = bytes_to_u64(value, INT64_MAX, &r->length) == OK;
    return;
  }
  buf_put_str(&r->headers, name);
  buf_put(&r->headers, ": ", 2);
  buf_put_bytes(&r->headers, value);
  buf_put(&r->headers, "\r\n", 2);
}

bool http_bodyless(int status) {
  return status < 200 || status == 204 || status == 304;
}

static const struct {
  int status;
  const char *text;
} reasons[] = {
  { 200, "OK" },
  { 201, "Created" },
  { 202, "Accepted" },
  { 204, "No Content" },
  { 206, "Partial Content" },
  { 304, "Not Modified" },
  { 400, "Bad Request" },
  { 401, "Unauthorized" },
  { 403, "Forbidden" },
  { 404, "Not Found" },
  { 405, "Method Not Allowed" },
  { 408, "Request Timeout" },
  { 409, "Conflict" },
  { 411, "Length Required" },
  { 412, "Precondition Failed" },
  { 413, "Content Too Large" },
  { 416, "Range Not Satisfiable" },
  { 417, "Expectation Failed" },
  { 429, "Too Many Requests" },
  { 431, "Request Header Fields Too Large" },
  { 500, "Internal Server Error" },
  { 501, "Not Implemented" },
  { 503, "Service Unavailable" },
  { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status) {
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (reasons[i].status == status)
      return reasons[i].text;
  return "";
}

/* The Date header's line (RFC 9110, 5.6.7), made once a second and thread. */
static const char *date_line(void) {
  static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
  static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  static _Thread_local char line[64];
  static _Thread_local time_t made;
  time_t now = (time_t)clock_now();
  if (now == made)
    return line;
  struct tm t;
  gmtime_r(&now, &t);
  snprintf(line, sizeof line, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[t.tm_wday],
           t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  made = now;
  return line;
}

void http_put_head(struct buf *out, const struct http_response *r, enum http_framing framing,
                   uint64_t length, bool close) {
  buf_put_str(out, "HTTP/1.1 ");
  buf_put_u64(out, (uint64_t)r->status);
  buf_put_char(out, ' ');
  buf_put_str(out, reason_of(r->status));
  buf_put_str(out, "\r\n");
  buf_put_str(out, date_line());
  if (framing == HTTP_BODY_LENGTH) {
    buf_put_str(out, "Content-Length: ");
    buf_put_u64(out, length);
    buf_put_str(out, "\r\n");
  } else if (framing == HTTP_BODY_CHUNKED) {
    buf_put_str(out, "Transfer-Encoding: chunked\r\n");
  }
  if (close)
    buf_put_str(out, "Connection: close\r\n");
  buf_put_bytes(out, buf_bytes(&r->headers));
  buf_put_str(out, "\r\n");
}
