/* A certificate that is kept: got, found again, renewed. */
#include "enrol_kit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static unsigned mode_of(const char *name) {
  char path[160];
  struct stat st;
  state_file(name, path);
  assert_int_equal(stat(path, &st), 0);
  return st.st_mode & 07777;
}

static void fresh(void **state) {
  open_kept();
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  AUTO_CERT_INFO info = { 0 };
  AUTO_BUF root = BUF_EMPTY;
  read_current(&info);
  assert_string_equal(info.is.sans[SAN_DNS].items[0], "web.example");
  assert_string_equal(info.is.sans[SAN_URI].items[0], "spiffe://example/web");
  assert_string_equal(info.is.subject, "OU=web");
  assert_ok(x509_from_pem(buf_bytes(&now->ca_pem), &root));
  assert_bytes(buf_bytes(&root), buf_bytes(&f.issuers[0].der));
  assert_int_equal(now->list_count, 2);
  assert_true(now->lists_until > clock_now());
  assert_int_equal(atomic_load(&f.issued), 1);
  assert_int_equal(mode_of("."), 0700);
  assert_int_equal(mode_of("identity.pem"), 0600);
  struct enrol_status s = status();
  assert_int_equal(s.not_after, now->not_after);
  assert_true(s.renew_at >= clock_now() + 50 * DAY && s.renew_at <= clock_now() + 60 * DAY);
  assert_true(s.asked_at > 0 && s.renewals == 0 && s.failures == 0 && s.trouble[0] == '\0');
}

static void lifetimes(void **state) {
  struct enrol_options o = options();
  o.lifetime_s = 3600;
  assert_ok(enrol_new(f.client, &o, 0, &kept));
  assert_true(status().not_after <= clock_now() + 3600);
  assert_true(status().renew_at > clock_now() + 2000); /* not counted from before it was issued */
}

static void no_lists(void **state) {
  struct enrol_options o = options();
  o.lists = false;
  assert_ok(enrol_new(f.client, &o, 0, &kept));
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  assert_int_equal(now->list_count, 0);
  assert_int_equal(now->lists_until, 0);
  assert_int_equal(atomic_load(&f.asked), 2); /* the root and the certificate */
}

static void found_again(void **state) {
  AUTO_CERT_INFO before = { 0 }, after = { 0 };
  open_kept();
  read_current(&before);
  close_kept();
  fake_ca_away(&f, true);
  unsigned asked = atomic_load(&f.asked);
  open_kept();
  read_current(&after);
  assert_bytes(serial_of(&after), serial_of(&before));
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  assert_int_equal(now->list_count, 2);
  assert_int_equal(atomic_load(&f.asked), asked);
  assert_int_equal(status().asked_at, 0);
}

static void used_by_one(void **state) {
  const struct enrol_options o = options();
  AUTO(enrol) struct enrol *second = NULL;
  open_kept();
  assert_err(enrol_new(f.client, &o, 0, &second), ERR_CONFIG);
  close_kept();
  assert_ok(enrol_new(f.client, &o, 0, &second));
}

/* A full disk costs no certificate. */
static void no_room(void **state) {
  const struct enrol_options o = options();
  struct rlimit before, little = { 0 };
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  little = (struct rlimit){ 8192, before.rlim_max };
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
  err_t e = enrol_new(f.client, &o, 0, &kept);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(e, ERR_CONFIG);
  assert_non_null(strstr(err_reason(e), "cannot write"));
  assert_int_equal(atomic_load(&f.asked), 0);
  assert_false(has_state("trial"));
  open_kept();
  assert_false(has_state("trial"));
}

/* --- what is on disk and not good --- */

static void spoil_with(struct bytes text) {
  write_state("identity.pem", text);
}

static void spoil_empty(void) {
  spoil_with(bytes_str(""));
}

static void spoil_half(void) {
  AUTO_BUF text = BUF_EMPTY;
  read_state("identity.pem", &text);
  spoil_with(bytes_of(text.data, text.size / 2));
}

/* In the middle of the key. */
static void spoil_byte(void) {
  AUTO_BUF text = BUF_EMPTY;
  read_state("identity.pem", &text);
  uint8_t *key = memmem(text.data, text.size, "PRIVATE KEY-----\n", 17);
  assert_non_null(key);
  key[60] = key[60] == 'A' ? 'B' : 'A';
  spoil_with(buf_bytes(&text));
}

static void spoil_head(void) {
  AUTO_BUF text = BUF_EMPTY;
  read_state("identity.pem", &text);
  uint8_t *line = memchr(text.data, '\n', text.size);
  spoil_with(bytes_of(line + 1, text.size - (size_t)(line + 1 - text.data)));
}

/* The head and the certificates of the file, and somebody else's key. */
static void spoil_key(void) {
  const struct key_spec spec = { KEY_EC, 256, CURVE_P256, 0 };
  AUTO(key) struct key *key = NULL;
  AUTO_SECRET pem = { 0 };
  AUTO_BUF text = BUF_EMPTY, changed = BUF_EMPTY;
  read_state("identity.pem", &text);
  assert_ok(key_generate(&spec, &key));
  assert_ok(key_to_pem(key, &pem));
  uint8_t *head_end = memchr(text.data, '\n', text.size);
  uint8_t *certificates = memmem(text.data, text.size, "-----BEGIN CERTIFICATE", 22);
  buf_put(&changed, text.data, (size_t)(head_end + 1 - text.data));
  buf_put_bytes(&changed, secret_bytes(&pem));
  buf_put(&changed, certificates, text.size - (size_t)(certificates - text.data));
  spoil_with(buf_bytes(&changed));
}

/* Without the root. */
static void spoil_chain(void) {
  AUTO_BUF text = BUF_EMPTY;
  size_t last = 0;
  read_state("identity.pem", &text);
  for (size_t i = 0; i + 10 < text.size; i++)
    if (memcmp(text.data + i, "-----BEGIN", 10) == 0)
      last = i;
  spoil_with(bytes_of(text.data, last));
}

static void spoil_mode(void) {
  char path[160];
  state_file("identity.pem", path);
  assert_int_equal(chmod(path, 0644), 0);
}

static void spoil_time(void) {
  clock_shift(91 * DAY);
}

static void (*const spoilers[])(void) = { spoil_empty, spoil_half,  spoil_byte, spoil_head,
                                          spoil_key,   spoil_chain, spoil_mode, spoil_time };

/* It stays as it is until the hub gives a new one. */
static void not_good(void **state) {
  const struct enrol_options o = options();
  for (size_t i = 0; i < sizeof spoilers / sizeof *spoilers; i++) {
    AUTO_CERT_INFO before = { 0 }, after = { 0 };
    AUTO_BUF spoiled = BUF_EMPTY, left = BUF_EMPTY;
    open_kept();
    read_current(&before);
    close_kept();
    spoilers[i]();
    read_state("identity.pem", &spoiled);
    fake_ca_away(&f, true);
    err_t away = enrol_new(f.client, &o, 0, &kept);
    if (away != ERR_AWAY)
      fail_msg("spoiled by %zu: %s", i, err_info(away)->name);
    read_state("identity.pem", &left);
    assert_bytes(buf_bytes(&left), buf_bytes(&spoiled));
    fake_ca_away(&f, false);
    unsigned issued = atomic_load(&f.issued);
    open_kept();
    assert_int_equal(atomic_load(&f.issued), issued + 1);
    read_current(&after);
    assert_false(bytes_equal(serial_of(&after), serial_of(&before)));
    close_kept();
    open_kept();
    assert_int_equal(atomic_load(&f.issued), issued + 1);
    close_kept();
    clock_shift(0);
  }
}

static void other_options(void **state) {
  static const char *const other[] = { "web.example", "spiffe://example/other" };
  struct enrol_options o[3] = { options(), options(), options() };
  open_kept();
  close_kept();
  o[0].names = other;
  o[1].profile = "client";
  o[2].subject = NULL;
  for (unsigned i = 0; i < 3; i++) {
    assert_ok(enrol_new(f.client, &o[i], 0, &kept));
    assert_int_equal(atomic_load(&f.issued), i + 2);
    close_kept();
  }
}

static void left_overs(void **state) {
  open_kept();
  close_kept();
  write_state("identity.pem.abc123", bytes_str("half a key"));
  write_state("crl-1.der.abc123", bytes_str("half a list"));
  write_state("notes.txt", bytes_str("somebody's"));
  open_kept();
  close_kept();
  assert_false(has_state("identity.pem.abc123"));
  assert_false(has_state("crl-1.der.abc123"));
  assert_true(has_state("notes.txt"));
}

/* --- what the hub says --- */

static void not_trusted(void **state) {
  const struct enrol_options o = options();
  fake_ca_trust(&f, false);
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_CONFIG);
  assert_non_null(strstr(err_reason(ERR_CONFIG), f.anchors));
  assert_int_equal(atomic_load(&f.issued), 0);
  fake_ca_trust(&f, true);
  assert_ok(enrol_new(f.client, &o, 0, &kept));
  close_kept();
  fake_ca_trust(&f, false); /* any more */
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_CONFIG);
}

static void forbidden(void **state) {
  const struct enrol_options o = options();
  atomic_store(&f.forbids, true);
  assert_err(enrol_new(f.client, &o, 60000, &kept), ERR_FORBIDDEN);
  assert_non_null(strstr(err_text(ERR_FORBIDDEN), "as told"));
  assert_non_null(strstr(err_text(ERR_FORBIDDEN), "server"));
  assert_non_null(strstr(err_text(ERR_FORBIDDEN), "spiffe://example/web"));
  assert_non_null(strstr(err_text(ERR_FORBIDDEN), "me"));
}

static void of_no_use(void **state) {
  const struct enrol_options o = options();
  atomic_store(&f.other_names, true);
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_INTERNAL);
  assert_non_null(strstr(err_reason(ERR_INTERNAL), "web.example"));
  atomic_store(&f.other_names, false);
  atomic_store(&f.life_s, -100); /* our clock is ahead */
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_INTERNAL);
  assert_false(has_state("identity.pem"));
}

static void away_for_a_moment(void **state) {
  const struct enrol_options o = options();
  atomic_store(&f.hub.fail_status, 503);
  atomic_store(&f.hub.fail_next, 2);
  assert_ok(enrol_new(f.client, &o, 60000, &kept));
}

static void bad_options(void **state) {
  struct enrol_options o = options();
  o.name_count = 0;
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_CONFIG);
  o = options();
  o.state = "/proc/none/state";
  assert_err(enrol_new(f.client, &o, 0, &kept), ERR_CONFIG);
}

/* Who may write there could put a key of their own in its place. */
static void of_others(void **state) {
  static const mode_t modes[] = { 0777, 0770, 0702, 01777 };
  const struct enrol_options o = options();
  assert_int_equal(mkdir(f.state, 0700), 0);
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal(chmod(f.state, modes[i]), 0);
    assert_err(enrol_new(f.client, &o, 0, &kept), ERR_USAGE);
    assert_non_null(strstr(err_reason(ERR_USAGE), "chmod 700"));
  }
  assert_int_equal(chmod(f.state, 0755), 0);
  if (geteuid() == 0) {
    assert_int_equal(chown(f.state, 65534, (gid_t)-1), 0);
    assert_err(enrol_new(f.client, &o, 0, &kept), ERR_USAGE);
    assert_int_equal(chown(f.state, 0, (gid_t)-1), 0);
  }
  assert_int_equal(atomic_load(&f.asked), 0);
  open_kept();
}

/* --- while it runs --- */

static void renewed(void **state) {
  open_kept();
  AUTO_CERT_INFO before = { 0 }, after = { 0 };
  AUTO_BUF old_file = BUF_EMPTY, new_file = BUF_EMPTY;
  struct told told = { 0 };
  read_current(&before);
  read_state("identity.pem", &old_file);
  AUTO(enrolled) struct enrolled *held = enrol_current(kept);
  assert_ok(enrol_start(kept, note_change, &told));
  clock_shift(61 * DAY);
  enrol_look_now(kept);
  wait_until(atomic_load(&told.times) >= 1);
  read_current(&after);
  assert_false(bytes_equal(serial_of(&after), serial_of(&before)));
  AUTO(enrolled) struct enrolled *now = enrol_current(kept);
  char old_key[44], new_key[44];
  assert_ok(key_thumbprint(held->key, old_key));
  assert_ok(key_thumbprint(now->key, new_key));
  assert_string_not_equal(old_key, new_key);
  read_state("identity.pem", &new_file);
  assert_false(bytes_equal(buf_bytes(&new_file), buf_bytes(&old_file)));
  assert_int_equal(status().renewals, 1);
  assert_true(status().renew_at > clock_now());
  close_kept();
  fake_ca_away(&f, true);
  open_kept(); /* what was renewed is what is found */
  cert_info_free(&before);
  read_current(&before);
  assert_bytes(serial_of(&before), serial_of(&after));
}

/* The old one serves on, also when it has ended. */
static void away(void **state) {
  AUTO_CERT_INFO before = { 0 }, after = { 0 };
  struct told told = { 0 };
  open_kept();
  read_current(&before);
  assert_ok(enrol_start(kept, note_change, &told));
  fake_ca_away(&f, true);
  for (unsigned i = 0; i < 3; i++) {
    uint64_t failures = status().failures;
    clock_shift((61 + 15 * i) * DAY);
    enrol_look_now(kept);
    wait_until(status().failures > failures);
    assert_true(status().trouble[0] != '\0');
  }
  read_current(&after);
  assert_bytes(serial_of(&after), serial_of(&before));
  assert_int_equal(atomic_load(&told.times), 0);
  fake_ca_away(&f, false);
  enrol_look_now(kept);
  wait_until(status().renewals == 1 && status().failures == 0);
  assert_int_equal(status().trouble[0], '\0');
}

/* It is tried again without being told to: the one test here that has to wait. */
static void renewed_later(void **state) {
  struct told told = { 0 };
  open_kept();
  clock_shift(61 * DAY);
  fake_ca_away(&f, true);
  assert_ok(enrol_start(kept, note_change, &told));
  wait_until(status().failures == 1);
  fake_ca_away(&f, false);
  wait_until(status().renewals == 1 && status().failures == 0);
}

/* A clock that was wrong and is put right. */
static void clock_jumps(void **state) {
  AUTO_CERT_INFO before = { 0 }, after = { 0 };
  struct told told = { 0 };
  open_kept();
  read_current(&before);
  close_kept();
  clock_shift(-400 * DAY);
  open_kept(); /* it begins in the future, and is used */
  assert_ok(enrol_start(kept, note_change, &told));
  enrol_look_now(kept);
  wait_until(status().asked_at > 0);
  clock_shift(0);
  enrol_look_now(kept);
  wait_until(status().asked_at >= clock_now() - 60 && status().failures == 0);
  read_current(&after);
  assert_bytes(serial_of(&after), serial_of(&before));
  assert_int_equal(status().renewals, 0);
}

/* What can't be kept is used, and kept as soon as that is possible. */
static void saved_later(void **state) {
  open_kept();
  char hidden[200], dir[160];
  struct told told = { 0 };
  state_file(".", dir);
  dir[strlen(dir) - 2] = '\0';
  snprintf(hidden, sizeof hidden, "%s.hidden", dir);
  assert_ok(enrol_start(kept, note_change, &told));
  assert_int_equal(rename(dir, hidden), 0);
  clock_shift(61 * DAY);
  enrol_look_now(kept);
  wait_until(status().renewals == 1 && status().failures >= 1 && atomic_load(&told.times) == 1);
  assert_int_equal(rename(hidden, dir), 0);
  enrol_look_now(kept);
  wait_until(status().failures == 0);
  assert_int_equal(status().renewals, 1);
  AUTO_CERT_INFO now = { 0 }, later = { 0 };
  read_current(&now);
  close_kept();
  open_kept();
  read_current(&later);
  assert_bytes(serial_of(&later), serial_of(&now));
}

/* A hub that never answers holds nobody up for long; this only has to end. */
static void ended_while_asking(void **state) {
  open_kept();
  assert_ok(enrol_start(kept, NULL, NULL));
  pthread_mutex_lock(&f.lock);
  unsigned asked = atomic_load(&f.asked);
  enrol_look_now(kept);
  wait_until(atomic_load(&f.asked) > asked);
  close_kept();
  pthread_mutex_unlock(&f.lock);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void) {
  const struct CMUnitTest tests[] = {
    TEST(fresh),
    TEST(lifetimes),
    TEST(no_lists),
    TEST(found_again),
    TEST(used_by_one),
    TEST(no_room),
    TEST(not_good),
    TEST(other_options),
    TEST(left_overs),
    TEST(not_trusted),
    TEST(forbidden),
    TEST(of_no_use),
    TEST(away_for_a_moment),
    TEST(bad_options),
    TEST(of_others),
    TEST(renewed),
    TEST(away),
    TEST(renewed_later),
    TEST(clock_jumps),
    TEST(saved_later),
    TEST(ended_while_asking),
  };
  return cmocka_run_group_tests_name("enrol", tests, start_crypto, NULL);
}
