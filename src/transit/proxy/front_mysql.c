/*
 * MySQL and MariaDB ("Connection Phase" of their protocols). The server greets; a client that wants
 * TLS answers with the first 32 bytes of its login alone, begins TLS, and sends the whole login
 * inside. So one packet more passes on the side with TLS, and until authentication is over the
 * numbers of packets differ by one between both sides.
 *
 * One bit of the greeting and one of the login say that there is TLS. Towards the side without it
 * they are always clear: a server that could do TLS itself would begin it when the login says so.
 *
 * Only headers of packets, and of the login its first field, are looked at and changed; the rest is
 * passed on as it comes, so that its size does not matter. A client may send commands behind its
 * login before it is answered: they are known by their number, which is 0.
 *
 * What servers and clients think of the plain side decides which passwords go over it: caching_sha2
 * sends them clear, as it does inside TLS, over a Unix socket only.
 */
#include "transit/proxy/front_kind.h"

#include "base/pack.h"

#define HEADER_SIZE 4
#define PACKET_MAX 0xffffff /* one of this size goes on in the next */
#define PROTOCOL 10
#define OK_PACKET 0x00
#define ERROR_PACKET 0xff
#define LOGIN_FIELDS_SIZE 32            /* what a request for TLS has of the login */
#define BEFORE_CAPABILITIES (4 + 8 + 1) /* of a greeting, behind the version's text */

/* Of the second byte of the capabilities, which are little-endian. */
#define CAN_PROTOCOL_41 0x02
#define CAN_TLS 0x08

#define ERROR_NO_TLS 3159 /* ER_SECURE_TRANSPORT_REQUIRED */
#define ERROR_OTHER 1105  /* ER_UNKNOWN_ERROR */

struct packet {
  size_t size; /* of the body, as the header says */
  uint8_t number;
  struct bytes body; /* as much of it as is there */
};

static bool packet_of(struct bytes in, struct packet *out) {
  if (in.size < HEADER_SIZE)
    return false;
  const uint8_t *d = in.data;
  out->size = (size_t)d[2] << 16 | (size_t)d[1] << 8 | d[0];
  out->number = d[3];
  out->body = bytes_of(d + HEADER_SIZE, in.size - HEADER_SIZE);
  if (out->body.size > out->size)
    out->body.size = out->size;
  return true;
}

static void put_header(struct buf *b, size_t size, unsigned number) {
  const uint8_t header[HEADER_SIZE] = { (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16),
                                        (uint8_t)number };
  buf_put(b, header, sizeof header);
}

/* The bytes with one of them changed. */
static void put_patched(struct buf *b, struct bytes in, size_t at, uint8_t byte) {
  buf_put(b, in.data, at);
  pack_u8(b, byte);
  buf_put(b, in.data + at + 1, in.size - at - 1);
}

/* Before the greeting a client knows of no states (SQLSTATE). In the middle of a packet it would
 * take the message for a part of it. */
static void tell(const struct front *f, enum front_fault fault, const char *why, struct buf *out) {
  const struct front_mysql *m = &f->mysql;
  unsigned code = fault == FRONT_WANTS_TLS ? ERROR_NO_TLS : ERROR_OTHER;
  const char *state = !m->greeted ? "" : fault == FRONT_WANTS_TLS ? "#HY000" : "#08S01";
  if (m->from_server.left || m->from_server.continued)
    return;
  put_header(out, 3 + strlen(state) + strlen(why), m->next);
  pack_u8(out, ERROR_PACKET);
  pack_u8(out, (uint8_t)code);
  pack_u8(out, (uint8_t)(code >> 8));
  buf_put_str(out, state);
  buf_put_str(out, why);
}

static size_t malformed(struct front *f, bool server, struct front_out out) {
  return front_end(f, FRONT_FAULT,
                   server ? "the server does not speak MySQL's protocol 10"
                          : "the client does not speak MySQL's protocol 4.1",
                   out.client);
}

/* The greeting. */

/* Where the second byte of the capabilities is; 0: there is none. */
static size_t capabilities_at(struct bytes body) {
  const uint8_t *end = memchr(body.data, 0, body.size);
  size_t at = end ? (size_t)(end - body.data) + 1 + BEFORE_CAPABILITIES + 1 : 0;
  return body.data[0] == PROTOCOL && at < body.size ? at : 0;
}

/* An error from where TLS was to be is not passed on: whoever is in between could have written it.
 */
static size_t refused(struct front *f, struct bytes packet, struct front_out out) {
  static const char why[] = "the server refuses the connection";
  if (f->side == FRONT_CLIENT)
    return front_end(f, FRONT_FAULT, why, out.client);
  buf_put_bytes(out.client, packet);
  return front_end(f, FRONT_FAULT, why, NULL);
}

/* The side with TLS hears that there is TLS; the other one does not. */
static size_t take_greeting(struct front *f, struct bytes in, struct front_out out) {
  struct packet p;
  if (f->mysql.greeted || !packet_of(in, &p))
    return 0;
  if (p.size == 0 || p.size > FRONT_MAX - HEADER_SIZE)
    return malformed(f, true, out);
  if (p.body.size < p.size)
    return 0;
  size_t size = HEADER_SIZE + p.size, at = capabilities_at(p.body);
  if (p.body.data[0] == ERROR_PACKET)
    return refused(f, bytes_of(in.data, size), out);
  if (at == 0)
    return malformed(f, true, out);
  uint8_t can = p.body.data[at];
  if (f->side == FRONT_CLIENT && !(can & CAN_TLS))
    return front_end(f, FRONT_FAULT, "the server has no TLS", out.client);
  can = f->side == FRONT_SERVER ? can | CAN_TLS : can & ~CAN_TLS;
  put_patched(out.client, bytes_of(in.data, size), HEADER_SIZE + at, can);
  f->mysql.greeted = true;
  f->mysql.next = (uint8_t)(p.number + 1);
  return size;
}

/* The request for TLS. */

/* A login once its first fields are there, or something that is too short to be one. */
static bool login_of(struct bytes in, struct packet *out) {
  return packet_of(in, out) &&
         (out->size <= LOGIN_FIELDS_SIZE || out->body.size >= LOGIN_FIELDS_SIZE);
}

static size_t hear_client(struct front *f, struct bytes in, struct front_out out) {
  struct packet p;
  if (!f->mysql.greeted || !packet_of(in, &p))
    return 0;
  f->mysql.next = (uint8_t)(p.number + 1);
  if (p.size != LOGIN_FIELDS_SIZE || p.number != 1)
    return front_end(f, FRONT_WANTS_TLS, "only TLS is served here: set ssl-ca, ssl-cert, ssl-key",
                     out.client);
  if (p.body.size < p.size)
    return 0;
  if (~p.body.data[1] & (CAN_TLS | CAN_PROTOCOL_41))
    return malformed(f, false, out);
  f->mysql.next = 3; /* the login is 2 */
  f->state = FRONT_TLS;
  return HEADER_SIZE + LOGIN_FIELDS_SIZE;
}

/* The program's login stays where it is until TLS is there. */
static size_t hear_program(struct front *f, struct bytes in, struct front_out out) {
  struct packet p;
  if (!f->mysql.greeted || !login_of(in, &p))
    return 0;
  f->mysql.next = (uint8_t)(p.number + 1);
  if (p.size == LOGIN_FIELDS_SIZE)
    return front_end(f, FRONT_FAULT, "the local program asks for TLS, which it was not offered",
                     out.client);
  if (p.size < LOGIN_FIELDS_SIZE || p.number != 1 || !(p.body.data[1] & CAN_PROTOCOL_41))
    return malformed(f, false, out);
  put_header(out.server, LOGIN_FIELDS_SIZE, 1);
  put_patched(out.server, bytes_of(p.body.data, LOGIN_FIELDS_SIZE), 1, p.body.data[1] | CAN_TLS);
  f->state = FRONT_TLS;
  return 0;
}

/* Inside. */

static unsigned moved(const struct front *f, uint8_t number, bool to_server) {
  return to_server == (f->side == FRONT_SERVER) ? number - 1u : number + 1u;
}

static size_t pass(struct front_mysql_flow *w, struct bytes in, struct buf *out) {
  size_t n = w->left < in.size ? w->left : in.size;
  buf_put(out, in.data, n);
  w->left -= n;
  return n;
}

/* A packet's header, and how much is to follow. */
static void pass_header(struct front_mysql_flow *w, const struct packet *p, unsigned number,
                        struct buf *out) {
  put_header(out, p->size, number);
  w->left = p->size;
  w->continued = p->size == PACKET_MAX;
}

static size_t pass_login(struct front *f, struct bytes in, struct front_out out) {
  struct front_mysql_flow *w = &f->mysql.from_client;
  struct packet p;
  if (!login_of(in, &p))
    return 0;
  if (p.size <= LOGIN_FIELDS_SIZE || p.number != (f->side == FRONT_SERVER ? 2 : 1))
    return malformed(f, false, out);
  uint8_t can = p.body.data[1];
  can = f->side == FRONT_CLIENT ? can | CAN_TLS : can & ~CAN_TLS;
  pass_header(w, &p, moved(f, p.number, true), out.server);
  put_patched(out.server, bytes_of(p.body.data, LOGIN_FIELDS_SIZE), 1, can);
  w->left -= LOGIN_FIELDS_SIZE;
  f->mysql.answered = true;
  f->mysql.next = (uint8_t)(p.number + 1);
  return HEADER_SIZE + LOGIN_FIELDS_SIZE;
}

static size_t relay_client(struct front *f, struct bytes in, struct front_out out) {
  struct front_mysql_flow *w = &f->mysql.from_client;
  struct packet p;
  if (!f->mysql.answered)
    return pass_login(f, in, out);
  if (w->commands)
    w->left = in.size;
  if (w->left)
    return pass(w, in, out.server);
  if (!packet_of(in, &p))
    return 0;
  w->commands = p.number == 0 && !w->continued;
  pass_header(w, &p, w->commands ? 0 : moved(f, p.number, true), out.server);
  if (!w->commands)
    f->mysql.next = (uint8_t)(p.number + 1);
  return HEADER_SIZE;
}

/* OK or an error ends authentication: of that packet, too, only the number differs. */
static size_t relay_server(struct front *f, struct bytes in, struct front_out out) {
  struct front_mysql_flow *w = &f->mysql.from_server;
  struct packet p;
  if (w->left)
    return pass(w, in, out.client);
  if (!packet_of(in, &p) || (p.size && !p.body.size))
    return 0;
  bool last =
    p.size && !w->continued && (p.body.data[0] == OK_PACKET || p.body.data[0] == ERROR_PACKET);
  if (last && p.body.data[0] == OK_PACKET && !f->mysql.answered)
    return malformed(f, true, out);
  unsigned number = moved(f, p.number, false);
  pass_header(w, &p, number, out.client);
  f->mysql.next = (uint8_t)(number + 1);
  if (last)
    f->state = FRONT_THROUGH;
  return HEADER_SIZE;
}

/* What one side says is looked at before TLS and inside. */

static size_t from_client_of_server(struct front *f, struct bytes in, struct front_out out) {
  return f->state == FRONT_PLAIN ? hear_client(f, in, out) : relay_client(f, in, out);
}

static size_t from_client_of_program(struct front *f, struct bytes in, struct front_out out) {
  return f->state == FRONT_PLAIN ? hear_program(f, in, out) : relay_client(f, in, out);
}

static size_t from_server(struct front *f, struct bytes in, struct front_out out) {
  return f->state == FRONT_PLAIN ? take_greeting(f, in, out) : relay_server(f, in, out);
}

static const struct front_calls calls = {
  .from_client = { [FRONT_SERVER] = from_client_of_server,
                   [FRONT_CLIENT] = from_client_of_program },
  .from_server = { [FRONT_SERVER] = from_server, [FRONT_CLIENT] = from_server },
  .secured = FRONT_INSIDE,
  .tell = tell,
};

const struct front_kind front_mysql = { .name = "mysql",
                                        .server_speaks_first = true,
                                        .calls = &calls };
