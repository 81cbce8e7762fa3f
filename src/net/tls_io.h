/*
 * One TLS connection over a socket that does not block: what the server, the streaming lane and
 * the client share. Nothing here waits but tls_io_wait(). A struct tls_io is used by one thread at
 * a time and does not move while it is open.
 *
 * One call reads at most once from the socket, twice where changes are told. So a client that sends
 * records without content (key updates) cannot hold a thread in one call, and there is no second
 * recv() only to learn that nothing more has come.
 */
#ifndef NET_TLS_IO_H
#define NET_TLS_IO_H

#include "net/block.h"
#include "net/tls.h"

#define READ_ROOM 16384 /* what one record can hold */

struct ssl_st;

/* Who is meant, for contexts of tls_mutual(). Called during the handshake. */
struct tls_judge {
  /* Of a server: whether the name that the client asks for is served; NULL: it names none. */
  bool (*serves)(void *ctx, const char *name);
  /* Whether the peer may connect: its certificate is valid. NULL: any may. */
  bool (*admits)(void *ctx, struct bytes der);
};

struct tls_io {
  struct ssl_st *ssl;
  struct tls *tls; /* a share, until the handshake is done: OpenSSL calls what is in it */
  int fd;          /* owned; -1 when closed */
  bool may_recv;
  /*
   * For who is told of changes only (EPOLLET). Then may_recv is set by whoever learns that there is
   * something, and cleared here when there is no more; gone is set with EPOLLRDHUP, because an end
   * that has come with the last bytes is not told again.
   */
  bool edge, gone;
  unsigned recvs;    /* that one call may still make */
  bool ended;        /* the peer's kernel said that nothing more comes */
  int error;         /* errno of the socket; 0 */
  struct block *out; /* records are put here instead of sent: the owner sends them; NULL */
  const struct tls_judge *judge;
  void *judge_ctx;
  /*
   * After the handshake, with a tls_mutual() that asked for it: the kernel makes the records
   * (tls_kernel.h). Content goes into fd as it is; tls_io_finish() and what TLS has to say go there
   * at once, out or not.
   */
  bool kernel;
  bool outdated; /* the peer asked for new keys, which the kernel can't have: reading fails */
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
/* With a tls_mutual() of a client. host as above; NULL where the judge alone decides. name: what
 * is asked for (SNI), NULL: nothing. */
err_t tls_io_open(struct tls_io *io, struct tls *tls, int fd, const char *host, const char *name);
/* With a tls_prober(): name is sent, and nothing is expected of the certificate. */
err_t tls_io_probe(struct tls_io *io, struct tls *tls, int fd, const char *name);
/* After the handshake: whether that application protocol was agreed on, and the certificate that
 * the peer showed, appended to der. */
bool tls_io_speaks(const struct tls_io *io, const char *protocol);
err_t tls_io_peer(const struct tls_io *io, struct buf *der);
/* What was agreed on, for the log; "" and empty when nothing was. Views of the connection. */
struct tls_facts {
  const char *version, *cipher; /* "TLSv1.3" */
  const char *name;             /* that the client asked for, also when the handshake failed */
  struct bytes alpn;
};
void tls_io_facts(const struct tls_io *io, struct tls_facts *out);
/* Whether the peer's certificate is on a revocation list of tls, if its handshake was another's. */
bool tls_io_revoked(const struct tls_io *io, const struct tls *tls);
void tls_io_close(struct tls_io *io);

enum tls_io_result tls_io_handshake(struct tls_io *io);

/* Why a handshake failed, or a connection after it: name, short text, what it means. */
#define TLS_FAILURES(X) \
  X(NONE, "none", "nothing failed") \
  X(CLOSED, "closed", "the peer closed the connection") \
  X(RESET, "reset", "the peer broke the connection off") \
  X(NOT_TLS, "not_tls", "the peer does not speak TLS") \
  X(VERSION, "version", "the peer's versions of TLS are too old") \
  X(CIPHER, "cipher", "no cipher, group or signature in common") \
  X(PROTOCOL, "protocol", "no application protocol in common") \
  X(NAME, "name", "the client asked for a name that is not served") \
  X(NO_CERTIFICATE, "no_certificate", "the peer showed no certificate") \
  X(EXPIRED, "expired", "the peer's certificate has expired") \
  X(NOT_YET, "not_yet", "the peer's certificate is not valid yet") \
  X(REVOKED, "revoked", "the peer's certificate is revoked") \
  X(LIST, "list", "there is no revocation list of the issuer, or it is out of date") \
  X(UNTRUSTED, "untrusted", "the peer's certificate is of another authority") \
  X(PURPOSE, "purpose", "the peer's certificate is not for this use") \
  X(WRONG_NAME, "wrong_name", "the server's certificate is for another name") \
  X(NOT_ADMITTED, "not_admitted", "the peer is not one of those that may connect") \
  X(CERTIFICATE, "certificate", "the peer's certificate is wrong") \
  X(REFUSED, "refused", "the peer refused") \
  X(OTHER, "other", "the peer broke the rules of TLS")
enum tls_failure {
#define X(name, text, meaning) TLS_FAILURE_##name,
  TLS_FAILURES(X)
#undef X
    TLS_FAILURE_COUNT
};
const char *tls_failure_name(enum tls_failure f);
const char *tls_failure_meaning(enum tls_failure f);
/* Right after TLS_IO_FAILED. *detail is OpenSSL's word for it, or "". */
enum tls_failure tls_io_failure(const struct tls_io *io, const char **detail);

/* Why a client's handshake failed, for people: ERR_IO, FAILed. */
err_t tls_io_handshake_error(struct tls_io *io);
/* One record at most; *n bytes on TLS_IO_OK, at least one. */
enum tls_io_result tls_io_read(struct tls_io *io, void *out, size_t room, size_t *n);
/* *n of them went out, on TLS_IO_OK. After TLS_IO_WANT_* the same bytes must be given again. */
enum tls_io_result tls_io_write(struct tls_io *io, const void *data, size_t size, size_t *n);
/* Bytes have been received that no tls_io_read() has looked at: the socket may not tell of them. */
bool tls_io_pending(const struct tls_io *io);
/* Sends close_notify only: what the peer says may still be read. Again after TLS_IO_WANT_WRITE. */
enum tls_io_result tls_io_finish(struct tls_io *io);
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
