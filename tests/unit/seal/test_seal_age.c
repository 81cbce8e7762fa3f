/* Age files, written and read: who opens what, and what people are told. */
#include "age_check.h"

#define CHUNK 65536

static struct buf text_of(size_t size) {
  struct buf b = BUF_EMPTY;
  if (!buf_reserve(&b, size + 1))
    abort();
  for (size_t i = 0; i < size; i++)
    b.data[i] = (uint8_t)(i * 7 + i / 251);
  b.size = size;
  return b;
}

static struct buf seal(const struct age_recipients *r, struct bytes plain) {
  struct stream_options o = { 0 };
  int in = file_of(plain), out = file_of(str(""));
  assert_ok(age_seal(r, &o, in, out));
  close(in);
  return content_of(out);
}

static err_t open_start(const struct age_identities *i, struct bytes sealed, size_t start,
                        struct buf *plain) {
  struct stream_options o = { 0 };
  int in = file_of(sealed), out = file_of(str(""));
  if (lseek(in, (off_t)start, SEEK_SET) < 0)
    abort();
  err_t e = age_open(i, &o, bytes_of(sealed.data, start), in, out);
  struct err_last last = *err_last();
  close(in);
  *plain = content_of(out);
  err_restore(&last);
  return e;
}

static err_t open(const struct age_identities *i, struct bytes sealed, struct buf *plain) {
  return open_start(i, sealed, 0, plain);
}

static void opens(const struct age_identities *i, struct bytes sealed, struct bytes expected) {
  struct buf plain = BUF_EMPTY;
  assert_ok(open(i, sealed, &plain));
  assert_bytes(buf_bytes(&plain), expected);
  buf_free(&plain);
}

static void stays_closed(const struct age_identities *i, struct bytes sealed, const char *code,
                         const char *says) {
  struct buf plain = BUF_EMPTY;
  err_t e = open(i, sealed, &plain);
  assert_string_equal(err_info(e)->name, code);
  if (!strstr(err_reason(e), says))
    fail_msg("'%s' is not in: %s", says, err_reason(e));
  assert_int_equal(plain.size, 0);
  buf_free(&plain);
}

static struct age_recipients *to(const char *recipient) {
  struct age_recipients *r = NULL;
  assert_ok(age_recipients_new(&r));
  if (recipient)
    assert_ok(age_recipients_add(r, NULL, recipient));
  return r;
}

static struct age_identities *with(const char *identity) {
  struct age_identities *i = NULL;
  assert_ok(age_identities_new(&i));
  if (identity)
    assert_ok(age_identities_add_file(i, NULL, str(identity), "test"));
  return i;
}

static void sizes_around_chunks(void **state) {
  static const size_t sizes[] = { 0,         1,         CHUNK - 1,      CHUNK,
                                  CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 17, 20 * CHUNK };
  struct pair p = new_pair();
  AUTO(age_recipients) struct age_recipients *r = to(p.recipient);
  AUTO(age_identities) struct age_identities *i = with(p.identity);
  for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++) {
    AUTO_BUF plain = text_of(sizes[n]), sealed = seal(r, buf_bytes(&plain));
    assert_true(age_looks_like(buf_bytes(&sealed)));
    opens(i, buf_bytes(&sealed), buf_bytes(&plain));
    for (size_t start = 1; start <= sealed.size; start = start * 3 + 40) {
      AUTO_BUF again = BUF_EMPTY;
      assert_ok(open_start(i, buf_bytes(&sealed), start, &again));
      assert_bytes(buf_bytes(&again), buf_bytes(&plain));
    }
    AUTO_BUF armor = armor_of(buf_bytes(&sealed), n % 2 ? "\n" : "\r\n");
    opens(i, buf_bytes(&armor), buf_bytes(&plain));
  }
}

static void several_recipients(void **state) {
  struct pair one = new_pair(), two = new_pair(), other = new_pair();
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(one.recipient);
  assert_ok(age_recipients_add_key(r, &vault, "backups"));
  assert_ok(age_recipients_add(r, NULL, two.recipient));
  AUTO_BUF sealed = seal(r, str("to three"));
  assert_int_equal(f.wraps, 1);
  AUTO(age_identities)
  struct age_identities *a = with(one.identity), *b = with(two.identity), *c = with(other.identity),
                        *v = with(NULL);
  opens(a, buf_bytes(&sealed), str("to three"));
  opens(b, buf_bytes(&sealed), str("to three"));
  stays_closed(c, buf_bytes(&sealed), "ERR_WRONG_KEY",
               "X25519, strongroom " FAKE_URL "/keys/backups/" FAKE_VERSION ", X25519");
  assert_ok(age_identities_add_vault(v, &vault));
  opens(v, buf_bytes(&sealed), str("to three"));
  assert_int_equal(f.unwraps, 1);
  /* the vault is the last that is asked */
  assert_ok(age_identities_add_vault(b, &vault));
  opens(b, buf_bytes(&sealed), str("to three"));
  assert_int_equal(f.unwraps, 1);
  assert_ok(age_identities_add_vault(c, &vault));
  opens(c, buf_bytes(&sealed), str("to three"));
  assert_int_equal(f.unwraps, 2);
}

static void what_the_vault_says_is_told(void **state) {
  static const struct {
    err_t fail;
    const char *code;
  } cases[] = {
    { ERR_FORBIDDEN, "ERR_FORBIDDEN" },
    { ERR_NOT_FOUND, "ERR_NOT_FOUND" },
    { ERR_AWAY, "ERR_AWAY" },
    { ERR_BUSY, "ERR_BUSY" },
    { ERR_UNAUTHORIZED, "ERR_UNAUTHORIZED" },
  };
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  AUTO(age_identities) struct age_identities *i = with(NULL);
  assert_ok(age_recipients_add_key(r, &vault, "backups"));
  assert_ok(age_identities_add_vault(i, &vault));
  AUTO_BUF sealed = seal(r, str("text"));
  for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
    struct stream_options o = { 0 };
    int in = file_of(str("text")), out = file_of(str(""));
    f.fail = cases[n].fail;
    stays_closed(i, buf_bytes(&sealed), cases[n].code, "the fake says no");
    assert_result(age_seal(r, &o, in, out), cases[n].code);
    assert_int_equal(lseek(out, 0, SEEK_END), 0);
    close(in);
    close(out);
  }
  f.fail = ERR_BAD_PARAMETER;
  stays_closed(i, buf_bytes(&sealed), "ERR_WRONG_KEY", "does not open it");
  f = (struct fake){ .answer = 15 };
  stays_closed(i, buf_bytes(&sealed), "ERR_DAMAGED", "not a file key");
}

/* Of several keys of the vault one is enough. */
static void one_of_several_keys(void **state) {
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  AUTO(age_identities) struct age_identities *i = with(NULL);
  assert_ok(age_recipients_add_key(r, &vault, "first"));
  assert_ok(age_recipients_add_key(r, &vault, FAKE_URL "/keys/second"));
  assert_ok(age_recipients_add_key(r, &vault, "third/" FAKE_VERSION));
  assert_ok(age_identities_add_vault(i, &vault));
  AUTO_BUF sealed = seal(r, str("text"));
  f = (struct fake){ .fail = ERR_FORBIDDEN, .fail_key = "first" };
  opens(i, buf_bytes(&sealed), str("text"));
  assert_int_equal(f.unwraps, 2);
  f = (struct fake){ .fail = ERR_FORBIDDEN };
  stays_closed(i, buf_bytes(&sealed), "ERR_FORBIDDEN", "the fake says no");
  assert_int_equal(f.unwraps, 3);
  f = (struct fake){ .fail = ERR_AWAY };
  stays_closed(i, buf_bytes(&sealed), "ERR_AWAY", "the fake says no");
  assert_int_equal(f.unwraps, 1);
}

/* Nobody makes a file ask for more than this. */
static void the_vault_is_asked_so_often(void **state) {
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  AUTO(age_identities) struct age_identities *i = with(NULL);
  for (unsigned n = 0; n < 100; n++)
    assert_ok(age_recipients_add_key(r, &vault, "key"));
  assert_ok(age_identities_add_vault(i, &vault));
  AUTO_BUF sealed = seal(r, str("text"));
  f = (struct fake){ .fail = ERR_NOT_FOUND };
  stays_closed(i, buf_bytes(&sealed), "ERR_NOT_FOUND", "the fake says no");
  assert_int_equal(f.unwraps, 32);
}

struct asked {
  const char *passphrase;
  unsigned count;
};
static err_t ask(void *ctx, struct secret *out) {
  struct asked *a = ctx;
  a->count++;
  return secret_copy(str(a->passphrase), out);
}

static void passphrases(void **state) {
  struct pair p = new_pair();
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  struct asked asked = { "open sesame", 0 };
  AUTO(age_recipients) struct age_recipients *r = to(NULL), *mixed = to(p.recipient);
  AUTO(age_identities) struct age_identities *i = with(p.identity);
  assert_ok(age_recipients_add_passphrase(r, str("open sesame")));
  assert_err(age_recipients_add(r, NULL, p.recipient), ERR_BAD_PARAMETER);
  assert_err(age_recipients_add_key(r, &vault, "key"), ERR_BAD_PARAMETER);
  assert_err(age_recipients_add_passphrase(r, str("another")), ERR_BAD_PARAMETER);
  assert_err(age_recipients_add_passphrase(mixed, str("open sesame")), ERR_BAD_PARAMETER);
  AUTO_BUF sealed = seal(r, str("under a passphrase"));
  stays_closed(i, buf_bytes(&sealed), "ERR_WRONG_KEY", "under a passphrase");
  age_identities_on_passphrase(i, ask, &asked);
  opens(i, buf_bytes(&sealed), str("under a passphrase"));
  asked.passphrase = "open barley";
  stays_closed(i, buf_bytes(&sealed), "ERR_WRONG_KEY", "not the passphrase");
  assert_int_equal(asked.count, 2);
  sealed.data[strlen("age-encryption.org/v1\n-> scrypt ") + 22 + 2] = '9'; /* 18: 19, for longer */
  asked.passphrase = "open sesame";
  stays_closed(i, buf_bytes(&sealed), "ERR_WRONG_KEY", "not the passphrase");
  AUTO_BUF other = seal(mixed, str("not under one"));
  opens(i, buf_bytes(&other), str("not under one"));
  assert_int_equal(asked.count, 3);
}

static void no_recipient_no_file(void **state) {
  struct stream_options o = { 0 };
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  int in = file_of(str("text")), out = file_of(str(""));
  assert_err(age_seal(r, &o, in, out), ERR_BAD_PARAMETER);
  assert_int_equal(lseek(out, 0, SEEK_END), 0);
  close(in);
  close(out);
}

/* Each changed byte of a header is noticed, and nothing comes out. */
static void changed_headers(void **state) {
  struct pair p = new_pair();
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(p.recipient);
  AUTO(age_identities) struct age_identities *i = with(p.identity);
  assert_ok(age_recipients_add_key(r, &vault, "backups"));
  AUTO_BUF sealed = seal(r, str("text"));
  struct age_header h;
  assert_ok(age_header_read(buf_bytes(&sealed), &h));
  size_t size = h.size;
  for (size_t n = 0; n < size; n++) {
    AUTO_BUF plain = BUF_EMPTY;
    sealed.data[n] ^= 1;
    err_t e = open(i, buf_bytes(&sealed), &plain);
    sealed.data[n] ^= 1;
    if (e == OK || plain.size)
      fail_msg("byte %zu of the header was changed: %s", n, err_info(e)->name);
  }
  for (size_t n = 0; n < sealed.size; n++) {
    AUTO_BUF plain = BUF_EMPTY;
    err_t e = open(i, bytes_of(sealed.data, n), &plain);
    assert_true(e == ERR_TRUNCATED || (e == ERR_DAMAGED && n > size + AGE_NONCE));
    assert_int_equal(plain.size, 0);
  }
  opens(i, buf_bytes(&sealed), str("text"));
}

static void ranges(void **state) {
  static const struct {
    uint64_t offset, length;
  } pieces[] = {
    { 0, 0 },         { 0, 1 },          { 0, CHUNK },         { CHUNK - 1, 2 },
    { CHUNK, CHUNK }, { 3 * CHUNK, 99 }, { 12345, 3 * CHUNK }, { 3 * CHUNK + 99, 10 },
    { 9 * CHUNK, 5 }, { 0, 9 * CHUNK },
  };
  struct pair p = new_pair();
  AUTO(age_recipients) struct age_recipients *r = to(p.recipient);
  AUTO(age_identities) struct age_identities *i = with(p.identity);
  AUTO_BUF plain = text_of(3 * CHUNK + 100), sealed = seal(r, buf_bytes(&plain));
  int file = file_of(buf_bytes(&sealed));
  for (size_t n = 0; n < sizeof pieces / sizeof *pieces; n++) {
    uint64_t from = pieces[n].offset < plain.size ? pieces[n].offset : plain.size;
    uint64_t most = plain.size - from, length = pieces[n].length < most ? pieces[n].length : most;
    int out = file_of(str(""));
    assert_ok(age_open_range(i, file, pieces[n].offset, pieces[n].length, out));
    AUTO_BUF got = content_of(out);
    assert_bytes(buf_bytes(&got), bytes_of(plain.data + from, length));
  }
  close(file);
  AUTO_BUF armor = armor_of(buf_bytes(&sealed), "\n");
  int armored = file_of(buf_bytes(&armor)), out = file_of(str(""));
  assert_err(age_open_range(i, armored, 0, 1, out), ERR_BAD_PARAMETER);
  close(armored);
  sealed.data[sealed.size - 1] ^= 1; /* the length can't be trusted without the end */
  int changed = file_of(buf_bytes(&sealed));
  assert_err(age_open_range(i, changed, 0, 1, out), ERR_DAMAGED);
  assert_int_equal(lseek(out, 0, SEEK_END), 0);
  close(changed);
  close(out);
}

/* A file as others write it: stanzas that nobody knows, ours in the middle. */
static void stanzas_of_others(void **state) {
  struct pair p = new_pair();
  AUTO(age_identities) struct age_identities *i = with(p.identity);
  AUTO_SECRET file_key = { 0 };
  AUTO_BUF file = BUF_EMPTY, data = BUF_EMPTY;
  AUTO(payload) struct payload *payload = NULL;
  char prefix[BECH32_PREFIX_MAX + 1];
  struct stream_options o = { 0 };
  uint8_t noise[200] = { 1, 2, 3 };
  assert_ok(secret_random(AGE_FILE_KEY, &file_key));
  assert_ok(bech32_decode(str(p.recipient), prefix, &data, NULL));
  age_header_begin(&file);
  stanza_write(str("Qvm]-grease % {"), bytes_of(noise, sizeof noise), &file);
  stanza_write(str("x25519 lowercase"), bytes_of(noise, 96), &file);
  stanza_write(str("X25519-grease"), str(""), &file);
  assert_ok(age_x25519_wrap(data.data, secret_bytes(&file_key), &file));
  stanza_write(str("yubikey-like tag share"), bytes_of(noise, 48), &file);
  assert_ok(age_header_end(secret_bytes(&file_key), &file));
  assert_ok(payload_new_age(secret_bytes(&file_key), &payload));
  buf_put_bytes(&file, payload_prefix(payload));
  int in = file_of(str("of others")), out = file_of(buf_bytes(&file));
  assert_true(lseek(out, 0, SEEK_END) > 0);
  assert_ok(stream_seal(payload, &o, in, out));
  close(in);
  AUTO_BUF sealed = content_of(out);
  opens(i, buf_bytes(&sealed), str("of others"));
}

static void recipients_that_are_none(void **state) {
  static const struct {
    const char *text, *says;
  } bad[] = {
    { "", "not an age recipient" },
    { "backups", "not an age recipient" },
    { "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", "SSH keys" },
    { "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", "checksum" },
    { "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t",
      "age-plugin-yubikey" },
    { "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
      "this is an identity" },
    { "AGE1ZVKYG2LQZRAA2LNJVQEJ32NKUU0UES2S82HZRYE869XEEXVN73EQUNUJWJ", "not an age recipient" },
  };
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    AUTO(age_recipients) struct age_recipients *r = to(NULL);
    err_t e = age_recipients_add(r, NULL, bad[n].text);
    assert_string_equal(err_info(e)->name, "ERR_BAD_PARAMETER");
    if (!strstr(err_reason(e), bad[n].says))
      fail_msg("of '%s': %s", bad[n].text, err_reason(e));
    assert_null(strstr(err_reason(e), "GFPYYSJZ"));
  }
}

static void identities_that_are_none(void **state) {
  static const char secret[] =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAE";
  static const struct {
    const char *text, *says;
  } bad[] = {
    { "", "has no identity" },
    { "# only\n\n# comments\n", "has no identity" },
    { "\n\nhello\n", "line 3: this is not an age identity" },
    { "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj", "a recipient" },
    { "AGE-PLUGIN-YUBIKEY-1Q32GQQ", "" },
    { "age-encryption.org/v1\n-> scrypt", "sealed itself" },
    { secret, "line 1: Bech32" },
  };
  for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
    AUTO(age_identities) struct age_identities *i = with(NULL);
    err_t e = age_identities_add_file(i, NULL, str(bad[n].text), "id.txt");
    assert_string_equal(err_info(e)->name, "ERR_BAD_PARAMETER");
    if (!strstr(err_reason(e), bad[n].says) || !strstr(err_reason(e), "id.txt"))
      fail_msg("of '%s': %s", bad[n].text, err_reason(e));
    assert_null(strstr(err_reason(e), "GFPYYSJZ"));
  }
  struct pair p = new_pair();
  AUTO(age_identities) struct age_identities *i = with(NULL);
  AUTO_BUF text = BUF_EMPTY;
  buf_printf(&text, "# created: today\r\n# public key: %s\r\n\r\n  %s\r\n", p.recipient,
             p.identity);
  assert_ok(age_identities_add_file(i, NULL, buf_bytes(&text), "id.txt"));
}

static void texts_of_the_vault(void **state) {
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f), other = vault, unknown = vault, same = vault;
  AUTO_BUF recipient = BUF_EMPTY, versioned = BUF_EMPTY, identity = BUF_EMPTY, none = BUF_EMPTY;
  other.url = "https://elsewhere.example:8443";
  unknown.url = NULL;
  same.url = "https://VAULT.example:8443/";
  assert_ok(age_write_recipient(FAKE_URL "/keys/backups", &recipient));
  assert_ok(age_write_recipient(FAKE_URL "/keys/backups/" FAKE_VERSION, &versioned));
  assert_ok(age_write_identity(FAKE_URL, &identity));
  assert_true(bytes_starts(buf_bytes(&recipient), "age1strongroom1"));
  assert_true(bytes_starts(buf_bytes(&identity), "AGE-PLUGIN-STRONGROOM-1"));
  assert_err(age_write_recipient("backups", &none), ERR_BAD_PARAMETER);
  assert_err(age_write_recipient(FAKE_URL "/secrets/backups", &none), ERR_BAD_PARAMETER);
  assert_err(age_write_recipient(FAKE_URL "/keys/", &none), ERR_BAD_PARAMETER);
  assert_err(age_write_identity("vault.example", &none), ERR_BAD_PARAMETER);
  const char *to_newest = buf_cstr(&recipient), *to_version = buf_cstr(&versioned);
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  AUTO(age_identities) struct age_identities *i = with(NULL);
  assert_err(age_recipients_add(r, NULL, to_newest), ERR_BAD_PARAMETER);
  assert_err(age_recipients_add(r, &other, to_newest), ERR_BAD_PARAMETER);
  assert_non_null(strstr(err_reason(ERR_BAD_PARAMETER), "elsewhere.example"));
  assert_err(age_identities_add_file(i, NULL, buf_bytes(&identity), "id"), ERR_BAD_PARAMETER);
  assert_err(age_identities_add_file(i, &other, buf_bytes(&identity), "id"), ERR_BAD_PARAMETER);
  assert_non_null(strstr(err_reason(ERR_BAD_PARAMETER), "elsewhere.example"));
  assert_ok(age_recipients_add(r, &vault, to_newest));
  assert_ok(age_recipients_add(r, &unknown, to_version));
  assert_ok(age_recipients_add(r, &same, to_version));
  assert_ok(age_identities_add_file(i, &vault, buf_bytes(&identity), "id"));
  AUTO_BUF sealed = seal(r, str("text"));
  opens(i, buf_bytes(&sealed), str("text"));
}

/* A file of another vault: the one that is configured is asked, and if it refuses that is said. */
static void files_of_another_vault(void **state) {
  struct fake f = { 0 };
  struct key_service vault = fake_service(&f);
  AUTO(age_recipients) struct age_recipients *r = to(NULL);
  AUTO(age_identities) struct age_identities *i = with(NULL);
  assert_ok(age_recipients_add_key(r, &vault, "backups"));
  AUTO_BUF sealed = seal(r, str("text"));
  vault.url = "https://elsewhere.example";
  assert_ok(age_identities_add_vault(i, &vault));
  opens(i, buf_bytes(&sealed), str("text"));
  f.fail = ERR_FORBIDDEN;
  stays_closed(i, buf_bytes(&sealed), "ERR_FORBIDDEN", "asked is https://elsewhere.example");
}

int main(void) {
  start_crypto();
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(sizes_around_chunks),
    cmocka_unit_test(several_recipients),
    cmocka_unit_test(what_the_vault_says_is_told),
    cmocka_unit_test(one_of_several_keys),
    cmocka_unit_test(the_vault_is_asked_so_often),
    cmocka_unit_test(passphrases),
    cmocka_unit_test(no_recipient_no_file),
    cmocka_unit_test(changed_headers),
    cmocka_unit_test(ranges),
    cmocka_unit_test(stanzas_of_others),
    cmocka_unit_test(recipients_that_are_none),
    cmocka_unit_test(identities_that_are_none),
    cmocka_unit_test(texts_of_the_vault),
    cmocka_unit_test(files_of_another_vault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
