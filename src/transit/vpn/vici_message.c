#include "transit/vpn/vici_message.h"

enum element { SECTION_START = 1, SECTION_END, KEY_VALUE, LIST_START, LIST_ITEM, LIST_END };

/* --- writing --- */

static void put_name(struct buf *b, enum element type, const char *name) {
  size_t n = strlen(name);
  if (n > UINT8_MAX)
    abort();
  buf_put_char(b, (char)type);
  buf_put_char(b, (char)n);
  buf_put(b, name, n);
}

static void put_value(struct buf *b, struct bytes value) {
  if (value.size > UINT16_MAX)
    abort();
  buf_put_char(b, (char)(value.size >> 8));
  buf_put_char(b, (char)(value.size & 0xff));
  buf_put_bytes(b, value);
}

void vici_put_section(struct buf *b, const char *name) {
  put_name(b, SECTION_START, name);
}

void vici_put_end(struct buf *b) {
  buf_put_char(b, SECTION_END);
}

void vici_put(struct buf *b, const char *name, struct bytes value) {
  put_name(b, KEY_VALUE, name);
  put_value(b, value);
}

void vici_put_str(struct buf *b, const char *name, const char *value) {
  vici_put(b, name, bytes_str(value));
}

void vici_put_u64(struct buf *b, const char *name, uint64_t value) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_u64(&text, value);
  b->failed |= text.failed;
  vici_put(b, name, buf_bytes(&text));
}

void vici_put_list(struct buf *b, const char *name) {
  put_name(b, LIST_START, name);
}

void vici_put_item(struct buf *b, const char *value) {
  buf_put_char(b, LIST_ITEM);
  put_value(b, bytes_str(value));
}

void vici_put_list_end(struct buf *b) {
  buf_put_char(b, LIST_END);
}

/* --- reading --- */

static bool take(struct vici_reader *r, size_t n, struct bytes *out) {
  if (r->rest.size < n)
    return false;
  *out = bytes_of(r->rest.data, n);
  r->rest = bytes_of(r->rest.data + n, r->rest.size - n);
  return true;
}

static bool take_name(struct vici_reader *r, struct bytes *out) {
  struct bytes size;
  return take(r, 1, &size) && take(r, size.data[0], out) && out->size > 0;
}

static bool take_value(struct vici_reader *r, struct bytes *out) {
  struct bytes size;
  return take(r, 2, &size) && take(r, (size_t)size.data[0] << 8 | size.data[1], out);
}

static bool enter(struct vici_reader *r) {
  struct bytes name;
  if (r->depth == VICI_DEPTH || !take_name(r, &name))
    return false;
  r->section[r->depth++] = name;
  return true;
}

/* One element; *found when it is a value. */
static bool step(struct vici_reader *r, struct bytes *name, struct bytes *value, bool *found) {
  struct bytes type;
  if (!take(r, 1, &type))
    return false;
  bool in_list = r->list.data != NULL;
  if (in_list && type.data[0] == LIST_ITEM) {
    *found = true;
    *name = r->list;
    return take_value(r, value);
  }
  if (in_list) {
    r->list = (struct bytes){ 0 };
    return type.data[0] == LIST_END;
  }
  switch (type.data[0]) {
  case SECTION_START:
    return enter(r);
  case SECTION_END:
    return r->depth-- > 0;
  case KEY_VALUE:
    *found = true;
    return take_name(r, name) && take_value(r, value);
  case LIST_START:
    return take_name(r, &r->list);
  default:
    return false;
  }
}

bool vici_read(struct vici_reader *r, struct bytes *name, struct bytes *value) {
  bool found = false;
  while (!r->bad && !found && r->rest.size)
    r->bad = !step(r, name, value, &found);
  if (!found && (r->depth || r->list.data))
    r->bad = true;
  return found && !r->bad;
}

struct bytes vici_value(struct bytes message, const char *name) {
  struct vici_reader r = vici_reader_of(message);
  struct bytes key, value;
  while (vici_read(&r, &key, &value))
    if (r.depth == 0 && !r.list.data && bytes_equal_str(key, name))
      return value;
  return (struct bytes){ 0 };
}
