/*
 * Eight threads create, rotate, change, use, list, delete, recover, purge, back up and restore the
 * same few names at once. Each answer is one that some order of the requests gives, and what is in
 * the store afterwards is what was seen last. (The TSan build looks for races.)
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define THREADS 8
#define NAMES 5
#define ROUNDS 250

static struct fixture f;

static bool one_of(int status, const int *allowed) {
  for (; *allowed; allowed++)
    if (status == *allowed)
      return true;
  return false;
}

struct worker {
  pthread_t thread;
  unsigned seed;
  int bad_status;
  char bad_path[64];
};

static void step(struct worker *w) {
  static const struct {
    enum http_method method;
    const char *path, *body;
    int allowed[5];
  } steps[] = {
    { HTTP_POST, "/keys/t%u/create", "{\"kty\":\"oct\",\"key_size\":128}", { 200, 409 } },
    { HTTP_POST, "/keys/t%u/create", "{\"kty\":\"EC\"}", { 200, 409 } },
    { HTTP_POST, "/keys/t%u/rotate", "", { 200, 404, 400 } },
    { HTTP_PATCH, "/keys/t%u/", "{\"tags\":{\"x\":\"y\"}}", { 200, 404 } },
    { HTTP_POST,
      "/keys/t%u//wrapkey",
      "{\"alg\":\"A128KW\",\"value\":\"AAECAwQFBgcICQoLDA0ODw\"}",
      { 200, 404, 403, 400 } },
    { HTTP_POST,
      "/keys/t%u//sign",
      "{\"alg\":\"ES256\",\"value\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}",
      { 200, 404, 403, 400 } },
    { HTTP_GET, "/keys/t%u", "", { 200, 404 } },
    { HTTP_GET, "/keys/t%u/versions", "", { 200 } },
    { HTTP_GET, "/deletedkeys/t%u", "", { 200, 404 } },
    { HTTP_DELETE, "/keys/t%u", "", { 200, 404 } },
    { HTTP_POST, "/deletedkeys/t%u/recover", "", { 200, 404, 400 } },
    { HTTP_DELETE, "/deletedkeys/t%u", "", { 204, 404 } },
    { HTTP_POST, "/keys/t%u/backup", "", { 200, 404 } },
    { HTTP_PUT, "/keys/t%u/rotationpolicy", "{\"lifetimeActions\":[]}", { 200, 404 } },
    { HTTP_GET, "/keys", "", { 200 } },
    { HTTP_GET, "/deletedkeys", "", { 200 } },
  };
  AUTO_ANSWER a = { 0 };
  char path[64], target[96];
  unsigned i = (unsigned)rand_r(&w->seed) % (sizeof steps / sizeof *steps);
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(path, sizeof path, steps[i].path, (unsigned)rand_r(&w->seed) % NAMES);
  snprintf(target, sizeof target, "%s?api-version=7.4", path);
  fixture_call(&f, buf_bytes(&f.authorization), steps[i].method, target, bytes_str(steps[i].body),
               &a);
  if (!one_of(a.status, steps[i].allowed)) {
    w->bad_status = a.status;
    memcpy(w->bad_path, path, sizeof path);
  }
  if (i == 12 && a.status == 200) { /* a backup: over a name in use it is refused */
    AUTO_BUF body = BUF_EMPTY;
    buf_printf(&body, "{\"value\":\"%s\"}", answer_str(&a, "value"));
    fixture_call(&f, buf_bytes(&f.authorization), HTTP_POST, "/keys/restore?api-version=7.4",
                 buf_bytes(&body), &a);
    if (a.status != 200 && a.status != 409)
      w->bad_status = a.status;
  }
}

static void *work(void *arg) {
  struct worker *w = arg;
  for (int i = 0; i < ROUNDS; i++)
    step(w);
  return NULL;
}

/* Everything that can be seen, as one text. */
static void snapshot(struct buf *out) {
  AUTO_ANSWER a = { 0 };
  char path[64];
  for (unsigned i = 0; i < NAMES; i++) {
    static const char *const paths[] = { "/keys/t%u", "/keys/t%u/versions", "/deletedkeys/t%u",
                                         "/keys/t%u/rotationpolicy" };
    for (size_t k = 0; k < 4; k++) {
      snprintf(path, sizeof path, paths[k], i);
      fixture_do(&f, &a, HTTP_GET, path, "%s", "");
      buf_put_bytes(out, buf_bytes(&a.body));
      buf_put_char(out, '\n');
    }
  }
}

static void many_at_once(void **state) {
  struct worker workers[THREADS] = { 0 };
  AUTO_BUF before = BUF_EMPTY, after = BUF_EMPTY;
  fixture_open(&f, (const char *const[]){ "live_keys = 4", NULL });
  for (unsigned i = 0; i < THREADS; i++) {
    workers[i].seed = i + 1;
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (unsigned i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    if (workers[i].bad_status)
      print_error("%s: %d\n", workers[i].bad_path, workers[i].bad_status);
    assert_int_equal(workers[i].bad_status, 0);
  }
  snapshot(&before);
  fixture_reopen(&f);
  snapshot(&after);
  assert_true(before.size > 200);
  assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
  fixture_close(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(many_at_once) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
