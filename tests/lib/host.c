/*
 * host KEY SECRET: a program with ways of its own, which the library must leave as they are. It has
 * OpenSSL's secure heap and allocators set up, and jansson's allocators; handlers of signals, a
 * pipe that nobody reads; and it forks. Says what it found to be changed, if anything.
 */
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strongroom.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned ssl_blocks, json_blocks;
static struct sr_error error;

#define SURE(what, condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "host, line %d: %s: %s\n", __LINE__, what, error.message); \
      exit(1); \
    } \
  } while (0)

/* Blocks that are marked: releasing another one, or one with another function, shows. */
static const char mark[16] = "a block of mine";
static void *marked(size_t n) {
  char *p = malloc(n + sizeof mark);
  return p ? (char *)memcpy(p, mark, sizeof mark) + sizeof mark : NULL;
}
static void unmark(void *p) {
  if (!p)
    return;
  char *block = (char *)p - sizeof mark;
  SURE("a block of another allocator is released", memcmp(block, mark, sizeof mark) == 0);
  memset(block, 0, sizeof mark);
  free(block);
}
static void *ssl_alloc(size_t n, const char *f, int line) {
  (void)f, (void)line;
  __atomic_add_fetch(&ssl_blocks, 1, __ATOMIC_RELAXED);
  return marked(n);
}
static void ssl_free(void *p, const char *f, int line) {
  (void)f, (void)line;
  unmark(p);
}
static void *ssl_realloc(void *p, size_t n, const char *f, int line) {
  if (!p)
    return ssl_alloc(n, f, line);
  if (n == 0) {
    unmark(p);
    return NULL;
  }
  char *q = realloc((char *)p - sizeof mark, n + sizeof mark);
  return q ? q + sizeof mark : NULL;
}
static void *json_block(size_t n) {
  __atomic_add_fetch(&json_blocks, 1, __ATOMIC_RELAXED);
  return marked(n);
}

static void on_signal(int number) {
  (void)number;
}

static void use(struct sr_vault *vault, char **argv) {
  struct sr_bytes value, sealed, plain;
  SURE("secret", sr_get_secret(vault, argv[2], NULL, &value, &error) == SR_OK);
  SURE("seal",
       sr_bytes_seal(vault, argv[1], NULL, 0, value.data, value.size, &sealed, &error) == SR_OK);
  SURE("open", sr_bytes_open(vault, NULL, 0, sealed.data, sealed.size, &plain, &error) == SR_OK);
  SURE("same", plain.size == value.size && memcmp(plain.data, value.data, value.size) == 0);
  SURE("the host's secure heap is used", CRYPTO_secure_allocated(value.data));
  sr_bytes_free(&value);
  sr_bytes_free(&sealed);
  sr_bytes_free(&plain);
}

/* Nobody reads: an error, no signal. */
static void broken_pipe(struct sr_vault *vault, const char *key) {
  int ends[2], in[2];
  static char bytes[65536];
  SURE("pipe", pipe(ends) == 0 && pipe(in) == 0);
  close(ends[0]);
  SURE("write", write(in[1], bytes, 60000) == 60000);
  close(in[1]);
  enum sr_status s = sr_stream_seal(vault, key, NULL, in[0], ends[1], &error);
  SURE("SR_OUTPUT", s == SR_OUTPUT);
  /* Also from a file. */
  FILE *file = tmpfile();
  SURE("file", file && write(fileno(file), bytes, sizeof bytes) == sizeof bytes);
  lseek(fileno(file), 0, SEEK_SET);
  s = sr_stream_seal(vault, key, NULL, fileno(file), ends[1], &error);
  SURE("SR_OUTPUT", s == SR_OUTPUT);
  fclose(file);
  close(in[0]);
  close(ends[1]);
}

/* What failed inside leaves nothing in the queue that the host looks into. */
static void failures(struct sr_vault *vault, char **argv) {
  struct sr_bytes sealed, plain;
  struct sr_options *o;
  struct sr_vault *other;
  SURE("seal", sr_bytes_seal(vault, argv[1], NULL, 0, "text", 4, &sealed, &error) == SR_OK);
  SURE("other context",
       sr_bytes_open(vault, "x", 1, sealed.data, sealed.size, &plain, &error) == SR_WRONG_KEY);
  SURE("no errors in OpenSSL's queue", ERR_peek_error() == 0);
  sealed.data[sealed.size - 1] ^= 1;
  SURE("damaged",
       sr_bytes_open(vault, NULL, 0, sealed.data, sealed.size, &plain, &error) == SR_DAMAGED);
  SURE("no errors in OpenSSL's queue", ERR_peek_error() == 0);
  sr_bytes_free(&sealed);
  /* The system does not know the hub's authority (OpenSSL itself looks at the variable). */
  char *ca = strdup(getenv("SSL_CERT_FILE"));
  SURE("memory", ca);
  unsetenv("SSL_CERT_FILE");
  SURE("options", sr_options_new(&o, &error) == SR_OK);
  SURE("options", sr_options_environment(o, &error) == SR_OK);
  SURE("options", sr_options_set(o, SR_CA_FILE, NULL, &error) == SR_OK);
  SURE("options", sr_options_set_number(o, SR_RETRY_MS, 1, &error) == SR_OK);
  SURE("connect", sr_connect(o, &other, &error) == SR_OK);
  SURE("not trusted", sr_get_secret(other, argv[2], NULL, &plain, &error) == SR_AWAY &&
                        strstr(error.message, "not trusted"));
  SURE("no errors in OpenSSL's queue", ERR_peek_error() == 0);
  sr_options_free(o);
  sr_close(other);
  setenv("SSL_CERT_FILE", ca, 1);
  free(ca);
}

static void child(struct sr_vault *vault, struct sr_recipients *recipients, char **argv) {
  struct sr_vault *own;
  struct sr_bytes value;
  enum sr_status s = sr_get_secret(vault, argv[2], NULL, &value, &error);
  SURE("the parent's handle in the child", s == SR_BAD_ARGUMENT);
  int null = open("/dev/null", O_RDWR);
  s = sr_age_seal(recipients, NULL, null, null, &error);
  SURE("recipients that have it", s == SR_BAD_ARGUMENT);
  sr_close(vault);
  SURE("connect", sr_connect(NULL, &own, &error) == SR_OK);
  use(own, argv);
  sr_close(own);
  _exit(0);
}

static void fork_with(struct sr_vault *vault, char **argv) {
  int status, null = open("/dev/null", O_RDWR);
  struct sr_recipients *recipients;
  SURE("recipients", sr_recipients_new(&recipients, &error) == SR_OK);
  SURE("recipients", sr_recipients_add_key(recipients, vault, argv[1], &error) == SR_OK);
  SURE("age", sr_age_seal(recipients, NULL, null, null, &error) == SR_OK);
  pid_t pid = fork();
  if (pid == 0)
    child(vault, recipients, argv);
  sr_recipients_free(recipients);
  close(null);
  SURE("child", pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void signals_unchanged(const struct sigaction *before, const sigset_t *mask) {
  sigset_t now, pending;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  sigpending(&pending);
  for (int i = 1; i < 32; i++) {
    struct sigaction a;
    if (i == SIGKILL || i == SIGSTOP)
      continue;
    SURE("action", sigaction(i, NULL, &a) == 0 && a.sa_handler == before[i].sa_handler);
    SURE("mask", sigismember(&now, i) == sigismember(mask, i));
    SURE("pending", sigismember(&pending, i) == 0);
  }
}

int main(int argc, char **argv) {
  struct sigaction before[32] = { 0 }, own = { .sa_handler = on_signal };
  sigset_t mask;
  json_malloc_t json_alloc;
  json_free_t json_release;
  struct sr_vault *vault;
  if (argc != 3)
    return 2;
  SURE("own allocators", CRYPTO_set_mem_functions(ssl_alloc, ssl_realloc, ssl_free));
  SURE("own heap", CRYPTO_secure_malloc_init(262144, 32));
  json_set_alloc_funcs(json_block, unmark);
  sigaction(SIGUSR1, &own, NULL);
  for (int i = 1; i < 32; i++)
    sigaction(i, NULL, &before[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  json_t *document = json_pack("{s:i}", "a", 1);
  SURE("connect", sr_connect(NULL, &vault, &error) == SR_OK);
  use(vault, argv);
  sr_close(vault);
  size_t used = CRYPTO_secure_used(); /* by OpenSSL's random generators */

  SURE("connect", sr_connect(NULL, &vault, &error) == SR_OK);
  use(vault, argv);
  signals_unchanged(before, &mask);
  failures(vault, argv);
  broken_pipe(vault, argv[1]);
  signals_unchanged(before, &mask);
  fork_with(vault, argv);
  use(vault, argv);
  sr_close(vault);

  json_get_alloc_funcs(&json_alloc, &json_release);
  SURE("jansson's allocators", json_alloc == json_block && json_release == unmark);
  SURE("a document", json_integer_value(json_object_get(document, "a")) == 1);
  json_decref(document);
  SURE("nothing is left in the secure heap", CRYPTO_secure_used() == used);
  unsigned blocks = ssl_blocks;
  EVP_MD_CTX_free(EVP_MD_CTX_new());
  SURE("OpenSSL's allocators", ssl_blocks > blocks);
  signals_unchanged(before, &mask);
  printf("nothing was changed\n");
  return 0;
}
