/* The room inside a program that has used OpenSSL already. Each case is a process of its own: what
 * is attached once stays so. */
#include "check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

#define MUST(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "line %d: %s\n", __LINE__, #condition); \
      exit(1); \
    } \
  } while (0)

static bool works(void) {
  static const uint8_t abc[4] = { 0xba, 0x78, 0x16, 0xbf };
  uint8_t digest[SHA256_SIZE];
  return crypto_sha256(str("abc"), digest) == OK && memcmp(digest, abc, sizeof abc) == 0;
}

static void *attach(void *arg) {
  AUTO_SECRET s = { 0 };
  bool locked = false;
  (void)arg;
  MUST(crypto_attach(&locked) == OK && crypto_attach(NULL) == OK);
  MUST(secret_random(32, &s) == OK && CRYPTO_secure_allocated(s.data) && works());
  return NULL;
}

static void many_threads(void) {
  pthread_t threads[THREADS];
  uint8_t digest[64];
  MUST(EVP_Digest("x", 1, digest, NULL, EVP_sha256(), NULL) == 1);
  for (int i = 0; i < THREADS; i++)
    MUST(pthread_create(&threads[i], NULL, attach, NULL) == 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  MUST(works());
}

/* What the program gave its heap is what there is: nothing goes to ordinary memory instead. */
static void heap_of_its_own(void) {
  struct secret s[64] = { 0 };
  bool locked = false;
  err_t e = OK;
  int n = 0;
  MUST(CRYPTO_secure_malloc_init(16384, 16) != 0);
  MUST(crypto_attach(&locked) == OK && locked && works());
  while (n < 64 && (e = secret_new(1024, &s[n])) == OK)
    MUST(CRYPTO_secure_allocated(s[n++].data));
  MUST(e == ERR_NOMEM && n > 4 && n <= 16);
  while (n)
    secret_free(&s[--n]);
  MUST(secret_new(1024, &s[0]) == OK);
  secret_free(&s[0]);
}

static void after_init(void) {
  bool first = false, then = false;
  MUST(crypto_init(65536, &first) == OK && crypto_attach(&then) == OK);
  MUST(first == then && works());
}

/* The user that runs this may have the right to lock what it likes. */
static void no_memory_to_lock(void) {
  const struct rlimit none = { 0, 0 };
  bool locked = true;
  AUTO_SECRET s = { 0 };
  MUST(setrlimit(RLIMIT_MEMLOCK, &none) == 0);
  if (geteuid() == 0)
    MUST(setgid(65534) == 0 && setuid(65534) == 0);
  MUST(crypto_attach(&locked) == OK && !locked);
  MUST(secret_new(0, &s) == OK && s.data && works());
}

static void in_child(void (*run)(void)) {
  int status = 0;
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    run();
    exit(0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_many_threads(void **state) {
  in_child(many_threads);
}
static void test_heap_of_its_own(void **state) {
  in_child(heap_of_its_own);
}
static void test_after_init(void **state) {
  in_child(after_init);
}
static void test_no_memory_to_lock(void **state) {
  in_child(no_memory_to_lock);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_many_threads),
    cmocka_unit_test(test_heap_of_its_own),
    cmocka_unit_test(test_after_init),
    cmocka_unit_test(test_no_memory_to_lock),
  };
  return cmocka_run_group_tests_name("crypto_attach", tests, NULL, NULL);
}
