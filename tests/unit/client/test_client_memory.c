/*
 * Secrets that passed through a client inside another program, whose OpenSSL wipes nothing by
 * itself, are in locked memory or nowhere. The client is a process of its own, so that it is its
 * memory alone that is looked through.
 */
#include "fake_hub.h"

#include "base/codec.h"
#include "client/data_key.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#define MASK 0xa5
#define WINDOW 20
#define NEEDLES 8

/* Pieces of what is looked for, masked: the list itself is not to be found. */
static uint8_t needles[NEEDLES][WINDOW];
static const char *names[NEEDLES];
static unsigned needle_count;

static void look_for(const char *name, const void *text) {
  names[needle_count] = name;
  for (size_t i = 0; i < WINDOW; i++)
    needles[needle_count][i] = ((const uint8_t *)text)[i + 2] ^ MASK;
  needle_count++;
}

static bool matches(const volatile uint8_t *p, const uint8_t *needle) {
  for (size_t i = 0; i < WINDOW; i++)
    if ((p[i] ^ MASK) != needle[i])
      return false;
  return true;
}

/* Places outside the secure heap, or only those in it. */
static unsigned found_in(uintptr_t from, uintptr_t to, bool locked) {
  unsigned found = 0;
  for (const uint8_t *p = (const uint8_t *)from; p + WINDOW <= (const uint8_t *)to; p++)
    for (unsigned n = 0; n < needle_count; n++)
      if ((*p ^ MASK) == needles[n][0] && matches(p, needles[n]) &&
          (CRYPTO_secure_allocated(p) != 0) == locked) {
        found++;
        if (!locked)
          fprintf(stderr, "%s is at %p\n", names[n], (const void *)p);
      }
  return found;
}

static unsigned found_in_memory(bool locked) {
  static char line[4096];
  FILE *maps = fopen("/proc/self/maps", "r");
  unsigned found = 0;
  if (!maps)
    abort();
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    char access[5];
    if (sscanf(line, "%lx-%lx %4s", &from, &to, access) == 3 && strncmp(access, "rw", 2) == 0)
      found += found_in(from, to, locked);
  }
  fclose(maps);
  return found;
}

static void must(bool is_so, const char *what) {
  if (is_so)
    return;
  fprintf(stderr, "%s: %s\n", what, err_last()->code ? err_text(err_last()->code) : "");
  _exit(1);
}
#define MUST(condition) must(condition, #condition)

static void hide(char seed, const char *name) {
  char text[HIDDEN_SIZE + 1];
  fake_hub_hidden(seed, text);
  look_for(name, text);
  explicit_bzero(text, sizeof text);
}

static struct client *connect_as_c(struct fake_hub *hub) {
  char text[HIDDEN_SIZE + 1];
  AUTO_SETTINGS s = { 0 };
  struct client *c = NULL;
  fake_hub_settings(hub, &s);
  fake_hub_hidden('c', text);
  MUST(settings_set(&s, "AZURE_CLIENT_SECRET", bytes_str(text)) == OK);
  explicit_bzero(text, sizeof text);
  MUST(client_new_with(&s, &c) == OK);
  return c;
}

static void hide_key(const struct data_key *k) {
  AUTO_BUF text = BUF_EMPTY;
  buf_put_b64url(&text, secret_bytes(&k->key));
  MUST(buf_ok(&text) == OK);
  look_for("a data key", k->key.data);
  look_for("a data key's text", text.data);
}

/* Never returns: the process is left as it is. */
static void be_a_client(struct fake_hub *hub) {
  AUTO_SECRET value = { 0 };
  AUTO(key_cache) struct key_cache *keys = NULL;
  AUTO(data_key) struct data_key *k = NULL;
  hide('c', "the client's secret");
  hide('s', "a secret");
  hide('t', "a token");
  MUST(found_in_memory(false) == 0);
  struct client *c = connect_as_c(hub);
  const struct key_service service = client_key_service(c);
  MUST(key_cache_new(&service, NULL, &keys) == OK);
  MUST(key_cache_for_sealing(keys, "k", &k) == OK);
  hide_key(k);
  MUST(client_get_secret(c, "hidden", NULL, &value) == OK); /* nothing comes over it any more */
  MUST(found_in_memory(true) >= 4);
  MUST(found_in_memory(false) == 0);
  _exit(0);
}

static void test_memory(void **state) {
  static struct fake_hub hub;
  int status = 0;
  (void)state;
#ifdef SANITIZED
  skip(); /* a sanitizer keeps what was freed, and copies of what was read */
#endif
  fake_hub_start(&hub);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0)
    be_a_client(&hub);
  assert_int_equal(waitpid(child, &status, 0), child);
  fake_hub_stop(&hub);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };
  return cmocka_run_group_tests_name("client_memory", tests, start_crypto, NULL);
}
