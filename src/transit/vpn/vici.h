/*
 * strongSwan's control interface: commands and events over a local stream socket. One thread at a
 * time on one connection; who waits for events has a connection to itself.
 */
#ifndef TRANSIT_VPN_VICI_H
#define TRANSIT_VPN_VICI_H

#include "transit/vpn/vici_message.h"

struct vici;
/* ERR_AWAY (FAILed) when nobody listens there. */
err_t vici_open(const char *path, struct vici **out);
void vici_free(struct vici *v);
CLEANUP(vici, struct vici *, vici_free)
int vici_fd(const struct vici *v);

/* Asks, and waits some seconds for the answer (ERR_AWAY, FAILed: the connection is of no use any
 * more). ERR_CONFLICT (FAILed) with strongSwan's words where it says no. request may be NULL;
 * answer (may be NULL) is appended to. */
err_t vici_call(struct vici *v, const char *command, const struct buf *request, struct buf *answer);
/* The same for commands that answer with a row of events: each gets the message of every one. An
 * error of each is returned at the end; it is not called again after it. */
typedef err_t vici_each(void *ctx, struct bytes message);
err_t vici_list(struct vici *v, const char *command, const char *event, const struct buf *request,
                vici_each *each, void *ctx);

/* From now on events of that name come over this connection. */
err_t vici_listen(struct vici *v, const char *event);
/* Takes what has come, without waiting; *any is whether there was an event. ERR_AWAY (FAILed) when
 * the other end is gone. */
err_t vici_heard(struct vici *v, bool *any);

#endif
