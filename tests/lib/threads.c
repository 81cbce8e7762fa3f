/* threads KEY SECRET VALUE: eight threads on one vault do what the library can do, each with its
 * own bytes; every result is checked. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strongroom.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 12
#define STREAM_SIZE 300000

static struct sr_vault *vault;
static struct sr_records *records;
static char **words;

#define MUST(call) \
  do { \
    enum sr_status s_ = (call); \
    if (s_ != SR_OK) { \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, sr_status_name(s_), e.message); \
      exit(1); \
    } \
  } while (0)
#define SAME(bytes, data_, size_) \
  do { \
    if ((bytes).size != (size_) || memcmp((bytes).data, (data_), (size_)) != 0) { \
      fprintf(stderr, "line %d: other bytes\n", __LINE__); \
      exit(1); \
    } \
    sr_bytes_free(&(bytes)); \
  } while (0)

static void keys(unsigned seed) {
  struct sr_error e;
  struct sr_wrapped w;
  struct sr_bytes b;
  unsigned char key[32];
  memset(key, (int)seed, sizeof key);
  MUST(sr_wrap(vault, words[1], key, sizeof key, &w, &e));
  MUST(sr_unwrap(vault, &w, &b, &e));
  SAME(b, key, sizeof key);
  MUST(sr_get_secret(vault, words[2], NULL, &b, &e));
  SAME(b, words[3], strlen(words[3]));
}

static void texts(unsigned seed) {
  struct sr_error e;
  struct sr_bytes sealed, plain;
  char text[40];
  int n = snprintf(text, sizeof text, "text %u", seed);
  MUST(sr_bytes_seal(vault, words[1], text, (size_t)n, text, (size_t)n, &sealed, &e));
  MUST(sr_bytes_open(vault, text, (size_t)n, sealed.data, sealed.size, &plain, &e));
  SAME(plain, text, (size_t)n);
  sr_bytes_free(&sealed);
  MUST(sr_record_seal(records, text, (size_t)n, text, (size_t)n, &sealed, &e));
  MUST(sr_record_open(records, text, (size_t)n, sealed.data, sealed.size, &plain, &e));
  SAME(plain, text, (size_t)n);
  sr_bytes_free(&sealed);
}

static int temporary(void) {
  char path[] = "/tmp/strongroom-threads.XXXXXX";
  const char *dir = getenv("TMPDIR");
  char longer[4096];
  snprintf(longer, sizeof longer, "%s/strongroom-threads.XXXXXX", dir ? dir : "/tmp");
  int fd = mkstemp(dir ? longer : path);
  unlink(dir ? longer : path);
  return fd;
}

static void streams(unsigned seed) {
  struct sr_error e;
  struct sr_file *file;
  struct sr_stream how = { .threads = 2 };
  static __thread unsigned char data[STREAM_SIZE], again[STREAM_SIZE];
  size_t got;
  int in = temporary(), sealed = temporary(), out = temporary();
  memset(data, (int)seed, sizeof data);
  if (pwrite(in, data, sizeof data, 0) != sizeof data)
    exit(1);
  MUST(sr_stream_seal(vault, words[1], &how, in, sealed, &e));
  lseek(sealed, 0, SEEK_SET);
  MUST(sr_stream_open(vault, &how, sealed, out, &e));
  if (pread(out, again, sizeof again, 0) != sizeof again || memcmp(data, again, sizeof data) != 0)
    exit(1);
  MUST(sr_file_open(vault, NULL, 0, sealed, &file, &e));
  memset(again, 0, sizeof again);
  MUST(sr_file_read(file, 20000, again, 1000, &got, &e));
  if (got != 1000 || memcmp(data, again, got) != 0)
    exit(1);
  sr_file_close(file);
  close(in);
  close(sealed);
  close(out);
}

static void *run(void *arg) {
  unsigned seed = *(unsigned *)arg;
  for (unsigned i = 0; i < ROUNDS; i++) {
    keys(seed);
    texts(seed * ROUNDS + i);
    if (i % 4 == 0)
      streams(seed);
  }
  return NULL;
}

int main(int argc, char **argv) {
  struct sr_error e = { 0 };
  struct sr_wrapped w;
  pthread_t threads[THREADS];
  unsigned seeds[THREADS];
  words = argv;
  if (argc != 4)
    return 2;
  MUST(sr_connect(NULL, &vault, &e));
  MUST(sr_records_new(vault, argv[1], &w, &records, &e));
  for (unsigned i = 0; i < THREADS; i++) {
    seeds[i] = i + 1;
    if (pthread_create(&threads[i], NULL, run, &seeds[i]) != 0)
      return 1;
  }
  for (unsigned i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  sr_records_close(records);
  sr_close(vault);
  printf("%d threads, %d rounds\n", THREADS, ROUNDS);
  return 0;
}
