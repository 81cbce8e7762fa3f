#include "net/plain.h"

#include "net/tls_io.h"

#include <errno.h>
#include <unistd.h>

err_t plain_wait(int fd, bool to_write, uint64_t *budget_us) {
  const struct tls_io waiting = { .fd = fd };
  return tls_io_wait(&waiting, to_write ? TLS_IO_WANT_WRITE : TLS_IO_WANT_READ, budget_us);
}

err_t plain_write(int fd, struct bytes data, uint64_t *budget_us) {
  while (data.size) {
    ssize_t n = send(fd, data.data, data.size, MSG_NOSIGNAL);
    if (n < 0 && errno == EAGAIN)
      TRY(plain_wait(fd, true, budget_us));
    else if (n < 0)
      FAIL(ERR_IO, "the connection broke off");
    else
      data = bytes_of(data.data + n, data.size - (size_t)n);
  }
  return OK;
}

err_t plain_read(int fd, size_t max, struct buf *out, uint64_t *budget_us) {
  uint8_t in[1024];
  while (max) {
    ssize_t n = recv(fd, in, max < sizeof in ? max : sizeof in, 0);
    if (n == 0)
      break;
    if (n < 0 && errno == EAGAIN) {
      TRY(plain_wait(fd, false, budget_us));
      continue;
    }
    if (n < 0)
      FAIL(ERR_IO, "the connection broke off");
    buf_put(out, in, (size_t)n);
    max -= (size_t)n;
  }
  explicit_bzero(in, sizeof in);
  return buf_ok(out);
}

err_t plain_parse(struct bytes answer, int *status, struct bytes *body) {
  struct bytes line, rest = bytes_split(answer, '\n', &line);
  uint64_t number;
  if (line.size < 12 || !bytes_starts(line, "HTTP/1.") || line.data[8] != ' ' ||
      bytes_to_u64(bytes_of(line.data + 9, 3), 999, &number) != OK)
    FAIL(ERR_HTTP, "the answer is not HTTP");
  while (rest.data) {
    rest = bytes_split(rest, '\n', &line);
    if (rest.data && (line.size == 0 || (line.size == 1 && line.data[0] == '\r'))) {
      *status = (int)number;
      *body = rest;
      return OK;
    }
  }
  FAIL(ERR_HTTP, "the answer's headers do not end within %d bytes", PLAIN_ANSWER_MAX);
}

static err_t exchange(int fd, const struct plain_get *rq, uint64_t *budget_us, struct buf *in) {
  AUTO_BUF out = BUF_EMPTY;
  buf_printf(&out,
             "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: strongroom/" STRONGROOM_VERSION
             "\r\nAccept: */*\r\nConnection: close\r\n",
             rq->path, rq->host);
  buf_put_bytes(&out, rq->headers);
  buf_put(&out, "\r\n", 2);
  TRY(buf_ok(&out));
  TRY(plain_write(fd, buf_bytes(&out), budget_us));
  return plain_read(fd, PLAIN_ANSWER_MAX, in, budget_us);
}

err_t plain_get(const struct plain_get *rq, uint64_t *budget_us, int *status, struct buf *body) {
  AUTO_BUF in = BUF_EMPTY;
  struct bytes found;
  int fd = -1;
  int error = net_dial((const struct sockaddr *)&rq->from->socket, rq->from->size, SOCK_STREAM,
                       budget_us, &fd);
  if (error == ETIMEDOUT)
    FAIL(ERR_TIMEOUT, "nothing answers there");
  if (error)
    FAIL(ERR_IO, "cannot connect: %s", strerror(error));
  err_t e = exchange(fd, rq, budget_us, &in);
  close(fd);
  TRY(e);
  TRY(plain_parse(buf_bytes(&in), status, &found));
  buf_put_bytes(body, found);
  return buf_ok(body);
}
