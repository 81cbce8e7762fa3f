#include "transit/proxy/front_kind.h"

#include <stdio.h>

const struct front_kind *const front_kinds[] = { &front_mysql, &front_postgres, NULL };

const struct front_kind *front_find(const char *name) {
  for (const struct front_kind *const *k = front_kinds; *k; k++)
    if (strcmp((*k)->name, name) == 0)
      return *k;
  return NULL;
}

err_t front_new(const struct front_kind *k, enum front_side side, struct front **out) {
  struct front *f = mem_zalloc(sizeof *f);
  if (!f)
    return ERR_NOMEM;
  f->kind = k;
  f->side = side;
  *out = f;
  return OK;
}

void front_free(struct front *f) {
  mem_free(f);
}

enum front_state front_state(const struct front *f) {
  return f->state;
}

const char *front_why(const struct front *f) {
  return f->why;
}

size_t front_end(struct front *f, enum front_fault fault, const char *why, struct buf *to_client) {
  snprintf(f->why, sizeof f->why, "%s", why);
  f->state = FRONT_REFUSED;
  if (to_client)
    f->kind->calls->tell(f, fault, f->why, to_client);
  return 0;
}

/* What a front end refuses is done with as a whole: a connection that is closed with bytes unread
 * is reset, and what was sent to the client may be lost with it. */
static err_t show(struct front *f, front_step *step, struct bytes in, size_t *used,
                  struct front_out out) {
  enum front_state begun = f->state;
  *used = 0;
  if (begun != FRONT_PLAIN && begun != FRONT_INSIDE)
    return OK;
  for (size_t n = 1; n && *used < in.size && f->state == begun; *used += n)
    n = step(f, bytes_of(in.data + *used, in.size - *used), out);
  if (f->state == FRONT_REFUSED)
    *used = in.size;
  TRY(buf_ok(out.client));
  return buf_ok(out.server);
}

err_t front_from_client(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server) {
  return show(f, f->kind->calls->from_client[f->side], in, used,
              (struct front_out){ to_client, to_server });
}

err_t front_from_server(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server) {
  return show(f, f->kind->calls->from_server[f->side], in, used,
              (struct front_out){ to_client, to_server });
}

void front_secured(struct front *f) {
  if (f->state == FRONT_TLS)
    f->state = f->kind->calls->secured;
}

err_t front_refuse(struct front *f, const char *why, struct buf *to_client) {
  bool through = f->state == FRONT_THROUGH || f->state == FRONT_REFUSED;
  front_end(f, FRONT_FAULT, why, through ? NULL : to_client);
  return buf_ok(to_client);
}
