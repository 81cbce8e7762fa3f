/* Outputs that are whole or not there, lists of names, and partial outputs: which source they are
 * of, and when one is gone on with. */
#include "base/file.h"
#include "cli/seal/batch.h"
#include "cli/seal/input.h"
#include "cli/seal/resume.h"
#include "seal/sealed.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char work[] = "/tmp/strongroom-seal.XXXXXX";

static int start(void **state) {
  bool locked;
  return crypto_init(1u << 16, &locked) == OK && mkdtemp(work) && chdir(work) == 0 ? 0 : -1;
}
static int end(void **state) {
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", work);
  return chdir("/") == 0 ? system(command) : -1;
}

static void put(const char *name, const char *text) {
  AUTO_FD fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void holds(const char *name, const char *text) {
  AUTO_BUF b = BUF_EMPTY;
  assert_int_equal(file_read(name, 4096, &b), OK);
  assert_true(bytes_equal_str(buf_bytes(&b), text));
}

static bool exists(const char *name) {
  return access(name, F_OK) == 0;
}

/* --- outputs --- */

static struct output *opened(const char *name, const char *part, bool force) {
  struct output *o = NULL;
  const struct output_options options = { .force = force, .mode = 0640, .part = part };
  assert_int_equal(output_open(name, &options, &o), OK);
  return o;
}

static void an_output_is_there_when_it_is_finished(void **state) {
  struct stat s;
  struct output *o = opened("a", NULL, false);
  assert_true(exists(".a.strongroom-tmp"));
  assert_int_equal(output_write(o, bytes_str("text")), OK);
  assert_false(exists("a"));
  assert_int_equal(output_finish(o), OK);
  output_close(o);
  assert_false(exists(".a.strongroom-tmp"));
  holds("a", "text");
  assert_int_equal(stat("a", &s), 0);
  assert_int_equal(s.st_mode & 0777, 0640);
}

static void what_is_not_finished_goes(void **state) {
  struct output *o = opened("b", NULL, false);
  assert_int_equal(output_write(o, bytes_str("text")), OK);
  output_close(o);
  assert_false(exists("b"));
  assert_false(exists(".b.strongroom-tmp"));
}

static void what_is_there_stays(void **state) {
  struct output *o = NULL;
  const struct output_options options = { .mode = 0600 };
  put("c", "old");
  assert_int_equal(output_open("c", &options, &o), ERR_CONFLICT);
  o = opened("d", NULL, false);
  put("d", "made meanwhile");
  assert_int_equal(output_finish(o), ERR_CONFLICT);
  output_close(o);
  holds("d", "made meanwhile");
  o = opened("d", NULL, true);
  assert_int_equal(output_finish(o), OK);
  output_close(o);
  holds("d", "");
}

static void one_run_at_a_time_writes_a_name(void **state) {
  struct output *o = opened("e", NULL, false), *other = NULL;
  const struct output_options options = { .mode = 0600 };
  assert_int_equal(output_open("e", &options, &other), ERR_CONFLICT);
  output_close(o);
  put(".e.strongroom-tmp", "left by a run that was killed");
  o = opened("e", NULL, false);
  assert_int_equal(output_finish(o), OK);
  output_close(o);
  holds("e", "");
}

static void what_is_no_file_is_not_replaced(void **state) {
  struct output *o = NULL;
  const struct output_options options = { .mode = 0600 };
  assert_int_equal(mkdir("f", 0700), 0);
  assert_int_equal(output_open("f", &options, &o), ERR_CONFLICT);
  assert_int_equal(symlink("nothing", "g"), 0);
  assert_int_equal(output_open("g", &options, &o), ERR_CONFLICT);
  o = opened("/dev/null", NULL, true);
  assert_false(output_is_file(o));
  assert_int_equal(output_finish(o), OK);
  output_close(o);
  assert_int_equal(output_open("absent/h", &options, &o), ERR_OUTPUT);
}

static void long_names_have_names_beside_them(void **state) {
  char name[NAME_MAX + 1], other[NAME_MAX + 1];
  AUTO_BUF a = BUF_EMPTY, b = BUF_EMPTY;
  memset(name, 'n', NAME_MAX);
  name[NAME_MAX] = '\0';
  memcpy(other, name, sizeof other);
  other[NAME_MAX - 1] = 'm';
  output_beside(name, NULL, &a);
  output_beside(other, NULL, &b);
  assert_int_equal(a.size, NAME_MAX);
  assert_false(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
  struct output *o = opened(name, NULL, false);
  assert_int_equal(output_finish(o), OK);
  output_close(o);
  assert_true(exists(name));
}

#define TAG "0123456789abcdef"
#define OTHER_TAG "fedcba9876543210"

static void partial_outputs_are_kept_and_forgotten(void **state) {
  struct output *o = opened("p", TAG, false);
  assert_false(output_has_begun(o));
  assert_int_equal(output_write(o, bytes_str("half")), OK);
  output_keep(o, true);
  output_close(o);
  holds(".p." TAG ".strongroom-part", "half");
  o = opened("p", TAG, false);
  assert_true(output_has_begun(o));
  output_forget_parts("p", NULL); /* it is being written */
  assert_true(exists(".p." TAG ".strongroom-part"));
  output_keep(o, true);
  output_close(o);
  put(".p." OTHER_TAG ".strongroom-part", "of another state");
  put(".q." TAG ".strongroom-part", "of another output");
  output_forget_parts("p", TAG);
  assert_false(exists(".p." OTHER_TAG ".strongroom-part"));
  assert_true(exists(".p." TAG ".strongroom-part"));
  output_forget_parts("./p", NULL);
  assert_false(exists(".p." TAG ".strongroom-part"));
  assert_true(exists(".q." TAG ".strongroom-part"));
}

static void partial_outputs_of_others_are_not_trusted(void **state) {
  put(".r." TAG ".strongroom-part", "half");
  assert_int_equal(chmod(".r." TAG ".strongroom-part", 0666), 0);
  struct output *o = opened("r", TAG, false);
  assert_false(output_has_begun(o));
  output_close(o);
  put("elsewhere", "half");
  assert_int_equal(link("elsewhere", ".r." TAG ".strongroom-part"), 0);
  o = opened("r", TAG, false);
  assert_false(output_has_begun(o));
  output_close(o);
  holds("elsewhere", "half");
}

/* --- batches --- */

static size_t done, failed;
static void on_done(void *ctx, const struct batch_item *i) {
  assert_true(exists(output_name(i->output)));
  done++;
}
static void on_failed(void *ctx, const char *file, err_t e) {
  assert_int_equal(e, ERR_CONFLICT);
  assert_string_equal(file, "batch7");
  failed++;
}

static void a_batch_goes_on_after_a_failure(void **state) {
  static struct batch b;
  batch_init(&b);
  b.done = on_done;
  b.failed = on_failed;
  for (int i = 0; i < 20; i++) {
    char name[16];
    struct batch_item *item;
    snprintf(name, sizeof name, "batch%d", i);
    assert_int_equal(batch_add(&b, opened(name, NULL, false), name, &item), OK);
    batch_added(&b);
  }
  assert_int_equal(done, 0);
  put("batch7", "made meanwhile");
  batch_flush(&b);
  assert_int_equal(done, 19);
  assert_int_equal(failed, 1);
  assert_false(exists(".batch7.strongroom-tmp"));
  batch_free(&b);
}

/* --- lists of names --- */

static void lists_end_with_or_without_a_nul(void **state) {
  static const struct opt options[] = { FILES_FROM_OPTION, OPT_END };
  static const struct verb verb = { .name = "x", .max_words = WORDS_ANY, .options = options };
  char *argv[] = { (char *)"first", (char *)"--files-from", (char *)"list", (char *)"second" };
  struct args a;
  {
    AUTO_FD fd = open("list", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, "a b\0\0c\nd\0e", 10), 10);
  }
  assert_int_equal(args_parse(&verb, 4, argv, &a), OK);
  AUTO_NAMES n = NAMES_CLOSED;
  assert_int_equal(names_open(&a, &n), OK);
  static const char *const expected[] = { "first", "second", "a b", "c\nd", "e" };
  const char *name;
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_int_equal(names_next(&n, &name), OK);
    assert_non_null(name);
    assert_string_equal(name, expected[i]);
  }
  assert_int_equal(names_next(&n, &name), OK);
  assert_null(name);
}

/* --- resuming --- */

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  *out = (struct wrapped){ .alg = "A256KW", .size = plain.size };
  snprintf(out->key_id, sizeof out->key_id, "https://vault/keys/%s/0123", key);
  memcpy(out->data, plain.data, plain.size);
  return OK;
}
static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  return secret_copy(bytes_of(w->data, w->size), out);
}

#define CHUNK 16384
#define SOURCE_SIZE (5 * CHUNK + 100)
#define START (HEADER_SIZE + COBBLESTONE_PREFIX)

/* A source, and what there is of its sealed form after the first kept bytes were written. */
struct resuming {
  struct key_cache *keys;
  struct input in;
  struct output *part;
  struct resume_job job;
  struct stream_options stream;
};
static void resuming_start(struct resuming *r, off_t kept) {
  static const struct key_service service = { .wrap = wrap, .unwrap = unwrap };
  *r = (struct resuming){ .in = INPUT_CLOSED };
  AUTO_BUF text = BUF_EMPTY;
  while (text.size < SOURCE_SIZE)
    buf_printf(&text, "line %zu\n", text.size);
  {
    AUTO_FD fd = open("source", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text.data, SOURCE_SIZE), SOURCE_SIZE);
  }
  unlink(".target." TAG ".strongroom-part");
  assert_int_equal(key_cache_new(&service, NULL, &r->keys), OK);
  assert_int_equal(input_open("source", &r->in), OK);
  struct output *o = opened("target", TAG, true);
  const struct sealed_options how = { .context = bytes_str("x") };
  assert_int_equal(sealed_seal(r->keys, "backups", &how, r->in.fd, output_fd(o)), OK);
  assert_int_equal(ftruncate(output_fd(o), kept), 0);
  output_keep(o, true);
  output_close(o);
  r->part = opened("target", TAG, true);
  r->job = (struct resume_job){ r->keys, "backups", bytes_str("x"), &r->stream };
}
static void resuming_end(struct resuming *r) {
  output_close(r->part);
  input_close(&r->in);
  key_cache_free(r->keys);
}

static void whole_chunks_are_kept(void **state) {
  static const struct {
    off_t kept;
    uint64_t chunks;
  } cases[] = { { START, 0 },
                { START + 1, 0 },
                { START + CHUNK + 16, 1 },
                { START + 3 * (CHUNK + 16) + 500, 3 },
                { START + SOURCE_SIZE + 6 * 16, 5 } };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct resuming r;
    AUTO_RESUMED found = { 0 };
    resuming_start(&r, cases[i].kept);
    assert_int_equal(resume_begin(&r.job, &r.in, r.part, &found), OK);
    assert_non_null(found.payload);
    assert_int_equal(found.chunks, cases[i].chunks);
    off_t in = (off_t)cases[i].chunks * CHUNK;
    off_t out = START + (off_t)cases[i].chunks * (CHUNK + 16);
    assert_int_equal(lseek(r.in.fd, 0, SEEK_CUR), in);
    assert_int_equal(lseek(output_fd(r.part), 0, SEEK_CUR), out);
    assert_int_equal(lseek(output_fd(r.part), 0, SEEK_END), out);
    resuming_end(&r);
  }
}

/* Nothing is kept: the next run has another key. */
static void begins_anew(struct resuming *r) {
  AUTO_RESUMED found = { 0 };
  assert_int_equal(resume_begin(&r->job, &r->in, r->part, &found), OK);
  assert_null(found.payload);
  assert_int_equal(lseek(output_fd(r->part), 0, SEEK_END), 0);
  assert_int_equal(lseek(r->in.fd, 0, SEEK_CUR), SOURCE_SIZE);
  resuming_end(r);
}

static void write_at(int fd, off_t at, const char *text) {
  assert_int_equal(pwrite(fd, text, strlen(text), at), (ssize_t)strlen(text));
}

static void what_differs_is_not_gone_on_with(void **state) {
  const off_t kept = START + 3 * (CHUNK + 16) + 500;
  const off_t places[] = { 1,     HEADER_SLOT + 1, HEADER_SIZE, HEADER_SIZE + 40,
                           START, START + CHUNK,   kept - 1 };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct resuming r;
    resuming_start(&r, kept);
    int fd = output_fd(r.part);
    write_at(fd, places[i], "!!");
    if (places[i] == 1) /* half a header is enough: so both */
      write_at(fd, HEADER_SLOT + 1, "!!");
    if (places[i] == HEADER_SLOT + 1)
      write_at(fd, 1, "!!");
    begins_anew(&r);
  }
}

static void a_source_that_differs_is_sealed_anew(void **state) {
  const off_t kept = START + 3 * (CHUNK + 16) + 500;
  const off_t places[] = { 0, CHUNK + 7, 3 * CHUNK, 3 * CHUNK + 499 };
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct resuming r;
    resuming_start(&r, kept);
    AUTO_FD fd = open("source", O_WRONLY | O_CLOEXEC);
    write_at(fd, places[i], "!");
    begins_anew(&r);
  }
  struct resuming r;
  resuming_start(&r, kept);
  assert_int_equal(truncate("source", 2 * CHUNK), 0);
  begins_anew(&r);
}

static void another_key_or_context_begins_anew(void **state) {
  struct resuming r;
  resuming_start(&r, START + 3 * (CHUNK + 16));
  r.job.key = "other";
  begins_anew(&r);
  resuming_start(&r, START + 3 * (CHUNK + 16));
  r.job.key = "backups/4567";
  begins_anew(&r);
  resuming_start(&r, START + 3 * (CHUNK + 16));
  r.job.context = bytes_str("y");
  begins_anew(&r);
  resuming_start(&r, START - 1);
  begins_anew(&r);
  resuming_start(&r, 0);
  begins_anew(&r);
}

static void a_tag_is_of_one_state_of_a_file(void **state) {
  struct resume_source first, again, other;
  AUTO_INPUT in = INPUT_CLOSED;
  put("tagged", "text");
  assert_int_equal(input_open("tagged", &in), OK);
  assert_int_equal(resume_look(&in, "backups", &first), OK);
  assert_false(first.settled); /* it was changed a moment ago */
  assert_int_equal(strlen(first.tag), RESUME_TAG - 1);
  assert_int_equal(resume_look(&in, "backups", &again), OK);
  assert_string_equal(first.tag, again.tag);
  assert_int_equal(resume_look(&in, "other", &other), OK);
  assert_string_not_equal(first.tag, other.tag);
  const struct timespec times[2] = { { 1000, 0 }, { 1000, 1 } };
  assert_int_equal(futimens(in.fd, times), 0);
  assert_int_equal(resume_look(&in, "backups", &other), OK);
  assert_string_not_equal(first.tag, other.tag);
  assert_false(other.settled); /* whatever it says it was changed at */
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_output_is_there_when_it_is_finished),
    cmocka_unit_test(what_is_not_finished_goes),
    cmocka_unit_test(what_is_there_stays),
    cmocka_unit_test(one_run_at_a_time_writes_a_name),
    cmocka_unit_test(what_is_no_file_is_not_replaced),
    cmocka_unit_test(long_names_have_names_beside_them),
    cmocka_unit_test(partial_outputs_are_kept_and_forgotten),
    cmocka_unit_test(partial_outputs_of_others_are_not_trusted),
    cmocka_unit_test(a_batch_goes_on_after_a_failure),
    cmocka_unit_test(lists_end_with_or_without_a_nul),
    cmocka_unit_test(whole_chunks_are_kept),
    cmocka_unit_test(what_differs_is_not_gone_on_with),
    cmocka_unit_test(a_source_that_differs_is_sealed_anew),
    cmocka_unit_test(another_key_or_context_begins_anew),
    cmocka_unit_test(a_tag_is_of_one_state_of_a_file),
  };
  return cmocka_run_group_tests(tests, start, end);
}
