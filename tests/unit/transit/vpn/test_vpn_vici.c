/* strongSwan's control interface: messages, and a conversation with one that answers well or badly.
 */
#include "transit/vpn/tunnel.h"
#include "transit/vpn/vici.h"
#include "unit/asserts.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The example of the interface's own description. */
static const char example[] = "\3\4key1\0\6value1"
                              "\1\10section1"
                              "\1\13sub-section"
                              "\3\4key2\0\6value2"
                              "\2"
                              "\4\5list1"
                              "\5\0\5item1"
                              "\5\0\5item2"
                              "\6"
                              "\2";

static void reads_the_example(void **state) {
  struct vici_reader r = vici_reader_of(bytes_of(example, sizeof example - 1));
  struct bytes name, value;
  assert_true(vici_read(&r, &name, &value));
  assert_text(name, "key1");
  assert_text(value, "value1");
  assert_int_equal(r.depth, 0);
  assert_true(vici_read(&r, &name, &value));
  assert_text(value, "value2");
  assert_int_equal(r.depth, 2);
  assert_text(r.section[0], "section1");
  assert_text(r.section[1], "sub-section");
  assert_true(vici_read(&r, &name, &value));
  assert_text(name, "list1");
  assert_text(value, "item1");
  assert_text(r.list, "list1");
  assert_true(vici_read(&r, &name, &value));
  assert_text(value, "item2");
  assert_false(vici_read(&r, &name, &value));
  assert_false(r.bad);
  assert_text(vici_value(bytes_of(example, sizeof example - 1), "key1"), "value1");
  assert_null(vici_value(bytes_of(example, sizeof example - 1), "key2").data);
}

static void writes_the_example(void **state) {
  AUTO_BUF b = BUF_EMPTY;
  vici_put_str(&b, "key1", "value1");
  vici_put_section(&b, "section1");
  vici_put_section(&b, "sub-section");
  vici_put_str(&b, "key2", "value2");
  vici_put_end(&b);
  vici_put_list(&b, "list1");
  vici_put_item(&b, "item1");
  vici_put_item(&b, "item2");
  vici_put_list_end(&b);
  vici_put_end(&b);
  assert_bytes(buf_bytes(&b), bytes_of(example, sizeof example - 1));
}

/* Cut off anywhere, it is malformed, but where a whole value ends outside of all sections. */
static void refuses_what_is_malformed(void **state) {
  static const struct {
    const char *text;
    size_t size;
  } cases[] = {
    { "\0", 1 },
    { "\7", 1 },
    { "\2", 1 },
    { "\5\0\1a", 4 },
    { "\6", 1 },
    { "\3\0\0\1a", 5 },
    { "\1\0", 2 },
    { "\4\1l\3\1k\0\1v\6", 9 },
    { "\4\1l\4\1l\6\6", 8 },
    { "\1\1a", 3 },
    { "\4\1a", 3 },
    { "\1\1a\2\2", 5 },
    { "\1\1a\1\1a\1\1a\1\1a\1\1a\2\2\2\2\2", 20 },
  };
  struct bytes name, value;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct vici_reader r = vici_reader_of(bytes_of(cases[i].text, cases[i].size));
    while (vici_read(&r, &name, &value))
      ;
    if (!r.bad)
      fail_msg("case %zu was taken", i);
  }
  for (size_t n = 1; n < sizeof example - 1; n++) {
    struct vici_reader r = vici_reader_of(bytes_of(example, n));
    while (vici_read(&r, &name, &value))
      ;
    assert_int_equal(r.bad, n != 14);
  }
}

/* --- tunnels --- */

static struct site *make_site(void) {
  struct site *s = NULL;
  assert_ok(site_parse(str("name = a.example\nsubnets = 10.1.0.0/24\n"
                           "[peer b.example]\nsubnets = 10.2.0.0/24\n"
                           "[peer c.example]\nsubnets = 10.3.0.0/24\n"),
                       "test", &s));
  return s;
}

static void put_sa(struct buf *b, const char *peer, const char *id, const char *state,
                   const char *child_state) {
  vici_put_section(b, peer);
  vici_put_str(b, "uniqueid", id);
  vici_put_str(b, "state", state);
  vici_put_str(b, "remote-host", "192.0.2.2");
  vici_put_str(b, "encr-alg", "AES_GCM_16");
  vici_put_str(b, "encr-keysize", "256");
  vici_put_str(b, "prf-alg", "PRF_HMAC_SHA2_384");
  vici_put_str(b, "dh-group", "ECP_384");
  vici_put_str(b, "established", "17");
  vici_put_list(b, "tasks-active");
  vici_put_item(b, "state");
  vici_put_list_end(b);
  vici_put_section(b, "child-sas");
  if (child_state) {
    vici_put_section(b, "net-1");
    vici_put_str(b, "state", child_state);
    vici_put_str(b, "encr-alg", "AES_GCM_16");
    vici_put_str(b, "encr-keysize", "256");
    vici_put_str(b, "bytes-in", "1000");
    vici_put_str(b, "bytes-out", "18446744073709551616"); /* too many */
    vici_put_end(b);
  }
  vici_put_end(b);
  vici_put_end(b);
}

static void reads_tunnels(void **state) {
  static struct tunnels t;
  AUTO(site) struct site *s = make_site();
  static const struct {
    const char *peer, *id, *state, *child;
    bool established, dialling, up;
  } rows[] = {
    { "b.example", "1", "CONNECTING", NULL, false, true, false },
    { "b.example", "2", "ESTABLISHED", "INSTALLED", true, false, true },
    { "b.example", "3", "DELETING", "INSTALLED", false, false, false },
    { "c.example", "4", "ESTABLISHED", NULL, true, false, false },
    { "c.example", "5", "REKEYING", "REKEYING", true, false, true },
    { "c.example", "6", "ESTABLISHED", "DELETING", true, false, false },
  };
  size_t count = sizeof rows / sizeof *rows;
  memset(&t, 0, sizeof t);
  for (size_t i = 0; i < count; i++) {
    AUTO_BUF b = BUF_EMPTY;
    put_sa(&b, rows[i].peer, rows[i].id, rows[i].state, rows[i].child);
    assert_ok(tunnel_parse(buf_bytes(&b), s, &t));
    const struct tunnel *one = &t.items[i];
    assert_int_equal(one->id, i + 1);
    assert_int_equal(one->established, rows[i].established);
    assert_int_equal(one->dialling, rows[i].dialling);
    assert_int_equal(one->up, rows[i].up);
    assert_string_equal(one->ike, "AES_GCM_16-256/PRF_HMAC_SHA2_384/ECP_384");
    assert_int_equal(one->since_s, 17);
  }
  assert_int_equal(t.count, count);
  assert_string_equal(t.items[1].esp, "AES_GCM_16-256");
  assert_int_equal(t.items[1].in, 1000);
  assert_int_equal(t.items[1].out, 0);
  assert_string_equal(t.items[1].address, "192.0.2.2");
  assert_int_equal(tunnels_best(&t, &s->peers[0])->id, 2);
  assert_int_equal(tunnels_best(&t, &s->peers[1])->id, 5);
  AUTO_BUF foreign = BUF_EMPTY, bad = BUF_EMPTY;
  put_sa(&foreign, "d.example", "7", "ESTABLISHED", "INSTALLED");
  assert_ok(tunnel_parse(buf_bytes(&foreign), s, &t));
  assert_ok(tunnel_parse(bytes_str(""), s, &t));
  assert_int_equal(t.count, count);
  vici_put_section(&bad, "b.example");
  assert_err(tunnel_parse(buf_bytes(&bad), s, &t), ERR_CORRUPT);
}

/* Two that are up: the one that carries the traffic counts, and the bytes of both. */
static void sums_tunnels(void **state) {
  AUTO(site) struct site *s = make_site();
  static struct tunnels t;
  uint64_t in, out;
  t = (struct tunnels){ .count = 4 };
  for (size_t i = 0; i < t.count; i++)
    t.items[i] = (struct tunnel){
      .peer = &s->peers[0], .id = i + 1, .established = true, .up = true, .since_s = 10 - i
    };
  assert_int_equal(tunnels_best(&t, &s->peers[0])->id, 4); /* the youngest */
  t.items[1].in = 500;
  t.items[1].out = 7;
  t.items[2].out = 30;
  t.items[3].peer = &s->peers[1];
  assert_int_equal(tunnels_best(&t, &s->peers[0])->id, 2);
  tunnels_bytes(&t, &s->peers[0], &in, &out);
  assert_int_equal(in, 500);
  assert_int_equal(out, 37);
  t.items[1].up = false;
  assert_int_equal(tunnels_best(&t, &s->peers[0])->id, 3);
}

/* --- a conversation --- */

/* Answers the packets that it is sent with those of the script, one after the other. */
struct script {
  char path[64];
  int listener;
  const char *const *answers; /* each: its length as one byte, then the packet */
  size_t count;
};

static void put_packet(int fd, const char *packet) {
  uint8_t head[4] = { 0, 0, 0, (uint8_t)packet[0] };
  assert_int_equal(write(fd, head, 4), 4);
  assert_int_equal(write(fd, packet + 1, head[3]), head[3]);
}

static void *play(void *arg) {
  const struct script *s = arg;
  int fd = accept(s->listener, NULL, NULL);
  for (size_t i = 0; i < s->count; i++) {
    uint8_t head[4], body[4096];
    if (recv(fd, head, 4, MSG_WAITALL) != 4 || recv(fd, body, head[3], MSG_WAITALL) != head[3])
      break;
    for (const char *p = s->answers[i]; *p; p += 1 + *p)
      put_packet(fd, p);
  }
  close(fd);
  return NULL;
}

static struct vici *begin(struct script *s, pthread_t *thread) {
  struct sockaddr_un at = { .sun_family = AF_UNIX };
  struct vici *v = NULL;
  snprintf(s->path, sizeof s->path, "/tmp/test-vici-%d", (int)getpid());
  memcpy(at.sun_path, s->path, strlen(s->path));
  unlink(s->path);
  s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
  assert_int_equal(listen(s->listener, 1), 0);
  assert_int_equal(pthread_create(thread, NULL, play, s), 0);
  assert_ok(vici_open(s->path, &v));
  return v;
}

static void end(struct script *s, struct vici *v, pthread_t thread) {
  vici_free(v);
  pthread_join(thread, NULL);
  close(s->listener);
  unlink(s->path);
}

#define YES "\17\1\3\7success\0\3yes"
#define NO "\33\1\3\7success\0\2no\3\6errmsg\0\3why"
#define CONFIRM "\1\5"

static err_t count_it(void *ctx, struct bytes message) {
  assert_text(vici_value(message, "k"), "v");
  ++*(int *)ctx;
  return OK;
}

static void commands(void **state) {
  static const char *const answers[] = { YES, NO, "\1\2", "\2\1\1", "\1\7" };
  struct script s = { .answers = answers, .count = 5 };
  pthread_t thread;
  struct vici *v = begin(&s, &thread);
  AUTO_BUF answer = BUF_EMPTY;
  assert_ok(vici_call(v, "version", NULL, &answer));
  assert_text(vici_value(buf_bytes(&answer), "success"), "yes");
  assert_err(vici_call(v, "initiate", NULL, NULL), ERR_CONFLICT);
  assert_string_equal(err_last()->why, "strongSwan refuses initiate: why");
  assert_err(vici_call(v, "nothing", NULL, NULL), ERR_CONFLICT);
  assert_ok(vici_call(v, "stats", NULL, NULL)); /* an answer that says neither yes nor no */
  assert_err(vici_call(v, "stats", NULL, NULL), ERR_AWAY); /* an event without a name */
  end(&s, v, thread);
}

static void lists_and_events(void **state) {
#define ITEM "\14\7\4item\3\1k\0\1v"
  static const char *const answers[] = { CONFIRM, ITEM ITEM "\15\7\5other\3\1k\0\1x" YES,
                                         ITEM CONFIRM, CONFIRM ITEM ITEM, "\1\6" };
  struct script s = { .answers = answers, .count = 5 };
  pthread_t thread;
  struct vici *v = begin(&s, &thread);
  int items = 0;
  bool any = false;
  assert_ok(vici_list(v, "list-items", "item", NULL, count_it, &items));
  assert_int_equal(items, 2);
  assert_ok(vici_listen(v, "item"));
  while (!any)
    assert_ok(vici_heard(v, &any));
  assert_err(vici_listen(v, "nothing"), ERR_CONFLICT);
  err_t e;
  while ((e = vici_heard(v, &any)) == OK) /* until the other end is gone */
    ;
  assert_int_equal(e, ERR_AWAY);
  end(&s, v, thread);
}

static void nobody_there(void **state) {
  struct vici *v = NULL;
  char path[200];
  assert_err(vici_open("/nonexistent/vici", &v), ERR_AWAY);
  memset(path, 'a', sizeof path);
  path[199] = '\0';
  assert_err(vici_open(path, &v), ERR_CONFIG);
  assert_null(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(reads_the_example),
    cmocka_unit_test(writes_the_example),
    cmocka_unit_test(refuses_what_is_malformed),
    cmocka_unit_test(reads_tunnels),
    cmocka_unit_test(sums_tunnels),
    cmocka_unit_test(commands),
    cmocka_unit_test(lists_and_events),
    cmocka_unit_test(nobody_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
