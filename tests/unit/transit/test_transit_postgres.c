/* PostgreSQL's beginning, on both sides. */
#include "scene.h"

#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS_REQUEST "\0\0\0\x08\x04\xd2\x16\x30"
#define LOGIN "\0\0\0\x12\0\3\0\0user\0app\0\0"
#define CANCEL "\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\7secr"
#define HELLO "\x16\3\1\0\5hello"
#define ERROR(size, code, why) "E\0\0\0" size "SFATAL\0VFATAL\0C" code "\0M" why "\0\0"
#define ONLY_TLS "only TLS is served here: set sslmode=verify-full, sslcert, sslkey, sslrootcert"
#define REFUSED_PLAIN ERROR("\x6a", "28000", ONLY_TLS)
#define NO_TLS "the server has no TLS"
#define EARLY "the server speaks before it was asked"
#define STRANGE "the server does not answer as PostgreSQL does"
#define AGAIN "the client asks for encryption again and again"

static const struct scene scenes[] = {
  { .name = "a client asks for TLS",
    .lines = { SAYS(CLIENT, SSL_REQUEST), SAYS(CLIENT, HELLO), IS_SECURED },
    .to_client = TEXT("S"),
    .to_server = TEXT(HELLO), /* the caller had the handshake take it: here it is all that came */
    .end = FRONT_THROUGH },
  { .name = "what is slipped in behind the request is not used",
    .lines = { SAYS(CLIENT, SSL_REQUEST LOGIN) },
    .to_client = TEXT("S"),
    .end = FRONT_TLS,
    .client_left = sizeof LOGIN - 1 },
  { .name = "a client begins TLS at once",
    .lines = { SAYS(CLIENT, HELLO) },
    .end = FRONT_TLS,
    .client_left = sizeof HELLO - 1 },
  { .name = "a client asks for GSS first",
    .lines = { SAYS(CLIENT, GSS_REQUEST), SAYS(CLIENT, SSL_REQUEST) },
    .to_client = TEXT("NS"),
    .end = FRONT_TLS },
  { .name = "a client asks for GSS and then begins TLS",
    .lines = { SAYS(CLIENT, GSS_REQUEST HELLO) },
    .to_client = TEXT("N"),
    .end = FRONT_TLS,
    .client_left = sizeof HELLO - 1 },
  { .name = "a client asks for GSS again and again",
    .lines = { SAYS(CLIENT, GSS_REQUEST GSS_REQUEST GSS_REQUEST GSS_REQUEST GSS_REQUEST) },
    .to_client = TEXT("NNNN" ERROR("\x4a", "08006", AGAIN)),
    .end = FRONT_REFUSED,
    .why = AGAIN },
  { .name = "the server says something early",
    .lines = { SAYS(SERVER, "early"), SAYS(CLIENT, SSL_REQUEST), IS_SECURED },
    .to_client = TEXT("Searly"),
    .end = FRONT_THROUGH },
  { .name = "an incomplete request",
    .lines = { SAYS(CLIENT, "\0\0\0\x08\x04\xd2\x16") },
    .end = FRONT_PLAIN,
    .client_left = 7 },
  { .name = "local: a login",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, LOGIN), SAYS(SERVER, "S"), IS_SECURED, SAYS(SERVER, "R") },
    .to_client = TEXT("R"),
    .to_server = TEXT(SSL_REQUEST LOGIN),
    .end = FRONT_THROUGH },
  { .name = "local: encryption is asked for first",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, SSL_REQUEST), SAYS(CLIENT, GSS_REQUEST SSL_REQUEST),
               SAYS(CLIENT, GSS_REQUEST LOGIN), SAYS(SERVER, "S"), IS_SECURED },
    .to_client = TEXT("NNNN"),
    .to_server = TEXT(SSL_REQUEST LOGIN),
    .end = FRONT_THROUGH },
  { .name = "local: encryption is asked for again and again",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, SSL_REQUEST SSL_REQUEST SSL_REQUEST SSL_REQUEST SSL_REQUEST) },
    .to_client = TEXT("NNNN" ERROR("\x4a", "08006", AGAIN)),
    .end = FRONT_REFUSED,
    .why = AGAIN },
  { .name = "local: a cancellation",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, CANCEL), SAYS(SERVER, "S"), IS_SECURED },
    .to_server = TEXT(SSL_REQUEST CANCEL),
    .end = FRONT_THROUGH },
  { .name = "local: what is slipped in behind the answer is not used",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, LOGIN), SAYS(SERVER, "SR\0\0\0\x08\0\0\0\0") },
    .to_server = TEXT(SSL_REQUEST),
    .end = FRONT_TLS,
    .client_left = sizeof LOGIN - 1,
    .server_left = 9 },
  { .name = "local: the program begins TLS",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, "\x16") },
    .end = FRONT_REFUSED,
    .why = "the local program begins TLS: set sslmode=disable" },
  { .name = "local: the server has no TLS",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, LOGIN), SAYS(SERVER, "N") },
    .to_client = TEXT(ERROR("\x31", "08006", NO_TLS)),
    .to_server = TEXT(SSL_REQUEST),
    .end = FRONT_REFUSED,
    .why = NO_TLS,
    .client_left = sizeof LOGIN - 1 },
  { .name = "local: the server answers with a message",
    .side = FRONT_CLIENT,
    .lines = { SAYS(CLIENT, LOGIN), SAYS(SERVER, "E") },
    .to_client = TEXT(ERROR("\x49", "08006", STRANGE)),
    .to_server = TEXT(SSL_REQUEST),
    .end = FRONT_REFUSED,
    .why = STRANGE,
    .client_left = sizeof LOGIN - 1 },
  { .name = "local: the server speaks first",
    .side = FRONT_CLIENT,
    .lines = { SAYS(SERVER, "S") },
    .to_client = TEXT(ERROR("\x41", "08006", EARLY)),
    .end = FRONT_REFUSED,
    .why = EARLY },
};

static void scenes_are_played(void **state) {
  play_all(scenes, sizeof scenes / sizeof *scenes, "postgres");
}

/* Whatever is not a request is refused in plain words; what is left of it is not looked at. */
static void plain_text_is_refused(void **state) {
  static const struct bytes bad[] = {
    TEXT(LOGIN),
    TEXT(CANCEL),
    TEXT("GET / HTTP/1.1\r\n\r\n"),
    TEXT("\0\0\0\x09\x04\xd2\x16\x2f"),
    TEXT("\0\0\0\x07\x04\xd2\x16\x2f"),
    TEXT("\0\0\0\x08\x04\xd2\x16\x31"),
    TEXT("\xff\xff\xff\xff\xff\xff\xff\xff"),
    TEXT("\0\0\0\0\0\0\0\0"),
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    AUTO_TALK t = { 0 };
    assert_ok(front_new(front_find("postgres"), FRONT_SERVER, &t.f));
    assert_ok(talk_say(&t, CLIENT, bad[i], SIZE_MAX));
    assert_int_equal(front_state(t.f), FRONT_REFUSED);
    assert_string_equal(front_why(t.f), ONLY_TLS);
    assert_bytes(buf_bytes(&t.sent[CLIENT]), ((struct bytes)TEXT(REFUSED_PLAIN)));
    assert_int_equal(t.said[CLIENT].size, 0);
    assert_int_equal(t.sent[SERVER].size, 0);
  }
}

static void others_refuse_too(void **state) {
  AUTO_TALK t = { 0 };
  assert_ok(front_new(front_find("postgres"), FRONT_SERVER, &t.f));
  assert_ok(talk_say(&t, CLIENT, (struct bytes)TEXT(SSL_REQUEST), SIZE_MAX));
  assert_ok(front_refuse(t.f, "not you", &t.sent[CLIENT]));
  assert_int_equal(front_state(t.f), FRONT_REFUSED);
  assert_string_equal(front_why(t.f), "not you");
  assert_bytes(buf_bytes(&t.sent[CLIENT]),
               ((struct bytes)TEXT("S" ERROR("\x23", "08006", "not you"))));
  /* Only once. */
  size_t size = t.sent[CLIENT].size;
  assert_ok(front_refuse(t.f, "nor you", &t.sent[CLIENT]));
  assert_int_equal(t.sent[CLIENT].size, size);
}

static void kinds_are_found(void **state) {
  assert_null(front_find("smtp"));
  assert_null(front_find(""));
  for (const struct front_kind *const *k = front_kinds; *k; k++)
    assert_ptr_equal(front_find((*k)->name), *k);
  assert_false(front_find("postgres")->server_speaks_first);
  assert_true(front_find("mysql")->server_speaks_first);
}

/* Said too early or twice, it stays what it is. */
static void handshakes_come_once(void **state) {
  AUTO_TALK t = { 0 };
  assert_ok(front_new(front_find("postgres"), FRONT_SERVER, &t.f));
  front_secured(t.f);
  assert_int_equal(front_state(t.f), FRONT_PLAIN);
  assert_ok(talk_say(&t, CLIENT, (struct bytes)TEXT(LOGIN), SIZE_MAX));
  front_secured(t.f);
  assert_int_equal(front_state(t.f), FRONT_REFUSED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(scenes_are_played),    cmocka_unit_test(plain_text_is_refused),
    cmocka_unit_test(others_refuse_too),    cmocka_unit_test(kinds_are_found),
    cmocka_unit_test(handshakes_come_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
