/*
 * One TLS connection over a socket that does not block: what the server, the streaming lane and
 * the client share. Nothing here waits but tls_io_wait(). A struct tls_io is used by one thread at
 * a time and does not move while it is open.
 *
 * One call reads at most once from the socket. So a client that sends records without content
 * (key updates) cannot hold a thread in one call, and there is no second recv() only to learn that
 * nothing more has come.
 */
#ifndef NET_TLS_IO_H
#define NET_TLS_IO_H

#include "net/tls.h"

#define READ_ROOM 16384 /* what one record can hold */

struct ssl_st;

struct tls_io {
  struct ssl_st *ssl;
  int fd; /* owned; -1 when closed */
  bool may_recv;
};
#define TLS_IO_CLOSED ((struct tls_io){ .fd = -1 })

enum tls_io_result {
  TLS_IO_OK,
  TLS_IO_WANT_READ,
  TLS_IO_WANT_WRITE,
  TLS_IO_EOF, /* the peer said that nothing more comes */
  TLS_IO_FAILED
};

/* Takes fd over, also on failure. */
err_t tls_io_accept(struct tls_io *io, struct tls *tls, int fd);
/* host: the name or address that the certificate must cover. */
err_t tls_io_connect(struct tls_io *io, struct tls *tls, int fd, const char *host);
/* With a tls_prober(): name is sent, and nothing is expected of the certificate. */
err_t tls_io_probe(struct tls_io *io, struct tls *tls, int fd, const char *name);
/* After the handshake: whether that application protocol was agreed on, and the certificate that
 * the peer showed, appended to der. */
bool tls_io_speaks(const struct tls_io *io, const char *protocol);
err_t tls_io_peer(const struct tls_io *io, struct buf *der);
void tls_io_close(struct tls_io *io);

enum tls_io_result tls_io_handshake(struct tls_io *io);
/* Why a client's handshake failed, for people: ERR_IO, FAILed. */
err_t tls_io_handshake_error(struct tls_io *io);
/* One record at most; *n bytes on TLS_IO_OK, at least one. */
enum tls_io_result tls_io_read(struct tls_io *io, void *out, size_t room, size_t *n);
/* *n of them went out, on TLS_IO_OK. After TLS_IO_WANT_* the same bytes must be given again. */
enum tls_io_result tls_io_write(struct tls_io *io, const void *data, size_t size, size_t *n);
/* Bytes have been received that no tls_io_read() has looked at: the socket may not tell of them. */
bool tls_io_pending(const struct tls_io *io);
/* Sends close_notify and ends our side of the socket; what comes may still be read by
 * tls_io_discard(). */
void tls_io_shutdown(struct tls_io *io);
/* Throws away what has come, undeciphered. TLS_IO_WANT_READ when there may be more later. */
enum tls_io_result tls_io_discard(struct tls_io *io, size_t *n);
/* Gives the record buffers back (33 KiB); the next read or write makes new ones. */
void tls_io_trim(struct tls_io *io);

/* Waits until want can go on, at most *budget_us, which is reduced by the time waited. ERR_TIMEOUT
 * when it is used up. */
err_t tls_io_wait(const struct tls_io *io, enum tls_io_result want, uint64_t *budget_us);

#endif
