/*
 * Where a proxy answers those who run it (transit/proxy/admin.h): a socket, and a thread that
 * serves a few connections at a time, each within a few seconds. It listens on a Unix socket (mode
 * 0600) or a loopback address and nowhere else.
 */
#ifndef CLI_PROXY_ADMIN_SERVER_H
#define CLI_PROXY_ADMIN_SERVER_H

#include "transit/proxy/admin.h"

struct admin_server;
/* Listens; serves from admin_server_start() on. admin is copied, its callbacks are called by the
 * thread. */
err_t admin_server_open(const char *address, const struct admin *admin, struct admin_server **out);
err_t admin_server_start(struct admin_server *s);
void admin_server_free(struct admin_server *s); /* joins the thread */
CLEANUP(admin_server, struct admin_server *, admin_server_free)

#endif
