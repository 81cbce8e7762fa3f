/* Messages of the DNS (RFC 1035, 4). */
#include "net/dns.h"

#define HEADER_SIZE 12
#define NAME_MAX_SIZE 255 /* with the lengths and the root's */
#define LABEL_MAX 63
#define ALIASES_MAX 8
#define CLASS_IN 1
#define FLAG_ANSWER 0x8000
#define FLAG_CUT 0x0200
#define FLAG_RECURSE 0x0100
#define RCODE 0x000f
#define NO_SUCH_NAME 3

/* A name as it is on the wire without compression, in lower case: two of them compare as bytes. */
struct wire_name {
  uint8_t bytes[NAME_MAX_SIZE];
  size_t size;
};

static bool same_name(const struct wire_name *a, const struct wire_name *b) {
  return bytes_equal(bytes_of(a->bytes, a->size), bytes_of(b->bytes, b->size));
}

static bool add_label(struct wire_name *n, struct bytes label) {
  if (label.size > LABEL_MAX || n->size + 1 + label.size > NAME_MAX_SIZE)
    return false;
  n->bytes[n->size++] = (uint8_t)label.size;
  for (size_t i = 0; i < label.size; i++) {
    uint8_t c = label.data[i];
    n->bytes[n->size++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
  }
  return true;
}

static err_t name_of_text(const char *text, struct wire_name *out) {
  struct bytes rest = bytes_str(text), label;
  out->size = 0;
  if (rest.size && rest.data[rest.size - 1] == '.')
    rest.size--;
  while (rest.data) {
    rest = bytes_split(rest, '.', &label);
    if (label.size == 0 || !add_label(out, label))
      FAIL(ERR_BAD_PARAMETER, "a name that the DNS can't hold");
  }
  if (!add_label(out, (struct bytes){ 0 }))
    FAIL(ERR_BAD_PARAMETER, "a name that the DNS can't hold");
  return OK;
}

static void put_u16(struct buf *b, unsigned v) {
  buf_put_char(b, (char)(v >> 8));
  buf_put_char(b, (char)(v & 0xff));
}

err_t dns_put_query(const struct dns_question *q, struct buf *out) {
  struct wire_name name;
  TRY(name_of_text(q->name, &name));
  const unsigned header[] = { q->id, FLAG_RECURSE, 1, 0, 0, 0 };
  for (size_t i = 0; i < sizeof header / sizeof *header; i++)
    put_u16(out, header[i]);
  buf_put(out, name.bytes, name.size);
  put_u16(out, q->type);
  put_u16(out, CLASS_IN);
  return buf_ok(out);
}

/* A place in a message. bad: something did not fit; reads give zeros from then on. */
struct reader {
  struct bytes message;
  size_t at;
  bool bad;
};

static unsigned read_u8(struct reader *r) {
  if (r->bad || r->at >= r->message.size) {
    r->bad = true;
    return 0;
  }
  return r->message.data[r->at++];
}

static unsigned read_u16(struct reader *r) {
  unsigned high = read_u8(r);
  return high << 8 | read_u8(r);
}

static struct bytes read_span(struct reader *r, size_t size) {
  if (r->bad || size > r->message.size - r->at) {
    r->bad = true;
    return (struct bytes){ 0 };
  }
  r->at += size;
  return bytes_of(r->message.data + r->at - size, size);
}

/* A pointer must point before everything of this name that was read so far: there is no loop. */
static void read_name(struct reader *r, struct wire_name *out) {
  struct reader from = *r;
  size_t limit = r->at;
  bool jumped = false;
  out->size = 0;
  for (unsigned n = 1; n != 0 && !from.bad;) {
    n = read_u8(&from);
    if ((n & 0xc0) == 0xc0) {
      size_t to = (n & 0x3f) << 8 | read_u8(&from);
      if (!jumped)
        r->at = from.at;
      jumped = true;
      from.bad |= to >= limit;
      from.at = limit = to;
    } else {
      from.bad |= n > LABEL_MAX;
      struct bytes label = read_span(&from, n);
      from.bad |= !add_label(out, label);
    }
  }
  r->bad |= from.bad;
  if (!jumped)
    r->at = from.at;
}

struct record {
  struct wire_name owner;
  unsigned type, class;
  size_t data_at;
  struct bytes data;
};

static void read_record(struct reader *r, struct record *out) {
  read_name(r, &out->owner);
  out->type = read_u16(r);
  out->class = read_u16(r);
  read_span(r, 4); /* how long it may be kept */
  size_t size = read_u16(r);
  out->data_at = r->at;
  out->data = read_span(r, size);
}

/* The strings of a TXT record, joined. */
static err_t give_text(struct bytes data, dns_each *each, void *ctx) {
  AUTO_BUF text = BUF_EMPTY;
  struct reader r = { .message = data };
  while (r.at < data.size && !r.bad)
    buf_put_bytes(&text, read_span(&r, read_u8(&r)));
  if (r.bad)
    FAIL(ERR_HTTP, "DNS: a malformed TXT record");
  TRY(buf_ok(&text));
  return each(ctx, buf_bytes(&text));
}

static err_t give(const struct record *record, dns_each *each, void *ctx) {
  if (record->type == DNS_TXT)
    return give_text(record->data, each, ctx);
  if (record->data.size != (record->type == DNS_A ? 4 : 16))
    FAIL(ERR_HTTP, "DNS: a malformed address");
  return each(ctx, record->data);
}

/* What an answer's records are read with: their start, and how many there are. */
struct section {
  struct reader start;
  unsigned count;
};

/* The name that *name is an alias of; false when it is none. */
static err_t follow(const struct section *s, struct wire_name *name, bool *found) {
  struct reader r = s->start;
  *found = false;
  for (unsigned i = 0; i < s->count && !*found; i++) {
    struct record record;
    read_record(&r, &record);
    if (r.bad)
      FAIL(ERR_HTTP, "DNS: a malformed record");
    if (record.type != DNS_CNAME || record.class != CLASS_IN || !same_name(&record.owner, name))
      continue;
    struct reader target = { .message = r.message, .at = record.data_at };
    read_name(&target, name);
    if (target.bad || target.at != record.data_at + record.data.size)
      FAIL(ERR_HTTP, "DNS: a malformed alias");
    *found = true;
  }
  return OK;
}

static err_t give_all(const struct section *s, const struct wire_name *name, enum dns_type type,
                      dns_each *each, void *ctx) {
  struct reader r = s->start;
  for (unsigned i = 0; i < s->count; i++) {
    struct record record;
    read_record(&r, &record);
    if (r.bad)
      FAIL(ERR_HTTP, "DNS: a malformed record");
    if (record.type == (unsigned)type && record.class == CLASS_IN && same_name(&record.owner, name))
      TRY(give(&record, each, ctx));
  }
  return OK;
}

err_t dns_read_answer(const struct dns_question *q, struct bytes message, dns_each *each, void *ctx,
                      bool *cut) {
  struct reader r = { .message = message };
  struct wire_name asked, name;
  bool alias = true;
  TRY(name_of_text(q->name, &asked));
  unsigned id = read_u16(&r), flags = read_u16(&r), questions = read_u16(&r), count = read_u16(&r);
  read_span(&r, 4); /* the sizes of the other sections */
  read_name(&r, &name);
  unsigned type = read_u16(&r), class = read_u16(&r);
  if (r.bad || id != q->id || !(flags & FLAG_ANSWER) || questions != 1 ||
      !same_name(&name, &asked) || type != (unsigned)q->type || class != CLASS_IN)
    FAIL(ERR_HTTP, "DNS: not an answer to the question");
  *cut = (flags & FLAG_CUT) != 0;
  if (*cut)
    return OK;
  if ((flags & RCODE) == NO_SUCH_NAME)
    FAIL(ERR_NOT_FOUND, "DNS: there is no such name");
  if (flags & RCODE)
    FAIL(ERR_IO, "DNS: the server answered with error %u", flags & RCODE);
  const struct section answers = { r, count };
  for (unsigned i = 0; alias && i < ALIASES_MAX; i++)
    TRY(follow(&answers, &name, &alias));
  return give_all(&answers, &name, q->type, each, ctx);
}
