/*
 * PostgreSQL (protocol 3.0; "Message Flow", "SSL Session Encryption"). The client asks for TLS and
 * is answered with one byte, or begins TLS at once (sslnegotiation=direct). After TLS nothing is
 * looked at.
 *
 * A program beside which the proxy runs is told that there is no encryption here. What it says
 * then, its login or the cancellation of a query, is not used until TLS with the server is there.
 */
#include "transit/proxy/front_kind.h"

#include "base/pack.h"

#define REQUEST_SIZE 8
#define SSL_REQUEST 80877103
#define GSS_REQUEST 80877104
#define REFUSALS_MAX 4
#define TLS_HANDSHAKE 0x16 /* first byte of a client's TLS; no message begins with it */

/* What a client begins with. */
enum opening { INCOMPLETE, ASKS_FOR_TLS, ASKS_FOR_GSS, BEGINS_TLS, PLAIN };

static enum opening opening_of(struct bytes in) {
  if (in.data[0] == TLS_HANDSHAKE)
    return BEGINS_TLS;
  if (in.size < REQUEST_SIZE)
    return INCOMPLETE;
  struct unpack u = unpack_of(in);
  uint32_t size = unpack_u32(&u), code = unpack_u32(&u);
  if (size == REQUEST_SIZE && code == SSL_REQUEST)
    return ASKS_FOR_TLS;
  return size == REQUEST_SIZE && code == GSS_REQUEST ? ASKS_FOR_GSS : PLAIN;
}

static void tell(const struct front *f, enum front_fault fault, const char *why, struct buf *out) {
  const struct {
    char field;
    const char *text;
  } fields[] = {
    { 'S', "FATAL" },
    { 'V', "FATAL" },
    { 'C', fault == FRONT_WANTS_TLS ? "28000" : "08006" },
    { 'M', why },
  };
  AUTO_BUF body = BUF_EMPTY;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    buf_put_char(&body, fields[i].field);
    buf_put(&body, fields[i].text, strlen(fields[i].text) + 1);
  }
  buf_put_char(&body, '\0');
  out->failed |= body.failed;
  buf_put_char(out, 'E');
  pack_u32(out, 4 + (uint32_t)body.size);
  buf_put_bytes(out, buf_bytes(&body));
}

static size_t refuse_encryption(struct front *f, struct front_out out) {
  if (f->postgres.refusals++ == REFUSALS_MAX)
    return front_end(f, FRONT_FAULT, "the client asks for encryption again and again", out.client);
  buf_put_char(out.client, 'N');
  return REQUEST_SIZE;
}

/* In front of a server. */

static size_t hear_client(struct front *f, struct bytes in, struct front_out out) {
  switch (opening_of(in)) {
  case INCOMPLETE:
    return 0;
  case ASKS_FOR_GSS:
    return refuse_encryption(f, out);
  case ASKS_FOR_TLS:
    f->state = FRONT_TLS;
    buf_put_char(out.client, 'S');
    return REQUEST_SIZE;
  case BEGINS_TLS:
    f->state = FRONT_TLS;
    return 0;
  case PLAIN:
    break;
  }
  return front_end(f, FRONT_WANTS_TLS,
                   "only TLS is served here: set sslmode=verify-full, sslcert, sslkey, sslrootcert",
                   out.client);
}

/* It has nothing to say before it was asked; what it says all the same is passed on after TLS. */
static size_t hold_server(struct front *f, struct bytes in, struct front_out out) {
  return 0;
}

/* Beside a client. */

static size_t hear_program(struct front *f, struct bytes in, struct front_out out) {
  if (f->postgres.asked)
    return 0;
  switch (opening_of(in)) {
  case INCOMPLETE:
    return 0;
  case ASKS_FOR_GSS:
  case ASKS_FOR_TLS:
    return refuse_encryption(f, out);
  case BEGINS_TLS:
    return front_end(f, FRONT_FAULT, "the local program begins TLS: set sslmode=disable", NULL);
  case PLAIN:
    break;
  }
  f->postgres.asked = true;
  pack_u32(out.server, REQUEST_SIZE);
  pack_u32(out.server, SSL_REQUEST);
  return 0;
}

/* An error message instead of the byte is not passed on: whoever is in between could have written
 * it. */
static size_t hear_server(struct front *f, struct bytes in, struct front_out out) {
  if (!f->postgres.asked)
    return front_end(f, FRONT_FAULT, "the server speaks before it was asked", out.client);
  if (in.data[0] == 'N')
    return front_end(f, FRONT_FAULT, "the server has no TLS", out.client);
  if (in.data[0] != 'S')
    return front_end(f, FRONT_FAULT, "the server does not answer as PostgreSQL does", out.client);
  f->state = FRONT_TLS;
  return 1;
}

static const struct front_calls calls = {
  .from_client = { [FRONT_SERVER] = hear_client, [FRONT_CLIENT] = hear_program },
  .from_server = { [FRONT_SERVER] = hold_server, [FRONT_CLIENT] = hear_server },
  .secured = FRONT_THROUGH,
  .tell = tell,
};

const struct front_kind front_postgres = { .name = "postgres", .calls = &calls };
