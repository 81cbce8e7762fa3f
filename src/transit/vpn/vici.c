#include "transit/vpn/vici.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define PACKET_MAX (512u * 1024)
#define WAIT_S 10

enum packet {
  CMD_REQUEST,
  CMD_RESPONSE,
  CMD_UNKNOWN,
  EVENT_REGISTER,
  EVENT_UNREGISTER,
  EVENT_CONFIRM,
  EVENT_UNKNOWN,
  EVENT
};

struct vici {
  int fd;
  struct buf in; /* the packet that came last */
};

err_t vici_open(const char *path, struct vici **out) {
  const struct timeval wait = { .tv_sec = WAIT_S };
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  AUTO(vici) struct vici *v = mem_zalloc(sizeof *v);
  if (!v)
    return ERR_NOMEM;
  v->fd = -1;
  if (strlen(path) >= sizeof to.sun_path)
    FAIL(ERR_CONFIG, "the path of the socket %s is too long", path);
  memcpy(to.sun_path, path, strlen(path));
  v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (v->fd < 0 || setsockopt(v->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) != 0 ||
      setsockopt(v->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0)
    FAIL(ERR_IO, "cannot make a socket: %s", strerror(errno));
  if (connect(v->fd, (const struct sockaddr *)&to, sizeof to) != 0)
    FAIL(ERR_AWAY, "strongSwan does not run: %s: %s", path, strerror(errno));
  *out = TAKE(v);
  return OK;
}

void vici_free(struct vici *v) {
  if (v->fd >= 0)
    close(v->fd);
  buf_free(&v->in);
  mem_free(v);
}

int vici_fd(const struct vici *v) {
  return v->fd;
}

/* --- packets --- */

static err_t send_packet(struct vici *v, enum packet type, const char *name,
                         const struct buf *message) {
  AUTO_BUF b = BUF_EMPTY;
  size_t name_size = strlen(name);
  size_t size = 2 + name_size + (message ? message->size : 0);
  if (message)
    TRY(buf_ok(message));
  for (int shift = 24; shift >= 0; shift -= 8)
    buf_put_char(&b, (char)(size >> shift & 0xff));
  buf_put_char(&b, (char)type);
  buf_put_char(&b, (char)name_size);
  buf_put(&b, name, name_size);
  if (message)
    buf_put_bytes(&b, buf_bytes(message));
  TRY(buf_ok(&b));
  for (size_t sent = 0; sent < b.size;) {
    ssize_t n = send(v->fd, b.data + sent, b.size - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      FAIL(ERR_AWAY, "strongSwan does not listen: %s", strerror(errno));
    sent += (size_t)n;
  }
  return OK;
}

static err_t receive(struct vici *v, size_t n) {
  if (!buf_reserve(&v->in, n))
    return ERR_NOMEM;
  while (n) {
    ssize_t got = recv(v->fd, v->in.data + v->in.size, n, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      FAIL(ERR_AWAY, "strongSwan does not answer: %s", got ? strerror(errno) : "it has ended");
    v->in.size += (size_t)got;
    n -= (size_t)got;
  }
  return OK;
}

/* name is empty and body the whole message, but for events. */
static err_t receive_packet(struct vici *v, enum packet *type, struct bytes *name,
                            struct bytes *body) {
  buf_clear(&v->in);
  TRY(receive(v, 4));
  const uint8_t *h = v->in.data;
  size_t size = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
  if (size == 0 || size > PACKET_MAX)
    FAIL(ERR_AWAY, "strongSwan's answer has %zu bytes", size);
  buf_clear(&v->in);
  TRY(receive(v, size));
  *type = (enum packet)v->in.data[0];
  *body = bytes_of(v->in.data + 1, size - 1);
  *name = (struct bytes){ 0 };
  if (*type != EVENT)
    return OK;
  if (body->size == 0 || body->data[0] >= body->size)
    FAIL(ERR_AWAY, "strongSwan's answer is malformed");
  *name = bytes_of(body->data + 1, body->data[0]);
  *body = bytes_of(body->data + 1 + name->size, body->size - 1 - name->size);
  return OK;
}

/* --- commands and events --- */

static err_t check(const char *command, struct bytes answer) {
  struct bytes success = vici_value(answer, "success"), why = vici_value(answer, "errmsg");
  if (!success.data || bytes_equal_str(success, "yes"))
    return OK;
  FAIL(ERR_CONFLICT, "strongSwan refuses %s: " BYTES_FMT, command, BYTES_ARG(why));
}

static err_t wait_for(struct vici *v, const char *command, const char *event, vici_each *each,
                      void *ctx, struct buf *answer) {
  enum packet type;
  struct bytes name, body;
  err_t told = OK;
  for (;;) {
    TRY(receive_packet(v, &type, &name, &body));
    if (type == EVENT && event && bytes_equal_str(name, event) && told == OK)
      told = each(ctx, body);
    if (type == CMD_UNKNOWN)
      FAIL(ERR_CONFLICT, "this strongSwan has no command %s", command);
    if (type != CMD_RESPONSE)
      continue;
    TRY(told);
    TRY(check(command, body));
    if (answer)
      buf_put_bytes(answer, body);
    return answer ? buf_ok(answer) : OK;
  }
}

err_t vici_call(struct vici *v, const char *command, const struct buf *request,
                struct buf *answer) {
  TRY(send_packet(v, CMD_REQUEST, command, request));
  return wait_for(v, command, NULL, NULL, NULL, answer);
}

static err_t change_events(struct vici *v, enum packet type, const char *event) {
  enum packet got;
  struct bytes name, body;
  TRY(send_packet(v, type, event, NULL));
  do
    TRY(receive_packet(v, &got, &name, &body));
  while (got == EVENT);
  if (got != EVENT_CONFIRM)
    FAIL(ERR_CONFLICT, "this strongSwan has no event %s", event);
  return OK;
}

err_t vici_listen(struct vici *v, const char *event) {
  return change_events(v, EVENT_REGISTER, event);
}

err_t vici_list(struct vici *v, const char *command, const char *event, const struct buf *request,
                vici_each *each, void *ctx) {
  TRY(change_events(v, EVENT_REGISTER, event));
  TRY(send_packet(v, CMD_REQUEST, command, request));
  err_t e = wait_for(v, command, event, each, ctx, NULL);
  if (e != ERR_AWAY)
    TRY(change_events(v, EVENT_UNREGISTER, event));
  return e;
}

err_t vici_heard(struct vici *v, bool *any) {
  enum packet type;
  struct bytes name, body;
  uint8_t byte;
  *any = false;
  for (;;) {
    ssize_t n = recv(v->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      return OK;
    if (n <= 0)
      FAIL(ERR_AWAY, "strongSwan has ended");
    TRY(receive_packet(v, &type, &name, &body));
    *any = true;
  }
}
