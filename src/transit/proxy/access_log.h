/*
 * A line of JSON for each connection that has ended: who it was, where it went, how much passed and
 * why it ended. What the peer chose (names, protocols) is escaped and cut, so that a line is one
 * line, of a bounded size, and does nothing to the terminal that shows it. Any thread.
 */
#ifndef TRANSIT_PROXY_ACCESS_LOG_H
#define TRANSIT_PROXY_ACCESS_LOG_H

#include "transit/proxy/ended.h"

#define ACCESS_LOG_TEXT_MAX 1024 /* bytes of each text */

/* Appends the line, with its end. A failure is the buf's. */
void access_log_put(struct buf *out, const struct proxy_ended *e);

#endif
