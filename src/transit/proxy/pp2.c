#include "transit/proxy/pp2.h"

#include "base/pack.h"

#include <netinet/in.h>
#include <sys/un.h>

static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
#define SIGNATURE_SIZE (sizeof signature - 1)
static const char text_version[] = "PROXY ";
#define HEADER_SIZE 16

enum { LOCAL = 0x20, PROXY = 0x21 }; /* version and command */
enum { UNSPEC = 0x00, DATAGRAM = 0x02, TRANSPORT = 0x0f };

enum {
  TYPE_ALPN = 0x01,
  TYPE_AUTHORITY = 0x02,
  TYPE_CRC32C = 0x03,
  TYPE_SSL = 0x20,
  TYPE_SSL_VERSION = 0x21,
  TYPE_SSL_CN = 0x22,
  TYPE_SSL_CIPHER = 0x23,
};
enum { CLIENT_TLS = 1, CLIENT_CERT_CONN = 2, CLIENT_CERT_SESSION = 4 };
#define VALUE_HEAD_SIZE 3 /* type and length */
#define CRC_SIZE 4

/* Both addresses stand one behind the other, then both ports: as they are in the sockaddr. */
static const struct family {
  sa_family_t family;
  uint8_t code; /* with SOCK_STREAM */
  size_t address, address_size, port, port_size;
} families[] = {
  { AF_INET, 0x11, offsetof(struct sockaddr_in, sin_addr), 4,
    offsetof(struct sockaddr_in, sin_port), 2 },
  { AF_INET6, 0x21, offsetof(struct sockaddr_in6, sin6_addr), 16,
    offsetof(struct sockaddr_in6, sin6_port), 2 },
  { AF_UNIX, 0x31, offsetof(struct sockaddr_un, sun_path), 108, 0, 0 },
};
#define FAMILY_COUNT (sizeof families / sizeof *families)

/* Writing. */

static const struct family *family_of(const struct pp2 *p) {
  for (size_t i = 0; i < FAMILY_COUNT; i++)
    if (p->from.ss_family == families[i].family && p->to.ss_family == families[i].family)
      return &families[i];
  return NULL;
}

static void put_addresses(const struct family *f, const struct pp2 *p, struct buf *out) {
  const uint8_t *from = (const uint8_t *)&p->from, *to = (const uint8_t *)&p->to;
  buf_put(out, from + f->address, f->address_size);
  buf_put(out, to + f->address, f->address_size);
  buf_put(out, from + f->port, f->port_size);
  buf_put(out, to + f->port, f->port_size);
}

static void put_u16(struct buf *b, size_t v) {
  pack_u8(b, (uint8_t)(v >> 8));
  pack_u8(b, (uint8_t)v);
}

/* A length of more than 16 bits is wrong here, and refused as a whole later. */
static void put_text(struct buf *b, uint8_t type, struct bytes text) {
  if (text.size == 0)
    return;
  pack_u8(b, type);
  put_u16(b, text.size);
  buf_put_bytes(b, text);
}

static err_t put_tls(const struct pp2 *p, struct buf *out) {
  AUTO_BUF tls = BUF_EMPTY;
  bool known = p->common_name.size > 0;
  pack_u8(&tls, known ? CLIENT_TLS | CLIENT_CERT_CONN | CLIENT_CERT_SESSION : CLIENT_TLS);
  pack_u32(&tls, known ? 0 : 1);
  put_text(&tls, TYPE_SSL_VERSION, p->tls_version);
  put_text(&tls, TYPE_SSL_CN, p->common_name);
  put_text(&tls, TYPE_SSL_CIPHER, p->cipher);
  TRY(buf_ok(&tls));
  put_text(out, TYPE_SSL, buf_bytes(&tls));
  return OK;
}

static err_t put_body(const struct pp2 *p, const struct family *f, struct buf *out) {
  if (p->local)
    return OK;
  if (f)
    put_addresses(f, p, out);
  put_text(out, TYPE_ALPN, p->alpn);
  put_text(out, TYPE_AUTHORITY, p->authority);
  if (p->tls_version.size)
    TRY(put_tls(p, out));
  return buf_ok(out);
}

err_t pp2_write(const struct pp2 *p, struct buf *out) {
  AUTO_BUF body = BUF_EMPTY;
  const struct family *f = p->local ? NULL : family_of(p);
  TRY(put_body(p, f, &body));
  if (body.size > PP2_SIZE_MAX - HEADER_SIZE)
    FAIL(ERR_TOO_LARGE, "a PROXY header of more than %d bytes", PP2_SIZE_MAX);
  buf_put(out, signature, SIGNATURE_SIZE);
  pack_u8(out, p->local ? LOCAL : PROXY);
  pack_u8(out, f ? f->code : UNSPEC);
  put_u16(out, body.size);
  buf_put_bytes(out, buf_bytes(&body));
  return buf_ok(out);
}

/* Reading. */

/* CRC32c (RFC 9260, appendix A) goes on: begins with, and ends as the complement. A header is too
 * short for a table to pay. */
static uint32_t crc32c(uint32_t crc, struct bytes in) {
  for (size_t i = 0; i < in.size; i++) {
    crc ^= in.data[i];
    for (unsigned bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return crc;
}

/* The checksum is that of the header with zeros in its place. */
static err_t check_crc(struct bytes header, struct bytes value) {
  static const uint8_t zeros[CRC_SIZE];
  if (value.size != CRC_SIZE)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header's checksum is malformed");
  struct unpack u = unpack_of(value);
  size_t before = (size_t)(value.data - header.data), end = before + CRC_SIZE;
  uint32_t crc = crc32c(UINT32_MAX, bytes_of(header.data, before));
  crc = crc32c(crc, bytes_of(zeros, CRC_SIZE));
  crc = crc32c(crc, bytes_of(header.data + end, header.size - end));
  if (unpack_u32(&u) != ~crc)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header's checksum is wrong");
  return OK;
}

/* What is read, by type; everything else is passed over. */
struct wanted {
  uint8_t type;
  struct bytes *to; /* data NULL until it is found */
};

static err_t keep(const struct wanted *wanted, size_t count, uint8_t type, struct bytes value) {
  for (size_t i = 0; i < count; i++) {
    if (wanted[i].type != type)
      continue;
    if (wanted[i].to->data)
      FAIL(ERR_BAD_PARAMETER, "a PROXY header says something twice (type %#x)", type);
    *wanted[i].to = value;
  }
  return OK;
}

static err_t read_values(struct bytes in, const struct wanted *wanted, size_t count) {
  while (in.size) {
    size_t size = in.size < VALUE_HEAD_SIZE ? 0 : (size_t)in.data[1] << 8 | in.data[2];
    size_t end = VALUE_HEAD_SIZE + size;
    if (in.size < end)
      FAIL(ERR_BAD_PARAMETER, "a PROXY header's values are malformed");
    TRY(keep(wanted, count, in.data[0], bytes_of(in.data + VALUE_HEAD_SIZE, size)));
    in = bytes_of(in.data + end, in.size - end);
  }
  return OK;
}

static err_t read_tls(struct bytes in, struct pp2 *out) {
  struct bytes version = { 0 }, name = { 0 }, cipher = { 0 };
  const struct wanted wanted[] = {
    { TYPE_SSL_VERSION, &version },
    { TYPE_SSL_CN, &name },
    { TYPE_SSL_CIPHER, &cipher },
  };
  struct unpack u = unpack_of(in);
  uint8_t client = unpack_u8(&u);
  bool verified = unpack_u32(&u) == 0;
  if (u.bad)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header's values are malformed");
  TRY(read_values(u.rest, wanted, sizeof wanted / sizeof *wanted));
  if (!(client & CLIENT_TLS))
    return OK;
  out->tls_version = version;
  out->cipher = cipher;
  if (verified && client & (CLIENT_CERT_CONN | CLIENT_CERT_SESSION))
    out->common_name = name;
  return OK;
}

static void read_addresses(const struct family *f, const uint8_t *in, struct pp2 *out) {
  struct sockaddr_storage *const ends[] = { &out->from, &out->to };
  for (size_t i = 0; i < 2; i++) {
    uint8_t *end = (uint8_t *)ends[i];
    ends[i]->ss_family = f->family;
    memcpy(end + f->address, in + i * f->address_size, f->address_size);
    memcpy(end + f->port, in + 2 * f->address_size + i * f->port_size, f->port_size);
  }
}

/* Takes the addresses off what follows the fixed part. */
static err_t take_addresses(uint8_t code, struct bytes *rest, struct pp2 *out) {
  if (code == UNSPEC)
    return OK;
  for (size_t i = 0; i < FAMILY_COUNT; i++) {
    const struct family *f = &families[i];
    size_t size = 2 * (f->address_size + f->port_size);
    if (f->code != code)
      continue;
    if (rest->size < size)
      FAIL(ERR_BAD_PARAMETER, "a PROXY header ends within its addresses");
    read_addresses(f, rest->data, out);
    *rest = bytes_of(rest->data + size, rest->size - size);
    return OK;
  }
  if ((code & TRANSPORT) == DATAGRAM)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header of datagrams");
  FAIL(ERR_BAD_PARAMETER, "a PROXY header of an unknown address family (%#x)", code);
}

static err_t read_body(struct bytes header, struct pp2 *out) {
  struct bytes tls = { 0 }, crc = { 0 };
  struct bytes rest = bytes_of(header.data + HEADER_SIZE, header.size - HEADER_SIZE);
  const struct wanted wanted[] = {
    { TYPE_ALPN, &out->alpn },
    { TYPE_AUTHORITY, &out->authority },
    { TYPE_CRC32C, &crc },
    { TYPE_SSL, &tls },
  };
  TRY(take_addresses(header.data[SIGNATURE_SIZE + 1], &rest, out));
  TRY(read_values(rest, wanted, sizeof wanted / sizeof *wanted));
  if (crc.data)
    TRY(check_crc(header, crc));
  return tls.data ? read_tls(tls, out) : OK;
}

/* Does it begin as a header does, as far as it has come? */
static err_t check_start(struct bytes in) {
  size_t n = in.size < SIGNATURE_SIZE ? in.size : SIGNATURE_SIZE;
  if (n == 0 || memcmp(in.data, signature, n) == 0)
    return OK;
  n = in.size < sizeof text_version - 1 ? in.size : sizeof text_version - 1;
  if (memcmp(in.data, text_version, n) != 0)
    FAIL(ERR_BAD_PARAMETER, "what came is no PROXY header");
  if (n < sizeof text_version - 1)
    return OK;
  FAIL(ERR_BAD_PARAMETER, "a PROXY header of version 1: only version 2 is taken");
}

err_t pp2_read(struct bytes in, struct pp2 *out, size_t *used) {
  struct pp2 p = { 0 };
  *used = 0;
  TRY(check_start(in));
  if (in.size < HEADER_SIZE)
    return OK;
  uint8_t command = in.data[SIGNATURE_SIZE];
  size_t size = HEADER_SIZE + ((size_t)in.data[HEADER_SIZE - 2] << 8 | in.data[HEADER_SIZE - 1]);
  if (command != LOCAL && command != PROXY)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header of an unknown version or command (%#x)", command);
  if (size > PP2_SIZE_MAX)
    FAIL(ERR_BAD_PARAMETER, "a PROXY header of more than %d bytes", PP2_SIZE_MAX);
  if (in.size < size)
    return OK;
  p.local = command == LOCAL;
  if (!p.local)
    TRY(read_body(bytes_of(in.data, size), &p));
  *out = p;
  *used = size;
  return OK;
}
