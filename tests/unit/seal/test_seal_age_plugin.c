/* The plugin protocol, spoken to as age does: what is said first, then an answer to each command.
 */
#include "age_check.h"

#include <fcntl.h>

#define ANSWERS 80

static struct fake fake;
static struct key_service vault;
static struct buf recipient, versioned, identity, elsewhere;

static int prepare(void **state) {
  vault = fake_service(&fake);
  assert_ok(age_write_recipient(FAKE_URL "/keys/backups", &recipient));
  assert_ok(age_write_recipient(FAKE_URL "/keys/logs/" FAKE_VERSION, &versioned));
  assert_ok(age_write_identity(FAKE_URL, &identity));
  assert_ok(age_write_identity("https://elsewhere.example", &elsewhere));
  return 0;
}

static int tidy(void **state) {
  buf_free(&recipient);
  buf_free(&versioned);
  buf_free(&identity);
  buf_free(&elsewhere);
  return 0;
}

static int forget(void **state) {
  fake = (struct fake){ 0 };
  return 0;
}

static void put(struct buf *b, const char *args, struct bytes body) {
  stanza_write(str(args), body, b);
}

static void put_with(struct buf *b, const char *command, const struct buf *text) {
  struct buf args = BUF_EMPTY;
  buf_printf(&args, "%s " BYTES_FMT, command, (int)text->size, (const char *)text->data);
  stanza_write(buf_bytes(&args), str(""), b);
  buf_free(&args);
}

/* What the plugin said, with what was said to it and an answer to each of its commands. */
static err_t talk(const char *machine, struct buf *said, struct buf *heard) {
  static const char *const answers[] = { "ok", "fail", "unsupported", "ok yes" };
  for (size_t i = 0; i < ANSWERS; i++)
    put(said, answers[i % 4], str(i % 5 ? "" : "whatever"));
  int in = file_of(buf_bytes(said)), out = file_of(str(""));
  err_t e = age_plugin(&vault, machine, in, out);
  struct err_last last = *err_last();
  close(in);
  *heard = content_of(out);
  err_restore(&last);
  return e;
}

/* Takes a stanza with these arguments off what was heard; body NULL: any. */
static struct stanza expect(struct bytes *heard, const char *args, const char *body) {
  struct stanza s;
  AUTO_BUF is = BUF_EMPTY;
  assert_ok(stanza_read(heard, &s));
  if (!bytes_starts(s.args, args))
    fail_msg("'" BYTES_FMT "' was said, not '%s'", BYTES_ARG(s.args), args);
  stanza_body(&s, &is);
  if (body && !(buf_cstr(&is) && strstr((const char *)is.data, body)))
    fail_msg("'" BYTES_FMT "' was said, not '%s'", BYTES_ARG(buf_bytes(&is)), body);
  return s;
}

static void expect_end(struct bytes heard) {
  assert_bytes(heard, str("-> done\n\n"));
}

static void wraps_each_key_for_each_recipient(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put(&said, "grease-command 1 2 3", str("of no account"));
  put_with(&said, "add-recipient", &recipient);
  put(&said, "wrap-file-key", str("first file's key"));
  put_with(&said, "add-recipient", &versioned);
  put(&said, "extension-labels", str(""));
  put(&said, "wrap-file-key", str("the second's key"));
  put(&said, "done", str(""));
  assert_ok(talk("recipient-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  for (int file = 0; file < 2; file++)
    for (int to = 0; to < 2; to++) {
      char args[160];
      (void)snprintf(args, sizeof args,
                     "recipient-stanza %d strongroom " FAKE_URL "/keys/%s/" FAKE_VERSION " A256KW",
                     file, to ? "logs" : "backups");
      struct stanza s = expect(&rest, args, NULL), inner = stanza_shift(&s, 2);
      AUTO_SECRET key = { 0 };
      assert_ok(age_vault_unwrap(&vault, &inner, &key));
      assert_bytes(secret_bytes(&key), str(file ? "the second's key" : "first file's key"));
    }
  expect_end(rest);
}

/* Everything that is wrong is told, and then no stanza is sent. */
static void recipients_that_are_none(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put_with(&said, "add-recipient", &recipient);
  put(&said, "add-recipient age1strongroom1qqqqqqqq", str(""));
  put(&said, "add-recipient age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
      str(""));
  put_with(&said, "add-identity", &identity);
  put(&said, "wrap-file-key", str("sixteen bytes..."));
  put(&said, "done", str(""));
  assert_ok(talk("recipient-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error recipient 1", "checksum");
  expect(&rest, "error recipient 2", "not for age-plugin-strongroom");
  expect(&rest, "error identity 0", "is a vault, not a key");
  expect_end(rest);
  assert_int_equal(fake.wraps, 0);
}

static void what_the_vault_says_of_wrapping(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  fake = (struct fake){ .fail = ERR_FORBIDDEN, .fail_key = "logs" };
  put_with(&said, "add-recipient", &recipient);
  put_with(&said, "add-recipient", &versioned);
  put(&said, "wrap-file-key", str("sixteen bytes..."));
  put(&said, "done", str(""));
  assert_ok(talk("recipient-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error recipient 1", "the fake says no");
  expect_end(rest);
}

static void file_keys_of_another_size(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put_with(&said, "add-recipient", &recipient);
  put(&said, "wrap-file-key", str("fifteen bytes.."));
  put(&said, "done", str(""));
  assert_ok(talk("recipient-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error internal", "15 bytes");
  expect_end(rest);
}

static void put_stanza(struct buf *b, int file, const char *key, const char *file_key) {
  AUTO_BUF text = BUF_EMPTY, args = BUF_EMPTY, body = BUF_EMPTY;
  struct stanza s;
  assert_ok(age_vault_wrap(&vault, key, str(file_key), &text));
  struct bytes view = buf_bytes(&text);
  assert_ok(stanza_read(&view, &s));
  stanza_body(&s, &body);
  buf_printf(&args, "recipient-stanza %d " BYTES_FMT, file, BYTES_ARG(s.args));
  stanza_write(buf_bytes(&args), buf_bytes(&body), b);
}

static void unwraps_each_file(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put(&said, "recipient-stanza 0 X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc", str("x"));
  put_with(&said, "add-identity", &identity);
  put_stanza(&said, 0, "backups", "first file's key");
  put(&said, "recipient-stanza 0 strongroom-like but none", str(""));
  put(&said, "grease", str("of no account"));
  put(&said, "recipient-stanza 1 of-others", str(""));
  put_stanza(&said, 2, "gone", "never to be seen");
  put_stanza(&said, 2, "logs", "the third's key.");
  put(&said, "add-identity AGE-PLUGIN-STRONGROOM-1R5625L", str("")); /* of no vault */
  put(&said, "done", str(""));
  fake = (struct fake){ .fail = ERR_NOT_FOUND, .fail_key = "gone" };
  assert_ok(talk("identity-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "file-key 0", "first file's key");
  expect(&rest, "file-key 2", "the third's key.");
  expect_end(rest);
  assert_int_equal(fake.unwraps, 3);
}

static void what_the_vault_says_of_unwrapping(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put_with(&said, "add-identity", &identity);
  put(&said, "recipient-stanza 0 of-others", str(""));
  put_stanza(&said, 0, "gone", "never to be seen");
  put_stanza(&said, 1, "backups", "sixteen bytes...");
  put(&said, "done", str(""));
  fake = (struct fake){ .fail = ERR_FORBIDDEN, .fail_key = "gone" };
  assert_ok(talk("identity-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error stanza 0 1", "the fake says no");
  expect(&rest, "file-key 1", "sixteen bytes...");
  expect_end(rest);
}

/* With one identity that is not right nothing is unwrapped. */
static void identities_that_are_none(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put_with(&said, "add-identity", &identity);
  put_with(&said, "add-identity", &elsewhere);
  put_with(&said, "add-identity", &recipient);
  put_stanza(&said, 0, "backups", "sixteen bytes...");
  put(&said, "done", str(""));
  assert_ok(talk("identity-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error identity 1", "elsewhere.example");
  expect(&rest, "error identity 2", "not for age-plugin-strongroom");
  expect_end(rest);
  assert_int_equal(fake.unwraps, 0);
}

/* A file with a stanza of ours that is not well formed stays closed; others do not. */
static void malformed_stanzas(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY;
  put_with(&said, "add-identity", &identity);
  put_stanza(&said, 0, "backups", "sixteen bytes...");
  put(&said, "recipient-stanza 0 strongroom backups", str("x"));
  put_stanza(&said, 1, "backups", "sixteen bytes...");
  put(&said, "done", str(""));
  assert_ok(talk("identity-v1", &said, &heard));
  struct bytes rest = buf_bytes(&heard);
  expect(&rest, "error stanza 0 1", "does not name a key");
  expect(&rest, "file-key 1", "sixteen bytes...");
  expect_end(rest);
  assert_int_equal(fake.unwraps, 1);
}

static void nothing_to_do(void **state) {
  AUTO_BUF said = BUF_EMPTY, heard = BUF_EMPTY, wrapped = BUF_EMPTY, unheard = BUF_EMPTY;
  put_stanza(&said, 0, "backups", "sixteen bytes..."); /* and no identity */
  put(&said, "done", str(""));
  assert_ok(talk("identity-v1", &said, &heard));
  expect_end(buf_bytes(&heard));
  put(&wrapped, "done", str(""));
  assert_ok(talk("recipient-v1", &wrapped, &unheard));
  expect_end(buf_bytes(&unheard));
}

/* Neither of these hangs, and nothing is said to whoever is not age. */
static void conversations_that_break_off(void **state) {
  static const struct {
    const char *machine, *said, *code;
  } cases[] = {
    { "identity-v1", "", "ERR_CLOSED" },
    { "identity-v1", "-> done", "ERR_CLOSED" },
    { "identity-v1", "-> done\n", "ERR_CLOSED" },
    { "identity-v1", "-> add-identity x\n\n", "ERR_CLOSED" },
    { "identity-v1", "GET / HTTP/1.1\r\n\r\n", "ERR_DAMAGED" },
    { "identity-v1", "-> done\n=\n", "ERR_DAMAGED" },
    { "identity-v2", "-> done\n\n", "ERR_USAGE" },
    { "", "-> done\n\n", "ERR_USAGE" },
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int in = file_of(str(cases[i].said)), out = file_of(str(""));
    assert_result(age_plugin(&vault, cases[i].machine, in, out), cases[i].code);
    close(in);
    AUTO_BUF heard = content_of(out);
    assert_int_equal(heard.size, 0);
  }
  /* age goes away in the second phase */
  AUTO_BUF said = BUF_EMPTY;
  put(&said, "add-recipient nonsense", str(""));
  put(&said, "done", str(""));
  int in = file_of(buf_bytes(&said)), out = file_of(str(""));
  assert_err(age_plugin(&vault, "recipient-v1", in, out), ERR_CLOSED);
  close(in);
  close(out);
}

static void too_much(void **state) {
  AUTO_BUF said = BUF_EMPTY, line = BUF_EMPTY;
  for (size_t i = 0; i < 3u << 20; i++)
    buf_put_char(&line, 'x');
  put_with(&said, "add-recipient", &line);
  int in = file_of(buf_bytes(&said)), out = file_of(str(""));
  assert_err(age_plugin(&vault, "recipient-v1", in, out), ERR_TOO_LARGE);
  close(in);
  buf_clear(&said);
  for (size_t i = 0; i < 1u << 17; i++)
    put(&said, "add-recipient x", str(""));
  in = file_of(buf_bytes(&said));
  assert_err(age_plugin(&vault, "recipient-v1", in, out), ERR_TOO_LARGE);
  close(in);
  close(out);
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(wraps_each_key_for_each_recipient, forget),
    cmocka_unit_test_setup(recipients_that_are_none, forget),
    cmocka_unit_test_setup(what_the_vault_says_of_wrapping, forget),
    cmocka_unit_test_setup(file_keys_of_another_size, forget),
    cmocka_unit_test_setup(unwraps_each_file, forget),
    cmocka_unit_test_setup(what_the_vault_says_of_unwrapping, forget),
    cmocka_unit_test_setup(identities_that_are_none, forget),
    cmocka_unit_test_setup(malformed_stanzas, forget),
    cmocka_unit_test_setup(nothing_to_do, forget),
    cmocka_unit_test_setup(conversations_that_break_off, forget),
    cmocka_unit_test_setup(too_much, forget),
  };
  return cmocka_run_group_tests(tests, prepare, tidy);
}
