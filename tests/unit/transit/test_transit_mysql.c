/* The beginning of MySQL and MariaDB, on both sides. */
#include "scene.h"

/* The second byte of the capabilities: with TLS, and without. */
#define TLS "\xff"
#define NONE "\xf7"

#define GREETING(can) \
  "\x4a\0\0\0\x0a" \
  "8.0.36\0\x2a\0\0\0saltsalt\0\xff" can "\x2d\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0" \
  "saltsaltsalt\0caching_sha2_password\0"
#define FIELDS(can) "\x85" can "\xff\1\0\0\0\1\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x1d\0\0\0"
#define REQUEST "\x20\0\0\1" FIELDS(TLS)
#define LOGIN_OF(number, can, name) \
  "\x4f\0\0" number FIELDS(can) name "\0\x14" \
                                     "01234567890123456789caching_sha2_password\0"
#define LOGIN(number, can) LOGIN_OF(number, can, "app")

/* Of the server's, with the number that they have there or here. */
#define MORE(number) "\2\0\0" number "\1\4"
#define SWITCH(number) "\x1b\0\0" number "\xfemysql_native_password\0salt"
#define OLD_SWITCH(number) "\1\0\0" number "\xfe"
#define FINE(number) "\7\0\0" number "\0\0\0\2\0\0\0"
#define DENIED(number) "\x10\0\0" number "\xff\x15\4#28000denied\0"
#define BUSY "\x0b\0\0\0\xff\x10\4too many"

#define PASSWORD(number) "\5\0\0" number "pass\0"
#define EMPTY(number) "\0\0\0" number
#define QUERY "\2\0\0\0\3x"

#define REFUSED(size, number, code, why) size "\0\0" number "\xff" code why
#define ONLY_TLS "only TLS is served here: set ssl-ca, ssl-cert, ssl-key"
#define NO_TLS "the server has no TLS"
#define NOT_SERVER "the server does not speak MySQL's protocol 10"
#define NOT_CLIENT "the client does not speak MySQL's protocol 4.1"
#define UNASKED "the local program asks for TLS, which it was not offered"
#define BUSY_WHY "the server refuses the connection"

static const struct scene scenes[] = {
  { .name = "a login with caching_sha2_password",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, LOGIN("\2", TLS)), SAYS(SERVER, MORE("\2")),
               SAYS(CLIENT, PASSWORD("\4")), SAYS(SERVER, FINE("\4")), SAYS(CLIENT, QUERY),
               SAYS(SERVER, FINE("\1")) },
    .to_client = TEXT(GREETING(TLS) MORE("\3") FINE("\5") FINE("\1")),
    .to_server = TEXT(LOGIN("\1", NONE) PASSWORD("\3") QUERY),
    .end = FRONT_THROUGH },
  { .name = "a server that has TLS of its own",
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, LOGIN("\2", TLS)), SAYS(SERVER, FINE("\2")) },
    .to_client = TEXT(GREETING(TLS) FINE("\3")),
    .to_server = TEXT(LOGIN("\1", NONE)),
    .end = FRONT_THROUGH },
  { .name = "another plugin, and an empty password",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, LOGIN("\2", TLS)), SAYS(SERVER, SWITCH("\2")),
               SAYS(CLIENT, EMPTY("\4")), SAYS(SERVER, DENIED("\4")) },
    .to_client = TEXT(GREETING(TLS) SWITCH("\3") DENIED("\5")),
    .to_server = TEXT(LOGIN("\1", NONE) EMPTY("\3")),
    .end = FRONT_THROUGH },
  { .name = "old passwords",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, LOGIN("\2", TLS)), SAYS(SERVER, OLD_SWITCH("\2")),
               SAYS(CLIENT, PASSWORD("\4")), SAYS(SERVER, FINE("\4")) },
    .to_client = TEXT(GREETING(TLS) OLD_SWITCH("\3") FINE("\5")),
    .to_server = TEXT(LOGIN("\1", NONE) PASSWORD("\3")),
    .end = FRONT_THROUGH },
  { .name = "commands before the login is answered",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, LOGIN("\2", TLS) QUERY QUERY), SAYS(CLIENT, "\4\0\0\1more"),
               SAYS(SERVER, FINE("\2")), SAYS(SERVER, FINE("\1")) },
    .to_client = TEXT(GREETING(TLS) FINE("\3") FINE("\1")),
    .to_server = TEXT(LOGIN("\1", NONE) QUERY QUERY "\4\0\0\1more"),
    .end = FRONT_THROUGH },
  { .name = "what is slipped in behind the request is not used",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST LOGIN("\2", TLS)) },
    .to_client = TEXT(GREETING(TLS)),
    .end = FRONT_TLS,
    .client_left = sizeof LOGIN("\2", TLS) - 1 },
  { .name = "a client that does not wait for the greeting",
    .lines = { SAYS(CLIENT, REQUEST), SAYS(SERVER, GREETING(NONE)) },
    .to_client = TEXT(GREETING(TLS)),
    .end = FRONT_TLS },
  { .name = "a server that is busy",
    .lines = { SAYS(SERVER, BUSY) },
    .to_client = TEXT(BUSY),
    .end = FRONT_REFUSED,
    .why = BUSY_WHY },
  { .name = "a server that gives up while TLS begins",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), SAYS(SERVER, DENIED("\1")),
               IS_SECURED },
    .to_client = TEXT(GREETING(TLS) DENIED("\2")),
    .end = FRONT_THROUGH },
  { .name = "a server that lets in who did not log in",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(SERVER, "\7\0\0\1"
                            "\0") },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x36", "\3", "\x51\4#08S01", NOT_SERVER)),
    .end = FRONT_REFUSED,
    .why = NOT_SERVER },
  { .name = "no TLS",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, "\x4f\0\0\1") },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x3f", "\2", "\x57\x0c#HY000", ONLY_TLS)),
    .end = FRONT_REFUSED,
    .why = ONLY_TLS },
  { .name = "a request that does not say TLS",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, "\x20\0\0\1" FIELDS(NONE)) },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x37", "\2", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "a request of a protocol before 4.1",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, "\x20\0\0\1" FIELDS("\xfd")) },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x37", "\2", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "a login that is none",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, "\x20\0\0\2") },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x37", "\3", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "a login of another number",
    .lines = { SAYS(SERVER, GREETING(NONE)), SAYS(CLIENT, REQUEST), IS_SECURED,
               SAYS(CLIENT, "\x4f\0\0\1" FIELDS(TLS)) },
    .to_client = TEXT(GREETING(TLS) REFUSED("\x37", "\3", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "local: a login with caching_sha2_password",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, LOGIN("\1", NONE)), IS_SECURED,
               SAYS(SERVER, MORE("\3")), SAYS(CLIENT, PASSWORD("\3")), SAYS(SERVER, FINE("\5")),
               SAYS(CLIENT, QUERY), SAYS(SERVER, FINE("\1")) },
    .to_client = TEXT(GREETING(NONE) MORE("\2") FINE("\4") FINE("\1")),
    .to_server = TEXT(REQUEST LOGIN("\2", TLS) PASSWORD("\4") QUERY),
    .end = FRONT_THROUGH },
  { .name = "local: a password that is wrong",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, LOGIN("\1", NONE)), IS_SECURED,
               SAYS(SERVER, DENIED("\3")) },
    .to_client = TEXT(GREETING(NONE) DENIED("\2")),
    .to_server = TEXT(REQUEST LOGIN("\2", TLS)),
    .end = FRONT_THROUGH },
  { .name = "local: commands before the login is answered",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, LOGIN("\1", NONE) QUERY), IS_SECURED,
               SAYS(SERVER, FINE("\3")) },
    .to_client = TEXT(GREETING(NONE) FINE("\2")),
    .to_server = TEXT(REQUEST LOGIN("\2", TLS) QUERY),
    .end = FRONT_THROUGH },
  { .name = "local: what is slipped in behind the greeting is not used",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS) FINE("\1")), SAYS(CLIENT, LOGIN("\1", NONE)) },
    .to_client = TEXT(GREETING(NONE)),
    .to_server = TEXT(REQUEST),
    .end = FRONT_TLS,
    .client_left = sizeof LOGIN("\1", NONE) - 1,
    .server_left = sizeof FINE("\1") - 1 },
  { .name = "local: the server has no TLS",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(NONE)) },
    .to_client = TEXT(REFUSED("\x18", "\0", "\x51\4", NO_TLS)),
    .end = FRONT_REFUSED,
    .why = NO_TLS },
  { .name = "local: the server is busy",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, BUSY) },
    .to_client = TEXT(REFUSED("\x24", "\0", "\x51\4", BUSY_WHY)),
    .end = FRONT_REFUSED,
    .why = BUSY_WHY },
  { .name = "local: the program asks for TLS",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, "\x20\0\0\1") },
    .to_client = TEXT(GREETING(NONE) REFUSED("\x41", "\2", "\x51\4#08S01", UNASKED)),
    .end = FRONT_REFUSED,
    .why = UNASKED },
  { .name = "local: a login of a protocol before 4.1",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, "\x4f\0\0\1" FIELDS("\xf5")) },
    .to_client = TEXT(GREETING(NONE) REFUSED("\x37", "\2", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "local: a login of another number",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, "\x4f\0\0\2" FIELDS(NONE)) },
    .to_client = TEXT(GREETING(NONE) REFUSED("\x37", "\3", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
  { .name = "local: a program that does not wait for the greeting",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, LOGIN("\1", NONE)), SAYS(SERVER, GREETING(TLS)) },
    .to_client = TEXT(GREETING(NONE)),
    .to_server = TEXT(REQUEST),
    .end = FRONT_TLS,
    .client_left = sizeof LOGIN("\1", NONE) - 1 },
  { .name = "local: a login that is too short",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, GREETING(TLS)), SAYS(CLIENT, "\x1f\0\0\1") },
    .to_client = TEXT(GREETING(NONE) REFUSED("\x37", "\2", "\x51\4#08S01", NOT_CLIENT)),
    .end = FRONT_REFUSED,
    .why = NOT_CLIENT },
};

static void scenes_are_played(void **state) {
  play_all(scenes, sizeof scenes / sizeof *scenes, "mysql");
}

/* Nothing that is no greeting reaches a client: it is told so instead. */
static void bad_greetings_are_refused(void **state) {
  static const struct bytes bad[] = {
    TEXT("\0\0\0\0"),          /* empty */
    TEXT("\xfd\xff\0\0"),      /* larger than there is room for */
    TEXT("\xff\xff\xff\0"),    /* the largest */
    TEXT("\x4\0\0\0\x09xx\0"), /* protocol 9 */
    TEXT("\x4\0\0\0\x0a"
         "8.0"),           /* a version without end */
    TEXT("\x1\0\0\0\x0a"), /* nothing behind the protocol */
    TEXT("\x11\0\0\0\x0a"
         "8\0"
         "1234saltsalt\0\xff"), /* half of the capabilities */
    TEXT("SSH-2.0-OpenSSH_9.2p1\r\n"),
    TEXT("+OK POP3 ready\r\n"),
  };
  for (size_t i = 0; i < 2 * (sizeof bad / sizeof *bad); i++) {
    AUTO_TALK t = { 0 };
    assert_ok(front_new(front_find("mysql"), i % 2 ? FRONT_CLIENT : FRONT_SERVER, &t.f));
    assert_ok(talk_say(&t, SERVER, bad[i / 2], SIZE_MAX));
    if (front_state(t.f) == FRONT_PLAIN) /* it claims to be a long one */
      assert_ok(talk_say(&t, SERVER, bytes_of((uint8_t[FRONT_MAX]){ 0 }, FRONT_MAX), SIZE_MAX));
    assert_int_equal(front_state(t.f), FRONT_REFUSED);
    assert_string_equal(front_why(t.f), NOT_SERVER);
    assert_bytes(buf_bytes(&t.sent[CLIENT]),
                 ((struct bytes)TEXT(REFUSED("\x30", "\0", "\x51\4", NOT_SERVER))));
  }
}

static void begin_inside(struct talk *t) {
  assert_ok(front_new(front_find("mysql"), FRONT_SERVER, &t->f));
  assert_ok(talk_say(t, SERVER, (struct bytes)TEXT(GREETING(NONE)), SIZE_MAX));
  assert_ok(talk_say(t, CLIENT, (struct bytes)TEXT(REQUEST), SIZE_MAX));
  front_secured(t->f);
  buf_clear(&t->sent[CLIENT]);
}

static void append_packet(struct buf *b, size_t size, uint8_t number, uint8_t first) {
  const uint8_t header[] = { (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), number };
  buf_put(b, header, sizeof header);
  for (size_t i = 0; i < size; i++)
    buf_put_char(b, (char)(i ? i % 251 : first));
}

/* A packet of the greatest size goes on in the next, which may begin with any byte; nothing of it
 * is held. */
static void great_packets_pass(void **state) {
  AUTO_TALK t = { 0 };
  AUTO_BUF here = BUF_EMPTY, there = BUF_EMPTY;
  begin_inside(&t);
  assert_ok(talk_say(&t, CLIENT, (struct bytes)TEXT(LOGIN("\2", TLS)), SIZE_MAX));
  append_packet(&here, 0xffffff, 2, 1);
  append_packet(&here, 100, 3, 0);
  append_packet(&there, 0xffffff, 3, 1);
  append_packet(&there, 100, 4, 0);
  assert_ok(talk_say(&t, SERVER, buf_bytes(&here), 60000));
  assert_bytes(buf_bytes(&t.sent[CLIENT]), buf_bytes(&there));
  assert_int_equal(front_state(t.f), FRONT_INSIDE);
  buf_clear(&t.sent[CLIENT]);
  buf_clear(&here);
  append_packet(&here, 0xffffff, 5, 'x');
  append_packet(&here, 0, 6, 0);
  buf_clear(&there);
  append_packet(&there, 0xffffff, 4, 'x');
  append_packet(&there, 0, 5, 0);
  buf_clear(&t.sent[SERVER]);
  assert_ok(talk_say(&t, CLIENT, buf_bytes(&here), 60000));
  assert_bytes(buf_bytes(&t.sent[SERVER]), buf_bytes(&there));
  assert_ok(talk_say(&t, SERVER, (struct bytes)TEXT(FINE("\x6")), SIZE_MAX));
  assert_bytes(buf_bytes(&t.sent[CLIENT]), ((struct bytes)TEXT(FINE("\x7"))));
  assert_int_equal(front_state(t.f), FRONT_THROUGH);
}

/* Numbers are of 8 bits. */
static void numbers_wrap(void **state) {
  AUTO_TALK t = { 0 };
  begin_inside(&t);
  assert_ok(talk_say(&t, CLIENT, (struct bytes)TEXT(LOGIN("\2", TLS)), SIZE_MAX));
  assert_ok(talk_say(&t, SERVER, (struct bytes)TEXT(MORE("\xff")), SIZE_MAX));
  assert_bytes(buf_bytes(&t.sent[CLIENT]), ((struct bytes)TEXT(MORE("\0"))));
}

static void refuse_at(struct talk *t, struct bytes expected) {
  assert_ok(front_refuse(t->f, "not you", &t->sent[CLIENT]));
  assert_bytes(buf_bytes(&t->sent[CLIENT]), expected);
  assert_int_equal(front_state(t->f), FRONT_REFUSED);
}
#define NOT_YOU(number) REFUSED("\x10", number, "\x51\4#08S01", "not you")

static void others_refuse_too(void **state) {
  AUTO_TALK early = { 0 }, inside = { 0 }, later = { 0 }, cut = { 0 };
  assert_ok(front_new(front_find("mysql"), FRONT_SERVER, &early.f));
  refuse_at(&early, (struct bytes)TEXT(REFUSED("\x0a", "\0", "\x51\4", "not you")));
  begin_inside(&inside);
  refuse_at(&inside, (struct bytes)TEXT(NOT_YOU("\3")));
  begin_inside(&later);
  assert_ok(talk_say(&later, CLIENT, (struct bytes)TEXT(LOGIN("\2", TLS)), SIZE_MAX));
  assert_ok(talk_say(&later, SERVER, (struct bytes)TEXT(MORE("\2")), SIZE_MAX));
  assert_ok(talk_say(&later, CLIENT, (struct bytes)TEXT(PASSWORD("\4")), SIZE_MAX));
  refuse_at(&later, (struct bytes)TEXT(MORE("\3") NOT_YOU("\5")));
  /* In the middle of a packet nothing can be said. */
  begin_inside(&cut);
  assert_ok(talk_say(&cut, SERVER, (struct bytes)TEXT("\2\0\0\2\1"), SIZE_MAX));
  refuse_at(&cut, (struct bytes)TEXT("\2\0\0\3\1"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(scenes_are_played),  cmocka_unit_test(bad_greetings_are_refused),
    cmocka_unit_test(great_packets_pass), cmocka_unit_test(numbers_wrap),
    cmocka_unit_test(others_refuse_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
