/*
 * The kernel's TLS, sending side, for kernels without it: what is sent by the calls below into a
 * socket that was given keys by setsockopt() comes out as records, as linux/tls.h has it. AES-GCM,
 * TLS 1.2 and 1.3; other ciphers are refused. It is linked into a test program, or preloaded; calls
 * of OpenSSL's libraries come here, too. A socket belongs to one thread at a time.
 *
 * As in the kernel, a record that was accepted goes out, if not at once, then when there is room
 * (here: by a thread), and nothing else is accepted before it has.
 */
#ifndef TESTS_FAKE_KTLS_H
#define TESTS_FAKE_KTLS_H

#include <stdatomic.h>

extern atomic_bool fake_ktls_refuses; /* no cipher is good enough */
extern atomic_bool fake_ktls_busy;    /* the next alert finds no room */

#endif
