/* The ids of client assertions that were used: one application's list, of bounded length. It is in
 * memory only; a restart forgets it. */
#include "identity/internal.h"

#define REPLAY_ROOM_MIN 32
#define REPLAY_ROOM_MAX 4096

struct replay_seen {
  uint8_t digest[SHA256_SIZE]; /* of the jti */
  int64_t expires;
};

void replay_free(struct replay *r) {
  mem_free(r->seen);
  *r = (struct replay){ 0 };
}

static void drop_expired(struct replay *r, int64_t now) {
  size_t kept = 0;
  for (size_t i = 0; i < r->count; i++)
    if (now < r->seen[i].expires)
      r->seen[kept++] = r->seen[i];
  r->count = kept;
}

static err_t grow(struct replay *r) {
  size_t room = r->room ? r->room * 2 : REPLAY_ROOM_MIN;
  void *p = mem_realloc(r->seen, room * sizeof *r->seen);
  if (!p)
    return ERR_NOMEM;
  r->seen = p;
  r->room = room;
  return OK;
}

err_t replay_use(struct replay *r, const char *jti, int64_t expires, int64_t now, bool *fresh) {
  struct replay_seen used = { .expires = expires };
  TRY(crypto_sha256(bytes_str(jti), used.digest));
  *fresh = false;
  for (size_t i = 0; i < r->count; i++)
    if (digest_equal(r->seen[i].digest, used.digest))
      return OK;
  if (r->count == r->room)
    drop_expired(r, now);
  if (r->count == r->room && r->room < REPLAY_ROOM_MAX)
    TRY(grow(r));
  if (r->count == r->room)
    return OK;
  r->seen[r->count++] = used;
  *fresh = true;
  return OK;
}
