/*
 * A conversation through a front end: what client and server said and was not used yet, and what
 * each of them was sent. The front end sees what waits in blocks of their own size, so that a
 * sanitizer sees each byte that is read too far. Once it is through, what waits is passed on.
 */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include "transit/proxy/front.h"

#include <stdlib.h>

enum talker { CLIENT, SERVER, SECURED }; /* the last: the handshake is done */

struct talk {
  struct front *f;
  struct buf said[2], sent[2]; /* by enum talker */
};

static inline void talk_free(struct talk *t) {
  if (t->f)
    front_free(t->f);
  for (size_t i = 0; i < 2; i++) {
    buf_free(&t->said[i]);
    buf_free(&t->sent[i]);
  }
}
#define AUTO_TALK __attribute__((cleanup(talk_free))) struct talk

static inline err_t talk_show(struct talk *t, enum talker who, bool *moved) {
  struct buf *said = &t->said[who];
  enum front_state before = front_state(t->f);
  size_t used = 0, size = said->size;
  uint8_t *copy = mem_alloc(size ? size : 1);
  if (!copy)
    return ERR_NOMEM;
  if (size)
    memcpy(copy, said->data, size);
  err_t e = (who == CLIENT ? front_from_client : front_from_server)(
    t->f, bytes_of(copy, size), &used, &t->sent[CLIENT], &t->sent[SERVER]);
  mem_free(copy);
  TRY(e);
  if (used > size)
    abort();
  buf_drop(said, used);
  *moved |= used || front_state(t->f) != before;
  return OK;
}

static inline err_t talk_on(struct talk *t) {
  for (bool moved = true; moved;) {
    moved = false;
    TRY(talk_show(t, CLIENT, &moved));
    TRY(talk_show(t, SERVER, &moved));
  }
  for (int who = CLIENT; front_state(t->f) == FRONT_THROUGH && who <= SERVER; who++) {
    buf_put_bytes(&t->sent[who == CLIENT ? SERVER : CLIENT], buf_bytes(&t->said[who]));
    buf_clear(&t->said[who]);
  }
  TRY(buf_ok(&t->sent[CLIENT]));
  return buf_ok(&t->sent[SERVER]);
}

/* step: how many bytes come at a time. */
static inline err_t talk_say(struct talk *t, enum talker who, struct bytes what, size_t step) {
  if (who == SECURED) {
    front_secured(t->f);
    return talk_on(t);
  }
  while (what.size) {
    size_t n = what.size < step ? what.size : step;
    buf_put(&t->said[who], what.data, n);
    TRY(buf_ok(&t->said[who]));
    TRY(talk_on(t));
    what = bytes_of(what.data + n, what.size - n);
  }
  return OK;
}

#endif
