/*
 * Trying again: what was not done because the server is busy, or away for a moment, is done a
 * little later, with pauses that double and that differ from client to client. One struct a
 * request, one thread.
 */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include "client/client.h"

struct retry {
  struct client_patience patience;
  uint64_t began_us;
  unsigned tried;
};
void retry_begin(struct retry *r, const struct client_patience *p);
/* How long the attempt that begins now may take. */
unsigned retry_timeout_ms(const struct retry *r);
/* Pauses, at least for what the server asked for; false, at once, when there is no more time, or
 * were none left after the pause. This thread's last error stays as it is. */
bool retry_again(struct retry *r, unsigned wait_s);

#endif
