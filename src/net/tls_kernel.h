/*
 * Kernel TLS for what we send: after a handshake the kernel gets the keys, and makes records of
 * whatever goes into the socket, so that splice(2) moves content from another socket into TLS
 * without its coming into the process. What comes in is deciphered by OpenSSL as ever (3.0 has
 * receiving for TLS 1.2 only, and we ask for none).
 *
 * OpenSSL decides after each handshake: a kernel that does not take the cipher, a peer that wants
 * short records, a socket that is full leave it as it was. It hands the keys over itself, and sends
 * alerts and handshake messages with their type of record (sendmsg() with a control message), by a
 * socket BIO of its own which is below ours (tls_io.c) and unused until then.
 *
 * Of a record that it has accepted the kernel may hold a part for which there was no room, and
 * loses it when the socket is shut down meanwhile. So close_notify waits until there is room for
 * both.
 *
 * What is lost: OpenSSL 3.0 can't give the kernel new keys. A peer that asks for a change of ours
 * (KeyUpdate, update_requested) must have it before it gets more content; OpenSSL would answer with
 * the next SSL_write(), which never comes, and take keys that the kernel does not know. So reading
 * fails then: a cut, which nobody takes for an end. A peer that changes its own keys only is fine.
 * We ask for no changes, with or without the kernel.
 */
#ifndef NET_TLS_KERNEL_H
#define NET_TLS_KERNEL_H

#include <stdbool.h>

/* Whether this kernel has it. Makes a socket; any thread. */
bool tls_kernel_here(void);

#endif
