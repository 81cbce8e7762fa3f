/*
 * A line of JSON for each connection that has ended: who it was, where it went, how much passed and
 * why it ended. What the peer chose (names, protocols) is escaped and cut, so that a line is one
 * line, of a bounded size, and does nothing to the terminal that shows it. Any thread.
 */
#ifndef TRANSIT_PROXY_ACCESS_LOG_H
#define TRANSIT_PROXY_ACCESS_LOG_H

#include "base/bytes.h"

#define ACCESS_LOG_TEXT_MAX 1024 /* bytes of each text */

/* Texts are empty where there is nothing to say. */
struct proxy_ended {
  int64_t began_us;     /* Unix microseconds */
  uint64_t lasted_us;   /* until it ended */
  struct bytes service; /* the configured name */
  struct bytes peer;    /* address of who connected, "192.0.2.1:50000" */
  struct bytes
    identity; /* of the certificate on the other side of TLS: the name that was matched */
  struct bytes sni, alpn;
  struct bytes backend; /* where it went */
  struct bytes tls;     /* "TLSv1.3" */
  uint64_t bytes_in;    /* passed on from who connected to the backend */
  uint64_t bytes_out;   /* the other way */
  struct bytes end;     /* a word: "closed", "reset", "idle", "refused", .. */
  struct bytes why;     /* more of it, of this program's own words */
};
/* Appends the line, with its end. A failure is the buf's. */
void access_log_put(struct buf *out, const struct proxy_ended *e);

#endif
