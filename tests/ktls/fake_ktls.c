#include "fake_ktls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))
#define SOL_TLS_LEVEL 282
#define PIECE 16384
#define TAG 16
#define FDS 4096

struct sender {
  bool tls13;
  const EVP_CIPHER *cipher;
  uint8_t key[32], salt[4], iv[8], seq[8];
  uint8_t record[5 + 8 + PIECE + 1 + TAG];
  size_t start, end; /* of what waits in it */
};
static struct sender *_Atomic senders[FDS]; /* numbers go from thread to thread */
SHOWN atomic_bool fake_ktls_refuses, fake_ktls_busy;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int refuse(int e) {
  errno = e;
  return -1;
}

static struct sender *sender_of(int fd) {
  return fd >= 0 && fd < FDS ? senders[fd] : NULL;
}

/* True: nothing waits any more. False and errno: EAGAIN, or it failed. */
static bool flush(int fd, struct sender *s) {
  while (s->start < s->end) {
    long n = syscall(SYS_sendto, fd, s->record + s->start, s->end - s->start,
                     MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
    if (n < 0)
      return false;
    s->start += (size_t)n;
  }
  return true;
}

static void *flusher(void *arg) {
  const struct timespec pause = { 0, 1000000 };
  for (;;) {
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&lock);
    for (int fd = 0; fd < FDS; fd++)
      if (senders[fd])
        flush(fd, senders[fd]);
    pthread_mutex_unlock(&lock);
  }
  return arg;
}

static void start(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, flusher, NULL) != 0)
    abort();
  pthread_detach(thread);
}

static void count(uint8_t number[static 8]) {
  for (int i = 7; i >= 0 && ++number[i] == 0; i--) {
  }
}

static void seal(const struct sender *s, const uint8_t nonce[static 12], const uint8_t *aad,
                 size_t aad_size, uint8_t *text, size_t size) {
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  int n;
  if (!c || !EVP_EncryptInit_ex(c, s->cipher, NULL, s->key, nonce) ||
      !EVP_EncryptUpdate(c, NULL, &n, aad, (int)aad_size) ||
      !EVP_EncryptUpdate(c, text, &n, text, (int)size) ||
      !EVP_EncryptFinal_ex(c, text + size, &n) ||
      !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, text + size))
    abort();
  EVP_CIPHER_CTX_free(c);
}

/* The content is in its place in the record. RFC 8446, 5.2; RFC 5246, 6.2.3.3 with RFC 5288. */
static void make_record(struct sender *s, uint8_t type, size_t size) {
  size_t head = s->tls13 ? 5 : 13, body = s->tls13 ? size + 1 : size;
  size_t sealed = head - 5 + body + TAG;
  uint8_t nonce[12], aad[13], *r = s->record;
  memcpy(nonce, s->salt, 4);
  memcpy(nonce + 4, s->iv, 8);
  memcpy(r, (uint8_t[]){ s->tls13 ? 23 : type, 3, 3, (uint8_t)(sealed >> 8), (uint8_t)sealed }, 5);
  if (s->tls13) {
    for (int i = 0; i < 8; i++)
      nonce[4 + i] ^= s->seq[i];
    r[head + size] = type;
    memcpy(aad, r, 5);
  } else {
    memcpy(r + 5, s->iv, 8);
    memcpy(aad, s->seq, 8);
    memcpy(aad + 8, (uint8_t[]){ type, 3, 3, (uint8_t)(size >> 8), (uint8_t)size }, 5);
    count(s->iv);
  }
  seal(s, nonce, aad, s->tls13 ? 5 : 13, r + head, body);
  count(s->seq);
  s->start = 0;
  s->end = 5 + sealed;
}

static bool wait_for_room(int fd) {
  struct pollfd p = { .fd = fd, .events = POLLOUT };
  return errno == EAGAIN && poll(&p, 1, 5000) == 1;
}

/* From data, or from a pipe if it is NULL. -1 and errno. */
static ssize_t put(int fd, struct sender *s, uint8_t type, const void *data, int pipe,
                   size_t size) {
  size_t n = size < PIECE ? size : PIECE;
  uint8_t *place = s->record + (s->tls13 ? 5 : 13);
  bool waits = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
  pthread_once(&once, start);
  while (!flush(fd, s))
    if (!waits || !wait_for_room(fd))
      return -1;
  if (data)
    memcpy(place, data, n);
  ssize_t got = data ? (ssize_t)n : syscall(SYS_read, pipe, place, n);
  if (got < 0 || (got == 0 && !data))
    return got;
  make_record(s, type, (size_t)got);
  if (!flush(fd, s) && errno != EAGAIN)
    return -1;
  return got;
}

static ssize_t put_all(int fd, struct sender *s, uint8_t type, const void *data, size_t size) {
  size_t done = 0;
  pthread_mutex_lock(&lock);
  do {
    ssize_t n = put(fd, s, type, (const uint8_t *)data + done, -1, size - done);
    if (n < 0)
      break;
    done += (size_t)n;
  } while (done < size);
  int e = errno;
  pthread_mutex_unlock(&lock);
  errno = e;
  return done ? (ssize_t)done : -1;
}

/* What is sent. */

SHOWN ssize_t send(int fd, const void *data, size_t size, int flags) {
  struct sender *s = sender_of(fd);
  return s ? put_all(fd, s, 23, data, size) : syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

SHOWN ssize_t write(int fd, const void *data, size_t size) {
  struct sender *s = sender_of(fd);
  return s ? put_all(fd, s, 23, data, size) : syscall(SYS_write, fd, data, size);
}

SHOWN ssize_t sendmsg(int fd, const struct msghdr *m, int flags) {
  struct sender *s = sender_of(fd);
  if (!s)
    return syscall(SYS_sendmsg, fd, m, flags);
  const struct cmsghdr *c = CMSG_FIRSTHDR(m);
  if (!c || c->cmsg_level != SOL_TLS_LEVEL || c->cmsg_type != TLS_SET_RECORD_TYPE ||
      m->msg_iovlen != 1 || m->msg_iov->iov_len > PIECE)
    abort();
  if (atomic_exchange(&fake_ktls_busy, false))
    return refuse(EAGAIN);
  return put_all(fd, s, *CMSG_DATA(c), m->msg_iov->iov_base, m->msg_iov->iov_len);
}

SHOWN ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size,
                     unsigned flags) {
  struct sender *s = sender_of(out);
  if (!s)
    return syscall(SYS_splice, in, in_at, out, out_at, size, flags);
  pthread_mutex_lock(&lock);
  ssize_t n = put(out, s, 23, NULL, in, size);
  int e = errno;
  pthread_mutex_unlock(&lock);
  errno = e;
  return n;
}

/* Keys, and the end. */

static int take_keys(int fd, const void *value, socklen_t size) {
  const struct tls12_crypto_info_aes_gcm_128 *small = value;
  const struct tls12_crypto_info_aes_gcm_256 *large = value;
  bool wide = small->info.cipher_type == TLS_CIPHER_AES_GCM_256;
  if (sender_of(fd) || fd >= FDS)
    return refuse(EBUSY);
  if (fake_ktls_refuses || size != (wide ? sizeof *large : sizeof *small) ||
      (!wide && small->info.cipher_type != TLS_CIPHER_AES_GCM_128))
    return refuse(EINVAL);
  struct sender *s = calloc(1, sizeof *s);
  if (!s)
    return refuse(ENOMEM);
  s->tls13 = small->info.version == TLS_1_3_VERSION;
  s->cipher = wide ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
  memcpy(s->key, wide ? large->key : small->key, wide ? sizeof large->key : sizeof small->key);
  memcpy(s->salt, wide ? large->salt : small->salt, sizeof s->salt);
  memcpy(s->iv, wide ? large->iv : small->iv, sizeof s->iv);
  memcpy(s->seq, wide ? large->rec_seq : small->rec_seq, sizeof s->seq);
  pthread_mutex_lock(&lock);
  senders[fd] = s;
  pthread_mutex_unlock(&lock);
  return 0;
}

SHOWN int setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
  struct sockaddr_storage peer;
  socklen_t peer_size = sizeof peer;
  if (level == SOL_TLS_LEVEL)
    return name == TLS_TX ? take_keys(fd, value, size) : refuse(ENOPROTOOPT);
  if (level == IPPROTO_TCP && name == TCP_ULP)
    return getpeername(fd, (struct sockaddr *)&peer, &peer_size);
  return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

/* What waits is lost then, as with the kernel. */
SHOWN int shutdown(int fd, int how) {
  struct sender *s = sender_of(fd);
  pthread_mutex_lock(&lock);
  if (s && how != SHUT_RD)
    s->start = s->end;
  pthread_mutex_unlock(&lock);
  return (int)syscall(SYS_shutdown, fd, how);
}

SHOWN int close(int fd) {
  struct sender *s = sender_of(fd);
  if (s) {
    pthread_mutex_lock(&lock);
    flush(fd, s);
    senders[fd] = NULL;
    pthread_mutex_unlock(&lock);
    free(s);
  }
  return (int)syscall(SYS_close, fd);
}
