#include "transit/vpn/netlink.h"

#include "base/file.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#define ANSWER_MAX 65536
#define WAIT_S 5

static struct nlmsghdr *head(struct nl_request *r) {
  return (struct nlmsghdr *)r->bytes;
}

void nl_begin(struct nl_request *r, unsigned type, unsigned flags, const void *payload,
              size_t size) {
  static _Atomic uint32_t number;
  memset(r, 0, sizeof *r);
  *head(r) = (struct nlmsghdr){ .nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
                                .nlmsg_type = (uint16_t)type,
                                .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
                                .nlmsg_seq = ++number };
  memcpy(NLMSG_DATA(head(r)), payload, size);
}

void nl_put(struct nl_request *r, unsigned type, const void *data, size_t size) {
  size_t at = NLMSG_ALIGN(head(r)->nlmsg_len);
  if (at + RTA_SPACE(size) > sizeof r->bytes)
    abort();
  struct rtattr *a = (struct rtattr *)(r->bytes + at);
  a->rta_type = (uint16_t)type;
  a->rta_len = (uint16_t)RTA_LENGTH(size);
  memcpy(RTA_DATA(a), data, size);
  head(r)->nlmsg_len = (uint32_t)(at + a->rta_len);
}

void nl_put_u32(struct nl_request *r, unsigned type, uint32_t value) {
  nl_put(r, type, &value, sizeof value);
}

struct bytes nl_attribute(const struct nl_answer *a, size_t header, unsigned type) {
  size_t at = NLMSG_ALIGN(header);
  struct rtattr attribute;
  while (at + sizeof attribute <= a->body.size) {
    memcpy(&attribute, a->body.data + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > a->body.size - at)
      break;
    if (attribute.rta_type == type)
      return bytes_of(a->body.data + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
    at += RTA_ALIGN(attribute.rta_len);
  }
  return (struct bytes){ 0 };
}

uint32_t nl_attribute_u32(const struct nl_answer *a, size_t header, unsigned type,
                          uint32_t fallback) {
  struct bytes in = nl_attribute(a, header, type);
  uint32_t n = fallback;
  if (in.size == sizeof n)
    memcpy(&n, in.data, sizeof n);
  return n;
}

err_t nl_open(int protocol, int *fd, int *error) {
  const struct timeval wait = { .tv_sec = WAIT_S };
  AUTO_FD opened = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  *error = opened < 0 ? errno : 0;
  if (opened < 0)
    FAIL(ERR_CONFIG, "cannot ask the kernel (netlink %d): %s", protocol, strerror(errno));
  if (setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0)
    FAIL(ERR_IO, "cannot set up a netlink socket: %s", strerror(errno));
  *fd = opened;
  opened = -1;
  return OK;
}

/* Takes the first message of a datagram off; there is one. */
static err_t take_one(struct bytes *datagram, struct nlmsghdr *h, struct nl_answer *a) {
  memcpy(h, datagram->data, sizeof *h);
  if (h->nlmsg_len < sizeof *h || h->nlmsg_len > datagram->size)
    FAIL(ERR_IO, "the kernel's answer is malformed");
  *a = (struct nl_answer){ h->nlmsg_type,
                           bytes_of(datagram->data + NLMSG_HDRLEN, h->nlmsg_len - NLMSG_HDRLEN) };
  size_t step = NLMSG_ALIGN(h->nlmsg_len);
  *datagram = bytes_of(datagram->data + step, step < datagram->size ? datagram->size - step : 0);
  return OK;
}

/* The messages of one datagram; *done when the last one was among them. */
static err_t take(struct bytes datagram, uint32_t number, nl_each *each, void *ctx, int *error,
                  bool *done) {
  struct nlmsghdr h;
  struct nl_answer a;
  while (datagram.size >= sizeof h) {
    int32_t code = 0;
    TRY(take_one(&datagram, &h, &a));
    if (h.nlmsg_type == NLMSG_ERROR && a.body.size >= sizeof code)
      memcpy(&code, a.body.data, sizeof code);
    if (h.nlmsg_seq != number)
      continue;
    *done = h.nlmsg_type == NLMSG_ERROR || h.nlmsg_type == NLMSG_DONE;
    *error = -code;
    if (*done)
      return OK;
    if (each)
      TRY(each(ctx, &a));
  }
  return OK;
}

err_t nl_ask(int fd, struct nl_request *r, nl_each *each, void *ctx, int *error) {
  AUTO_BUF answer = BUF_EMPTY;
  struct nlmsghdr *h = head(r);
  bool done = false;
  if ((h->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
    h->nlmsg_flags |= NLM_F_ACK;
  if (!buf_reserve(&answer, ANSWER_MAX))
    return ERR_NOMEM;
  if (send(fd, r->bytes, h->nlmsg_len, 0) != (ssize_t)h->nlmsg_len)
    FAIL(ERR_IO, "cannot ask the kernel: %s", strerror(errno));
  while (!done) {
    ssize_t n = recv(fd, answer.data, ANSWER_MAX, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_IO, "the kernel does not answer: %s", strerror(errno));
    TRY(take(bytes_of(answer.data, (size_t)n), h->nlmsg_seq, each, ctx, error, &done));
  }
  return OK;
}

err_t nl_listen(int protocol, uint32_t groups, int *fd) {
  const struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = groups };
  AUTO_FD opened = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (opened < 0 || bind(opened, (const struct sockaddr *)&name, sizeof name) != 0)
    FAIL(ERR_CONFIG, "cannot hear of the kernel's changes (netlink %d): %s", protocol,
         strerror(errno));
  *fd = opened;
  opened = -1;
  return OK;
}

err_t nl_heard(int fd, nl_each *each, void *ctx, bool *lost) {
  AUTO_BUF heard = BUF_EMPTY;
  *lost = false;
  if (!buf_reserve(&heard, ANSWER_MAX))
    return ERR_NOMEM;
  for (;;) {
    ssize_t n = recv(fd, heard.data, ANSWER_MAX, 0);
    if (n < 0 && errno == EAGAIN)
      return OK;
    if (n < 0 && errno != ENOBUFS && errno != EINTR)
      FAIL(ERR_IO, "cannot hear of the kernel's changes: %s", strerror(errno));
    *lost |= n < 0 && errno == ENOBUFS;
    struct bytes datagram = bytes_of(heard.data, n > 0 ? (size_t)n : 0);
    while (datagram.size >= sizeof(struct nlmsghdr)) {
      struct nlmsghdr h;
      struct nl_answer a;
      TRY(take_one(&datagram, &h, &a));
      TRY(each(ctx, &a));
    }
  }
}
