#include "seal/io.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* After a failed read or write: whether it is to be tried again. */
static bool again(int fd, short events) {
  struct pollfd p = { .fd = fd, .events = events };
  if (errno == EINTR)
    return true;
  if (errno != EAGAIN)
    return false;
  return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

err_t io_read(int fd, void *out, size_t size, size_t *got) {
  *got = 0;
  while (*got < size) {
    ssize_t n = read(fd, (uint8_t *)out + *got, size - *got);
    if (n == 0)
      break;
    if (n > 0)
      *got += (size_t)n;
    else if (!again(fd, POLLIN))
      FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  }
  return OK;
}

err_t io_read_at(int fd, uint64_t at, void *out, size_t size, size_t *got) {
  *got = 0;
  while (*got < size) {
    ssize_t n = pread(fd, (uint8_t *)out + *got, size - *got, (off_t)(at + *got));
    if (n == 0)
      break;
    if (n > 0)
      *got += (size_t)n;
    else if (!again(fd, POLLIN))
      FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  }
  return OK;
}

err_t io_write(int fd, struct bytes data) {
  while (data.size) {
    ssize_t n = write(fd, data.data, data.size);
    if (n >= 0)
      data = bytes_of(data.data + n, data.size - (size_t)n);
    else if (!again(fd, POLLOUT))
      FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
  }
  return OK;
}

err_t io_write_at(int fd, uint64_t at, struct bytes data) {
  while (data.size) {
    ssize_t n = pwrite(fd, data.data, data.size, (off_t)at);
    if (n >= 0) {
      data = bytes_of(data.data + n, data.size - (size_t)n);
      at += (uint64_t)n;
    } else if (!again(fd, POLLOUT)) {
      FAIL(ERR_OUTPUT, "writing failed: %s", strerror(errno));
    }
  }
  return OK;
}

/* Without moving the offset, where that can be: threads may share the descriptor. */
err_t io_size(int fd, uint64_t *size) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    FAIL(ERR_INPUT, "reading failed: %s", strerror(errno));
  if (S_ISREG(st.st_mode)) {
    *size = (uint64_t)st.st_size;
    return OK;
  }
  off_t end = lseek(fd, 0, SEEK_END);
  if (end < 0)
    FAIL(ERR_INPUT, "this cannot be read at any place: %s", strerror(errno));
  *size = (uint64_t)end;
  return OK;
}
