#include "base/clock.h"
#include "base/pack.h"
#include "base/write.h"
#include "vault/audit_file.h"

#define TEXT_MAX 256

/* The first byte of what is sealed. */
enum form { FORM_EVENT = 1, FORM_GAP = 2 };

/* FORM_EVENT: time, duration, status, the object and nine texts with their lengths. */
_Static_assert(1 + 8 + 4 + 4 + 4 + AUDIT_OBJECT_MAX + 9 * (4 + TEXT_MAX) <= AUDIT_EVENT_MAX,
               "room");

static void put_cut(struct buf *out, struct bytes v, size_t max) {
  if (v.size > max)
    v.size = max;
  pack_bytes(out, v);
}

static void put_cstr(struct buf *out, const char *s) {
  pack_bytes(out, bytes_of(s, s ? strnlen(s, TEXT_MAX) : 0));
}

void audit_event_put(const struct audit_event *e, struct buf *out) {
  pack_u8(out, FORM_EVENT);
  pack_i64(out, e->time_us);
  pack_u32(out, e->duration_us);
  pack_u32(out, (uint32_t)e->status);
  put_cut(out, e->object, AUDIT_OBJECT_MAX);
  put_cstr(out, e->operation);
  put_cstr(out, e->code);
  put_cut(out, e->host, TEXT_MAX);
  put_cstr(out, e->app_id);
  put_cstr(out, e->oid);
  put_cstr(out, e->peer);
  put_cstr(out, e->request_id);
  put_cut(out, e->client_request_id, TEXT_MAX);
  put_cut(out, e->user_agent, TEXT_MAX);
}

void audit_gap_put(const struct audit_gap *g, struct buf *out) {
  pack_u8(out, FORM_GAP);
  pack_i64(out, g->since_us);
  pack_i64(out, g->until_us);
  pack_u64(out, g->missed);
}

static void write_time(struct buf *out, const char *key, int64_t us) {
  char text[28];
  clock_format(us, text);
  write_str(out, key, text);
}

static bool time_sane(int64_t us) {
  return us >= 0 && us < INT64_C(253402300800) * 1000000; /* four-digit years */
}

static void write_start(struct buf *out, uint64_t number, int64_t time_us) {
  write_open(out, NULL, '{');
  write_i64(out, "number", (int64_t)number);
  write_time(out, "time", time_us);
}

static void write_id(struct buf *out, struct bytes host, struct bytes object) {
  AUTO_BUF id = BUF_EMPTY;
  if (object.size) {
    if (host.size) { /* none: the hub itself did it */
      buf_put_str(&id, "https://");
      buf_put_bytes(&id, host);
      buf_put_char(&id, '/');
    }
    buf_put_bytes(&id, object);
  }
  write_text(out, "id", buf_bytes(&id));
  out->failed |= id.failed;
}

static err_t event_json(uint64_t number, struct unpack *u, struct buf *out) {
  int64_t time_us = unpack_i64(u);
  uint32_t duration_us = unpack_u32(u);
  uint32_t status = unpack_u32(u);
  struct bytes object = unpack_bytes(u);
  struct bytes operation = unpack_bytes(u);
  struct bytes code = unpack_bytes(u);
  struct bytes host = unpack_bytes(u);
  struct bytes app_id = unpack_bytes(u);
  struct bytes oid = unpack_bytes(u);
  struct bytes peer = unpack_bytes(u);
  struct bytes request_id = unpack_bytes(u);
  struct bytes client_request_id = unpack_bytes(u);
  struct bytes user_agent = unpack_bytes(u);
  TRY(unpack_end(u));
  if (!time_sane(time_us))
    FAIL(ERR_CORRUPT, "an audit record without a time");
  bool success = code.size == 0 && status < 400;
  write_start(out, number, time_us);
  write_text(out, "operationName", operation);
  write_str(out, "category", "AuditEvent");
  write_str(out, "resultType", success ? "Success" : "Failure");
  write_text(out, "resultSignature", success ? bytes_str("OK") : code);
  write_i64(out, "httpStatusCode", status);
  buf_printf(out, ",\"durationMs\":%u.%03u", duration_us / 1000, duration_us % 1000);
  write_text(out, "callerIpAddress", peer);
  write_text(out, "correlationId", request_id);
  write_open(out, "identity", '{');
  write_text(out, "appid", app_id);
  write_text(out, "oid", oid);
  write_close(out, '}');
  write_open(out, "properties", '{');
  write_id(out, host, object);
  write_text(out, "clientRequestId", client_request_id);
  write_text(out, "clientInfo", user_agent);
  write_close(out, '}');
  write_close(out, '}');
  return buf_ok(out);
}

static err_t gap_json(uint64_t number, struct unpack *u, struct buf *out) {
  int64_t since_us = unpack_i64(u);
  int64_t until_us = unpack_i64(u);
  uint64_t missed = unpack_u64(u);
  TRY(unpack_end(u));
  if (!time_sane(since_us) || !time_sane(until_us) || missed > INT64_MAX)
    FAIL(ERR_CORRUPT, "an audit gap with impossible values");
  write_start(out, number, until_us);
  write_str(out, "operationName", "AuditGap");
  write_str(out, "category", "AuditEvent");
  write_str(out, "resultType", "Failure");
  write_str(out, "resultSignature", err_info(ERR_AUDIT)->code);
  write_i64(out, "httpStatusCode", err_info(ERR_AUDIT)->status);
  write_open(out, "properties", '{');
  write_i64(out, "notRecorded", (int64_t)missed);
  write_time(out, "since", since_us);
  write_close(out, '}');
  write_close(out, '}');
  return buf_ok(out);
}

err_t audit_event_json(uint64_t number, struct bytes plain, struct buf *out) {
  if (number > INT64_MAX)
    FAIL(ERR_CORRUPT, "an impossible record number");
  struct unpack u = unpack_of(plain);
  switch (unpack_u8(&u)) {
  case FORM_EVENT:
    return event_json(number, &u, out);
  case FORM_GAP:
    return gap_json(number, &u, out);
  default:
    FAIL(ERR_CORRUPT, "a record of a form that this program does not know");
  }
}
