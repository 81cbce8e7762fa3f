/* Each allocation of each operation with age fails once: the operation says so, or does without,
 * and leaks nothing (the sanitizer build looks for leaks). */
#include "age_check.h"

#include "fault/oom.h"
#include "seal/age_armor.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

static struct fake fake;
static struct key_service vault;
static struct pair pair;
static struct buf sealed, armored, recipient, identity, wraps, unwraps;
static struct bytes plain;

static err_t seal_to(int out) {
  AUTO(age_recipients) struct age_recipients *r = NULL;
  struct stream_options o = { .threads = 1 };
  TRY(age_recipients_new(&r));
  TRY(age_recipients_add(r, NULL, pair.recipient));
  TRY(age_recipients_add(r, &vault, (const char *)recipient.data));
  TRY(age_recipients_add_key(r, &vault, "another"));
  int in = file_of(plain);
  err_t e = age_seal(r, &o, in, out);
  close(in);
  return e;
}

static void prepare_talk(void) {
  AUTO_BUF args = BUF_EMPTY, text = BUF_EMPTY;
  struct stanza s;
  buf_printf(&args, "add-recipient %s", (const char *)recipient.data);
  stanza_write(buf_bytes(&args), str(""), &wraps);
  stanza_write(str("wrap-file-key"), str("sixteen bytes..."), &wraps);
  stanza_write(str("done"), str(""), &wraps);
  stanza_write(str("ok"), str(""), &wraps);
  buf_clear(&args);
  buf_printf(&args, "add-identity %s", (const char *)identity.data);
  stanza_write(buf_bytes(&args), str(""), &unwraps);
  assert_ok(age_vault_wrap(&vault, "backups", str("sixteen bytes..."), &text));
  struct bytes view = buf_bytes(&text);
  assert_ok(stanza_read(&view, &s));
  buf_clear(&args);
  buf_printf(&args, "recipient-stanza 0 " BYTES_FMT, BYTES_ARG(s.args));
  AUTO_BUF body = BUF_EMPTY;
  stanza_body(&s, &body);
  stanza_write(buf_bytes(&args), buf_bytes(&body), &unwraps);
  stanza_write(str("done"), str(""), &unwraps);
  stanza_write(str("ok"), str(""), &unwraps);
}

static int prepare(void **state) {
  vault = fake_service(&fake);
  pair = new_pair();
  plain = str("some text, which is short");
  assert_ok(age_write_recipient(FAKE_URL "/keys/backups", &recipient));
  assert_ok(age_write_identity(FAKE_URL, &identity));
  assert_non_null(buf_cstr(&recipient));
  assert_non_null(buf_cstr(&identity));
  int out = file_of(str(""));
  assert_ok(seal_to(out));
  sealed = content_of(out);
  armored = armor_of(buf_bytes(&sealed), "\n");
  prepare_talk();
  return 0;
}

static int tidy(void **state) {
  struct buf *all[] = { &sealed, &armored, &recipient, &identity, &wraps, &unwraps };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    buf_free(all[i]);
  return 0;
}

static err_t seal(int out) {
  return seal_to(out);
}

static err_t open_with(const char *text, struct bytes file, int out) {
  AUTO(age_identities) struct age_identities *i = NULL;
  struct stream_options o = { .threads = 1 };
  TRY(age_identities_new(&i));
  TRY(age_identities_add_file(i, &vault, str(text), "test"));
  int in = file_of(file);
  err_t e = age_open(i, &o, (struct bytes){ 0 }, in, out);
  close(in);
  return e;
}

static err_t open_by_key(int out) {
  return open_with(pair.identity, buf_bytes(&sealed), out);
}

static err_t open_by_vault(int out) {
  return open_with((const char *)identity.data, buf_bytes(&sealed), out);
}

static err_t open_armored(int out) {
  return open_with(pair.identity, buf_bytes(&armored), out);
}

static err_t open_range(int out) {
  AUTO(age_identities) struct age_identities *i = NULL;
  TRY(age_identities_new(&i));
  TRY(age_identities_add_vault(i, &vault));
  int file = file_of(buf_bytes(&sealed));
  err_t e = age_open_range(i, file, 0, 1000, out);
  close(file);
  return e;
}

static err_t take_armor_off(int out) {
  struct armor a = { 0 };
  AUTO_BUF b = BUF_EMPTY;
  TRY(armor_push(&a, buf_bytes(&armored), &b));
  return armor_end(&a, &b);
}

static err_t texts(int out) {
  AUTO_BUF a = BUF_EMPTY, b = BUF_EMPTY;
  TRY(age_write_recipient(FAKE_URL "/keys/backups", &a));
  return age_write_identity(FAKE_URL, &b);
}

static err_t talk(const char *machine, const struct buf *said, int out) {
  int in = file_of(buf_bytes(said));
  err_t e = age_plugin(&vault, machine, in, out);
  close(in);
  return e;
}

static err_t plugin_wraps(int out) {
  return talk("recipient-v1", &wraps, out);
}

static err_t plugin_unwraps(int out) {
  return talk("identity-v1", &unwraps, out);
}

struct work {
  err_t (*run)(int out);
  bool opens; /* what comes out is the plaintext */
};

static void each_failed_allocation_is_survived(void **state) {
  const struct work *w = *state;
  size_t heap = CRYPTO_secure_used();
  for (int kind = OOM_ONE; kind <= OOM_ALL; kind++)
    for (unsigned long n = 1;; n++) {
      int out = file_of(str(""));
      oom_start(n, (enum oom)kind);
      err_t e = w->run(out);
      bool failed = oom_stop();
      AUTO_BUF got = content_of(out);
      ERR_clear_error();
      assert_int_equal(CRYPTO_secure_used(), heap);
      if (e != OK)
        assert_err(e, ERR_NOMEM);
      if (e == OK && w->opens)
        assert_bytes(buf_bytes(&got), plain);
      if (!failed) {
        assert_ok(e);
        assert_true(n > 1);
        break;
      }
    }
}

#define WORK(f, opens) \
  { \
#f, each_failed_allocation_is_survived, NULL, NULL, &(struct work) { \
      f, opens \
    } \
  }

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    WORK(seal, false),        WORK(open_by_key, true),   WORK(open_by_vault, true),
    WORK(open_armored, true), WORK(open_range, true),    WORK(take_armor_off, false),
    WORK(texts, false),       WORK(plugin_wraps, false), WORK(plugin_unwraps, false),
  };
  return cmocka_run_group_tests(tests, prepare, tidy);
}
