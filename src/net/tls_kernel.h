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
 * What is lost: OpenSSL 3.0 can't give the kernel new keys. A peer that asks for a change of keys
 * (KeyUpdate, update_requested) would be answered, and what follows be sent with the old ones.
 * So nothing more is sent then, and the connection fails: a cut, which nobody takes for an end. A
 * peer that changes its own keys only is fine. We ask for none, with or without the kernel.
 */
#ifndef NET_TLS_KERNEL_H
#define NET_TLS_KERNEL_H

#include <stdbool.h>

/* Whether this kernel has it. Makes a socket; any thread. */
bool tls_kernel_here(void);

#endif
