/*
 * Telling systemd how it goes (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
 * Without one nothing is said. Any thread.
 */
#ifndef CLI_PROXY_NOTIFY_H
#define CLI_PROXY_NOTIFY_H

/* A connected socket, -1 without one; NOTIFY_SOCKET is removed from the environment. While the
 * program has one thread, before its sandbox. */
int notify_open(void);
/* "READY=1\nSTATUS=.." */
void notify_say(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
