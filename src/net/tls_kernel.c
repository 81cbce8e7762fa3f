#include "net/tls_kernel.h"

#include "net/tls_context.h"
#include "net/tls_io.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A socket that is not connected can't have it yet, but that is said only where there is one. */
bool tls_kernel_here(void) {
  static const char name[] = "tls";
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  bool here = setsockopt(fd, IPPROTO_TCP, TCP_ULP, name, sizeof name) == 0 || errno == ENOTCONN;
  close(fd);
  return here;
}

/* Before OpenSSL acts by the message. */
static void on_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl,
                       void *arg) {
  const uint8_t *message = data;
  struct tls_io *io = SSL_get_app_data(ssl);
  (void)version, (void)arg;
  if (!sent && type == SSL3_RT_HANDSHAKE && size > SSL3_HM_HEADER_LENGTH &&
      message[0] == SSL3_MT_KEY_UPDATE &&
      message[SSL3_HM_HEADER_LENGTH] == SSL_KEY_UPDATE_REQUESTED)
    io->outdated = tls_kernel_sends(SSL_get_wbio(ssl));
}

void tls_kernel_use(SSL_CTX *ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS);
  SSL_CTX_set_msg_callback(ctx, on_message);
}

bool tls_kernel_below(BIO *out, int fd) {
  BIO *below = BIO_new_socket(fd, BIO_NOCLOSE);
  return below && BIO_push(out, below);
}

bool tls_kernel_sends(BIO *out) {
  BIO *below = BIO_next(out);
  return below && BIO_get_ktls_send(below);
}

bool tls_kernel_has_room(int fd) {
  struct pollfd p = { .fd = fd, .events = POLLOUT };
  return poll(&p, 1, 0) == 1;
}

int tls_kernel_write(BIO *out, const char *data, int size) {
  struct tls_io *io = BIO_get_data(out);
  int n = BIO_write(BIO_next(out), data, size);
  BIO_copy_next_retry(out);
  if (n < 0 && !BIO_should_retry(out))
    io->error = errno;
  return n;
}
