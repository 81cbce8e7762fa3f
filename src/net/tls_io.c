#include "net/tls_io.h"

#include "base/clock.h"
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

/* The socket as OpenSSL sees it. */

static int bio_read(BIO *b, char *out, int size) {
  struct tls_io *io = BIO_get_data(b);
  BIO_clear_retry_flags(b);
  if (!io->may_recv || io->recvs == 0) {
    BIO_set_retry_read(b);
    return -1;
  }
  io->recvs--;
  ssize_t n = recv(io->fd, out, (size_t)size, 0);
  bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
  /* Told of changes only, who got less than there was room for has got it all. */
  io->may_recv = io->edge && !(n < 0 && errno == EAGAIN) && (n == size || n < 0 || io->gone);
  io->ended |= n == 0;
  if (later)
    BIO_set_retry_read(b);
  else if (n < 0)
    io->error = errno;
  return (int)n;
}

static int gather(BIO *b, struct block *out, const char *data, int size) {
  if (!out->data || BLOCK_ROOM - out->end < (size_t)size) {
    BIO_set_retry_write(b);
    return -1;
  }
  return (int)block_put(out, bytes_of(data, (size_t)size));
}

static int bio_write(BIO *b, const char *data, int size) {
  struct tls_io *io = BIO_get_data(b);
  BIO_clear_retry_flags(b);
  if (tls_kernel_sends(b))
    return tls_kernel_write(b, data, size);
  if (io->out)
    return gather(b, io->out, data, size);
  ssize_t n = send(io->fd, data, (size_t)size, MSG_NOSIGNAL);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_retry_write(b);
  else if (n < 0)
    io->error = errno;
  return (int)n;
}

static long bio_ctrl(BIO *b, int command, long number, void *pointer) {
  BIO *below = BIO_next(b); /* of tls_kernel_below() */
  return below ? BIO_ctrl(below, command, number, pointer) : command == BIO_CTRL_FLUSH;
}

static pthread_once_t method_once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method;

static void method_make(void) {
  BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
  if (m && BIO_meth_set_read(m, bio_read) && BIO_meth_set_write(m, bio_write) &&
      BIO_meth_set_ctrl(m, bio_ctrl))
    method = m;
  else
    BIO_meth_free(m);
}

static BIO *bio_new(struct tls_io *io) {
  pthread_once(&method_once, method_make);
  BIO *bio = method ? BIO_new(method) : NULL;
  if (bio) {
    BIO_set_data(bio, io);
    BIO_set_init(bio, 1);
  }
  return bio;
}

static err_t open_io(struct tls_io *io, struct tls *tls) {
  AUTO_BIO *in = bio_new(io);
  AUTO_BIO *out = tls->kernel ? bio_new(io) : NULL;
  io->ssl = SSL_new(tls->ctx);
  if (!in || !io->ssl || (tls->kernel && (!out || !tls_kernel_below(out, io->fd))))
    return ERR_NOMEM;
  SSL_set_bio(io->ssl, in, out ? out : in);
  in = out = NULL;
  SSL_set_app_data(io->ssl, io);
  io->tls = tls_ref(tls);
  return OK;
}

err_t tls_io_accept(struct tls_io *io, struct tls *tls, int fd) {
  *io = (struct tls_io){ .fd = fd };
  err_t e = open_io(io, tls);
  if (e != OK) {
    tls_io_close(io);
    return e;
  }
  SSL_set_accept_state(io->ssl);
  return OK;
}

/* An address is looked for among the certificate's addresses, a name among its names. */
static bool expect_host(SSL *ssl, const char *host) {
  uint8_t address[sizeof(struct in6_addr)];
  if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

err_t tls_io_connect(struct tls_io *io, struct tls *tls, int fd, const char *host) {
  *io = (struct tls_io){ .fd = fd };
  err_t e = open_io(io, tls);
  if (e == OK && !expect_host(io->ssl, host))
    e = ERR_NOMEM;
  if (e != OK) {
    tls_io_close(io);
    return e;
  }
  SSL_set_connect_state(io->ssl);
  return OK;
}

/* Names in a subject, where certificates of old had them, count for nothing here. */
static bool expect(SSL *ssl, const char *host, const char *name) {
  if (host && !expect_host(ssl, host))
    return false;
  if (host)
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return !name || SSL_set_tlsext_host_name(ssl, name) == 1;
}

err_t tls_io_open(struct tls_io *io, struct tls *tls, int fd, const char *host, const char *name) {
  *io = (struct tls_io){ .fd = fd };
  err_t e = open_io(io, tls);
  if (e == OK && !expect(io->ssl, host, name))
    e = ERR_NOMEM;
  if (e != OK) {
    tls_io_close(io);
    return e;
  }
  SSL_set_connect_state(io->ssl);
  return OK;
}

err_t tls_io_probe(struct tls_io *io, struct tls *tls, int fd, const char *name) {
  *io = (struct tls_io){ .fd = fd };
  err_t e = open_io(io, tls);
  if (e == OK && SSL_set_tlsext_host_name(io->ssl, name) != 1)
    e = ERR_NOMEM;
  if (e != OK) {
    tls_io_close(io);
    return e;
  }
  SSL_set_connect_state(io->ssl);
  return OK;
}

bool tls_io_speaks(const struct tls_io *io, const char *protocol) {
  const unsigned char *agreed = NULL;
  unsigned size = 0;
  SSL_get0_alpn_selected(io->ssl, &agreed, &size);
  return bytes_equal_str(bytes_of(agreed, size), protocol);
}

err_t tls_io_peer(const struct tls_io *io, struct buf *der) {
  X509 *peer = SSL_get0_peer_certificate(io->ssl);
  int n = peer ? i2d_X509(peer, NULL) : 0;
  if (n <= 0)
    FAIL(ERR_IO, "the server showed no certificate");
  if (!buf_reserve(der, (size_t)n))
    return ERR_NOMEM;
  uint8_t *to = der->data + der->size;
  der->size += (size_t)i2d_X509(peer, &to);
  return OK;
}

void tls_io_facts(const struct tls_io *io, struct tls_facts *out) {
  *out = (struct tls_facts){ "", "", "", { 0 } };
  const unsigned char *agreed = NULL;
  unsigned size = 0;
  const char *name = io->ssl ? SSL_get_servername(io->ssl, TLSEXT_NAMETYPE_host_name) : NULL;
  out->name = name ? name : "";
  if (!io->ssl || !SSL_is_init_finished(io->ssl))
    return;
  SSL_get0_alpn_selected(io->ssl, &agreed, &size);
  out->version = SSL_get_version(io->ssl);
  out->cipher = SSL_get_cipher_name(io->ssl);
  out->alpn = bytes_of(agreed, size);
}

void tls_io_close(struct tls_io *io) {
  SSL_free(io->ssl);
  tls_free(io->tls);
  if (io->fd >= 0)
    close(io->fd);
  *io = TLS_IO_CLOSED;
}

/* Before each operation: errors that others left in the thread's queue would be taken for ours. */
static void begin(struct tls_io *io) {
  if (ERR_peek_error())
    ERR_clear_error();
  io->may_recv |= !io->edge;
  io->recvs = io->edge ? 2 : 1; /* what begins in a full buffer may end behind it */
}

static enum tls_io_result result_of(struct tls_io *io, int ret) {
  switch (SSL_get_error(io->ssl, ret)) {
  case SSL_ERROR_NONE:
    return TLS_IO_OK;
  case SSL_ERROR_WANT_READ:
    return TLS_IO_WANT_READ;
  case SSL_ERROR_WANT_WRITE:
    return TLS_IO_WANT_WRITE;
  case SSL_ERROR_ZERO_RETURN:
    return TLS_IO_EOF;
  default:
    return TLS_IO_FAILED;
  }
}

enum tls_io_result tls_io_handshake(struct tls_io *io) {
  begin(io);
  enum tls_io_result r = result_of(io, SSL_do_handshake(io->ssl));
  if (r == TLS_IO_OK) {
    io->kernel = tls_kernel_sends(SSL_get_wbio(io->ssl));
    tls_free(TAKE(io->tls));
  }
  return r;
}

err_t tls_io_handshake_error(struct tls_io *io) {
  long verdict = SSL_get_verify_result(io->ssl);
  unsigned long code = ERR_peek_last_error();
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH)
    FAIL(ERR_IO, "the server's certificate is for another name");
  if (verdict != X509_V_OK)
    FAIL(ERR_IO, "the server's certificate is not trusted: %s",
         X509_verify_cert_error_string(verdict));
  if (code == 0)
    FAIL(ERR_IO, "the server closed the connection during the TLS handshake");
  const char *reason = ERR_reason_error_string(code);
  FAIL(ERR_IO, "the TLS handshake failed: %s", reason ? reason : "unknown reason");
}

enum tls_io_result tls_io_read(struct tls_io *io, void *out, size_t room, size_t *n) {
  begin(io);
  enum tls_io_result r = result_of(io, SSL_read_ex(io->ssl, out, room, n));
  if (io->outdated)
    *n = 0;
  return io->outdated ? TLS_IO_FAILED : r;
}

enum tls_io_result tls_io_write(struct tls_io *io, const void *data, size_t size, size_t *n) {
  begin(io);
  return result_of(io, SSL_write_ex(io->ssl, data, size, n));
}

bool tls_io_pending(const struct tls_io *io) {
  return SSL_has_pending(io->ssl) == 1;
}

enum tls_io_result tls_io_finish(struct tls_io *io) {
  if (io->kernel && !tls_kernel_has_room(io->fd))
    return TLS_IO_WANT_WRITE;
  bool may_recv = io->may_recv;
  begin(io);
  io->may_recv = false; /* OpenSSL would look for the peer's end at once */
  int ret = SSL_shutdown(io->ssl);
  io->may_recv = may_recv;
  return ret >= 0 ? TLS_IO_OK : result_of(io, ret);
}

void tls_io_shutdown(struct tls_io *io) {
  tls_io_finish(io);
  shutdown(io->fd, SHUT_WR);
}

enum tls_io_result tls_io_discard(struct tls_io *io, size_t *n) {
  char scrap[16384];
  ssize_t got = recv(io->fd, scrap, sizeof scrap, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return TLS_IO_WANT_READ;
  if (got < 0)
    return TLS_IO_FAILED;
  *n = (size_t)got;
  return got == 0 ? TLS_IO_EOF : TLS_IO_OK;
}

void tls_io_trim(struct tls_io *io) {
  if (!SSL_has_pending(io->ssl))
    SSL_free_buffers(io->ssl);
}

err_t tls_io_wait(const struct tls_io *io, enum tls_io_result want, uint64_t *budget_us) {
  struct pollfd p = { .fd = io->fd, .events = want == TLS_IO_WANT_WRITE ? POLLOUT : POLLIN };
  uint64_t start = clock_mono_us();
  uint64_t ms = *budget_us / 1000 + 1;
  int n = poll(&p, 1, ms < INT_MAX ? (int)ms : INT_MAX);
  uint64_t waited = clock_mono_us() - start;
  *budget_us -= waited < *budget_us ? waited : *budget_us;
  if (n < 0 && errno != EINTR)
    FAIL(ERR_IO, "poll: %s", strerror(errno));
  if (*budget_us == 0)
    FAIL(ERR_TIMEOUT, "the peer is too slow");
  return OK;
}
