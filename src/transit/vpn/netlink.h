/*
 * Asking the kernel about routes and IPsec by netlink: one request, its answers, one thread at a
 * time on one socket; and hearing of changes.
 */
#ifndef TRANSIT_VPN_NETLINK_H
#define TRANSIT_VPN_NETLINK_H

#include "base/bytes.h"

#include <linux/netlink.h>

/* A request that is being put together. It is large enough for all that are made here; what does
 * not fit is a defect. */
struct nl_request {
  _Alignas(struct nlmsghdr) uint8_t bytes[2048];
};
/* flags: beyond NLM_F_REQUEST; payload: the family's own header. */
void nl_begin(struct nl_request *r, unsigned type, unsigned flags, const void *payload,
              size_t size);
void nl_put(struct nl_request *r, unsigned type, const void *data, size_t size);
void nl_put_u32(struct nl_request *r, unsigned type, uint32_t value);

/* An answer's attributes: they begin behind its header of so many bytes. */
struct nl_answer {
  unsigned type;
  struct bytes body; /* header and attributes */
};
/* The data of the first attribute of that type; data NULL when there is none. */
struct bytes nl_attribute(const struct nl_answer *a, size_t header, unsigned type);
/* The same for a number; without one, fallback. */
uint32_t nl_attribute_u32(const struct nl_answer *a, size_t header, unsigned type,
                          uint32_t fallback);

/* protocol: NETLINK_ROUTE, NETLINK_XFRM. *error is the errno of the system where it has no such
 * thing. */
err_t nl_open(int protocol, int *fd, int *error);
/* Sends, and waits for the end: *error is the kernel's errno, 0 when it is done. each (may be NULL)
 * gets every answer; its error ends the wait. */
typedef err_t nl_each(void *ctx, const struct nl_answer *a);
err_t nl_ask(int fd, struct nl_request *r, nl_each *each, void *ctx, int *error);

/* --- changes --- */

#define NL_GROUP(number) (1u << ((number)-1)) /* of RTNLGRP_.., XFRMNLGRP_.. */
/* A socket that hears of changes in those groups, and does not block. */
err_t nl_listen(int protocol, uint32_t groups, int *fd);
/* Each change that was heard; *lost: there were more of them than the socket holds. */
err_t nl_heard(int fd, nl_each *each, void *ctx, bool *lost);

#endif
