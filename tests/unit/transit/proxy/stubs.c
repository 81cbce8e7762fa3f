/* Stand-ins for crypto/cert_match.c, front*.c and pp2.c until those are there. They know what the
 * tests of the data path need and no more. */
#include "crypto/cert_match.h"
#include "transit/proxy/front.h"
#include "transit/proxy/pp2.h"

#include <arpa/inet.h>
#include <netinet/in.h>

bool cert_pattern_valid(struct bytes pattern) {
  return pattern.size > 0 && !bytes_equal_str(pattern, "*");
}

const char *cert_match(const struct cert_info *info, const char *const *patterns, size_t count) {
  static const enum cert_san kinds[] = { SAN_DNS, SAN_URI };
  for (size_t k = 0; k < 2; k++)
    for (size_t i = 0; i < info->is.sans[kinds[k]].count; i++)
      for (size_t j = 0; j < count; j++)
        if (strcmp(info->is.sans[kinds[k]].items[i], patterns[j]) == 0)
          return info->is.sans[kinds[k]].items[i];
  return NULL;
}

struct front {
  enum front_side side;
  enum front_state state;
  bool asked;
};
static const struct front_kind postgres = { "postgres", false, NULL };
const struct front_kind *const front_kinds[] = { &postgres, NULL };
static const uint8_t request[8] = { 0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f };

const struct front_kind *front_find(const char *name) {
  return strcmp(name, postgres.name) == 0 ? &postgres : NULL;
}

err_t front_new(const struct front_kind *k, enum front_side side, struct front **out) {
  (void)k;
  if (!(*out = mem_zalloc(sizeof **out)))
    return ERR_NOMEM;
  (*out)->side = side;
  return OK;
}

void front_free(struct front *f) {
  mem_free(f);
}

enum front_state front_state(const struct front *f) {
  return f->state;
}

const char *front_why(const struct front *f) {
  (void)f;
  return "no TLS";
}

err_t front_from_client(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server) {
  *used = 0;
  if (in.size < sizeof request || f->asked)
    return OK;
  bool asks = memcmp(in.data, request, sizeof request) == 0;
  if (f->side == FRONT_CLIENT && !asks) {
    f->asked = true;
    buf_put(to_server, request, sizeof request);
    return buf_ok(to_server);
  }
  *used = asks ? sizeof request : in.size;
  f->state = f->side == FRONT_CLIENT ? FRONT_PLAIN : asks ? FRONT_TLS : FRONT_REFUSED;
  buf_put_char(to_client, f->side == FRONT_CLIENT ? 'N' : asks ? 'S' : 'E');
  return buf_ok(to_client);
}

err_t front_from_server(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server) {
  (void)to_client, (void)to_server;
  *used = 1;
  f->state = in.data[0] == 'S' ? FRONT_TLS : FRONT_REFUSED;
  return OK;
}

void front_secured(struct front *f) {
  f->state = FRONT_THROUGH;
}

err_t front_refuse(struct front *f, const char *why, struct buf *to_client) {
  (void)why;
  f->state = FRONT_REFUSED;
  buf_put_char(to_client, 'E');
  return buf_ok(to_client);
}

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

err_t pp2_read(struct bytes in, struct pp2 *out, size_t *used) {
  size_t n = in.size < sizeof signature ? in.size : sizeof signature;
  *used = 0;
  if (memcmp(in.data, signature, n) != 0)
    FAIL(ERR_BAD_PARAMETER, "no header");
  if (in.size < 28)
    return OK;
  struct sockaddr_in *from = (struct sockaddr_in *)&out->from;
  from->sin_family = AF_INET;
  memcpy(&from->sin_addr, in.data + 16, 4);
  memcpy(&from->sin_port, in.data + 24, 2);
  *used = 28;
  return OK;
}

/* The addresses alone. */
err_t pp2_write(const struct pp2 *p, struct buf *out) {
  const struct sockaddr_in *from = (const struct sockaddr_in *)&p->from;
  const struct sockaddr_in *to = (const struct sockaddr_in *)&p->to;
  buf_put(out, signature, sizeof signature);
  buf_put(out, "\x21\x11\0\x0c", 4);
  buf_put(out, &from->sin_addr, 4);
  buf_put(out, &to->sin_addr, 4);
  buf_put(out, &from->sin_port, 2);
  buf_put(out, &to->sin_port, 2);
  return buf_ok(out);
}
