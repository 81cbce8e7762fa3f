/*
 * Front ends: protocols that begin in plain text and turn to TLS on the way (STARTTLS). A front end
 * is a state machine without a socket: it is shown what came from the client and from the server,
 * and says what is to be sent to whom, when TLS begins, and when everything that follows is passed
 * on untouched.
 *
 * Which side TLS is on: the client's when the proxy is in front of a server (FRONT_SERVER), the
 * server's when it is beside a client (FRONT_CLIENT). What comes from that side before TLS begins
 * is only looked at (MSG_PEEK) and then consumed as far as the front end says: so what was slipped
 * in behind it is taken for a part of the TLS handshake and breaks it (CVE-2021-23222).
 *
 * A front end keeps no bytes: what it has no use for yet stays with the caller.
 *
 * One thread at a time on one front end.
 */
#ifndef TRANSIT_PROXY_FRONT_H
#define TRANSIT_PROXY_FRONT_H

#include "base/bytes.h"

enum front_side { FRONT_SERVER, FRONT_CLIENT };

enum front_state {
  FRONT_PLAIN,   /* TLS has not begun */
  FRONT_TLS,     /* it is to begin now, behind what is to be sent; front_secured() follows */
  FRONT_INSIDE,  /* in TLS, but bytes are still shown to the front end */
  FRONT_THROUGH, /* nothing more is shown to it: what was not used is passed on as it is */
  FRONT_REFUSED  /* send what is to be sent, then close: front_why() */
};

struct front_kind {
  const char *name;         /* "postgres" */
  bool server_speaks_first; /* the server must be connected before the client is heard */
  const struct front_calls *calls;
};
/* NULL when there is none of that name. */
const struct front_kind *front_find(const char *name);
extern const struct front_kind *const front_kinds[]; /* ends with NULL */

struct front;
err_t front_new(const struct front_kind *k, enum front_side side, struct front **out);
void front_free(struct front *f);
CLEANUP(front, struct front *, front_free)
enum front_state front_state(const struct front *f);
const char *front_why(const struct front *f); /* of FRONT_REFUSED, for the log: no data of users */

/*
 * What came from one of them and was not used yet. *used of it is done with; what is left is shown
 * again when more has come, and when the state has changed. What is to be sent is appended. At most
 * FRONT_MAX bytes of the one that it waits for are needed at a time; of the other one nothing has
 * to be read meanwhile. ERR_NOMEM only, after which it is to be freed: bad input is a state.
 */
#define FRONT_MAX 65536
err_t front_from_client(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server);
err_t front_from_server(struct front *f, struct bytes in, size_t *used, struct buf *to_client,
                        struct buf *to_server);
/* The handshake is done. */
void front_secured(struct front *f);
/* Something else ends the connection (the server is away, the client's certificate is not let in):
 * said to the client in words of its protocol, if it is at a point where it can understand them.
 * Not once the handshake with the client has failed, or in FRONT_THROUGH. why is copied. */
err_t front_refuse(struct front *f, const char *why, struct buf *to_client);

#endif
