#include "seal_child.h"

#include "base/file.h"
#include "child.h"
#include "seal/map.h"
#include "seal/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HEAP (1u << 16)
#define RAW_NS UINT64_C(400000000)
#define SMALL 4096
#define SMALL_COUNT 10000
#define PREFIX_MAX 64

/* --- a vault that is none --- */

static const uint8_t kek[32] = { 7 };

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  AUTO_BUF sealed = BUF_EMPTY;
  *out = (struct wrapped){ .key_id = "https://localhost/keys/bench/1", .alg = "A256KW" };
  TRY(crypto_seal(bytes_of(kek, sizeof kek), (struct bytes){ 0 }, plain, &sealed));
  memcpy(out->data, sealed.data, sealed.size);
  out->size = sealed.size;
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  return crypto_open_secret(bytes_of(kek, sizeof kek), (struct bytes){ 0 },
                            bytes_of(w->data, w->size), out);
}

static err_t new_keys(struct key_cache **out) {
  const struct key_service s = { .wrap = wrap, .unwrap = unwrap };
  return key_cache_new(&s, NULL, out);
}

/* --- OpenSSL alone --- */

static bool raw_message(EVP_CIPHER_CTX *ctx, uint8_t *iv, uint8_t *in, uint8_t *out, int size) {
  int n;
  iv[11]++;
  return EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 &&
         EVP_EncryptUpdate(ctx, out, &n, in, size) == 1 &&
         EVP_EncryptFinal_ex(ctx, out + size, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, out + size) == 1;
}

struct raw_job {
  const char *alg;
  int size; /* of a message */
  double bytes;
  err_t result;
};

static void *raw_thread(void *p) {
  struct raw_job *j = p;
  AUTO_FREE uint8_t *in = mem_zalloc((size_t)j->size), *out = mem_zalloc((size_t)j->size + 16);
  uint8_t iv[12] = { 0 };
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, j->alg, NULL);
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  bool good = in && out && cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, kek, iv, NULL) == 1;
  for (uint64_t from = now_ns(); good && now_ns() - from < RAW_NS;)
    for (int i = 0; good && i < 64; i++, j->bytes += j->size)
      good = raw_message(ctx, iv, in, out, j->size);
  EVP_CIPHER_CTX_free(ctx);
  EVP_CIPHER_free(cipher);
  j->result = good ? OK : ERR_CRYPTO;
  return NULL;
}

static err_t raw(const char *alg, int size, unsigned threads, double *bytes) {
  struct raw_job one = { .alg = alg, .size = size }, other = one;
  pthread_t thread;
  bool two = threads > 1;
  if (two && pthread_create(&thread, NULL, raw_thread, &other) != 0)
    FAIL(ERR_NOMEM, "no second thread");
  raw_thread(&one);
  if (two)
    pthread_join(thread, NULL);
  *bytes = one.bytes + other.bytes;
  TRY(one.result);
  return two ? other.result : OK;
}

/* What is opened has to be read. */
static err_t raw_read(const char *path, double *bytes) {
  enum { MESSAGE = 16384, PIECE = 16 * (MESSAGE + 16) };
  static uint8_t in[PIECE] __attribute__((aligned(4096))), out[MESSAGE + 16], iv[12];
  AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
  EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
  bool good = cipher && ctx && EVP_EncryptInit_ex2(ctx, cipher, kek, iv, NULL) == 1;
  for (ssize_t n; good && (n = read(fd, in, PIECE)) > 0;)
    for (ssize_t at = 0; good && at + MESSAGE <= n; at += MESSAGE + 16, *bytes += MESSAGE)
      good = raw_message(ctx, iv, in + at, out, MESSAGE);
  EVP_CIPHER_CTX_free(ctx);
  EVP_CIPHER_free(cipher);
  if (!good || *bytes == 0)
    FAIL(ERR_IO, "reading %s", path);
  return OK;
}

/* --- files --- */

static err_t age_stream(const struct seal_job *j, int in, int out) {
  const struct stream_options o = { .threads = j->threads, .views = &map_views };
  AUTO(payload) struct payload *p = NULL;
  uint8_t prefix[PREFIX_MAX];
  struct bytes key = bytes_of(kek, 16);
  if (j->what == SEAL_AGE_SEAL) {
    TRY(payload_new_age(key, &p));
    struct bytes start = payload_prefix(p);
    if (write(out, start.data, start.size) != (ssize_t)start.size)
      return ERR_OUTPUT;
    return stream_seal(p, &o, in, out);
  }
  if (read(in, prefix, 16) != 16)
    return ERR_INPUT;
  TRY(payload_open_age(key, bytes_of(prefix, 16), &p));
  return stream_open(p, &o, in, out);
}

static err_t stream_files(const struct seal_job *j, double *bytes) {
  const struct sealed_options o = { .context = bytes_str("bench"),
                                    .stream = { .threads = j->threads, .views = &map_views } };
  AUTO(key_cache) struct key_cache *keys = NULL;
  AUTO_FD in = open(j->in, O_RDONLY | O_CLOEXEC);
  AUTO_FD out = open(j->out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (in < 0 || out < 0)
    FAIL(ERR_IO, "%s, %s: %s", j->in, j->out, strerror(errno));
  *bytes = (double)lseek(in, 0, SEEK_END);
  lseek(in, 0, SEEK_SET);
  TRY(new_keys(&keys));
  if (j->what == SEAL_SEAL)
    return sealed_seal(keys, "bench", &o, in, out);
  if (j->what == SEAL_OPEN)
    return sealed_open(keys, &o, in, out);
  return age_stream(j, in, out);
}

/* --- small files --- */

static err_t write_file(int dir, unsigned n, struct bytes content) {
  char name[32], temporary[40];
  snprintf(name, sizeof name, "%u.sealed", n);
  snprintf(temporary, sizeof temporary, ".%s.new", name);
  int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    FAIL(ERR_OUTPUT, "%s: %s", temporary, strerror(errno));
  bool good = write(fd, content.data, content.size) == (ssize_t)content.size;
  close(fd);
  if (!good || renameat(dir, temporary, dir, name) != 0)
    FAIL(ERR_OUTPUT, "%s: %s", name, strerror(errno));
  return OK;
}

static err_t small_files(const struct seal_job *j, double *count) {
  static const uint8_t plain[SMALL] = { 1 };
  AUTO(key_cache) struct key_cache *keys = NULL;
  AUTO_BUF sealed = BUF_EMPTY;
  AUTO_FD dir = j->what == SEAL_PUT ? -1 : open(j->out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  TRY(new_keys(&keys));
  for (unsigned n = 0; n < SMALL_COUNT; n++) {
    struct bytes content = bytes_of(plain, SMALL);
    buf_clear(&sealed);
    if (j->what != SEAL_PLAIN_FILES)
      TRY(sealed_put(keys, "bench", bytes_str("bench"), content, &sealed));
    if (j->what != SEAL_PUT)
      TRY(write_file(dir, n, sealed.size ? buf_bytes(&sealed) : content));
  }
  *count = SMALL_COUNT;
  return OK;
}

/* --- the process --- */

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Not ru_maxrss, which a process inherits. */
static double peak_mib(void) {
  char line[128];
  double kib = 0;
  FILE *f = fopen("/proc/self/status", "re");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "VmHWM: %lf", &kib) == 1)
      break;
  if (f)
    fclose(f);
  return kib / 1024;
}

static err_t work(const struct seal_job *j, struct sealing *s) {
  bool locked;
  if (j->what == SEAL_RAW)
    return raw("AES-256-GCM", 16384, j->threads, &s->bytes);
  if (j->what == SEAL_RAW_READ)
    return raw_read(j->in, &s->bytes);
  if (j->what == SEAL_AGE_RAW)
    return raw("ChaCha20-Poly1305", 65536, j->threads, &s->bytes);
  TRY(crypto_init(HEAP, &locked));
  return j->what < SEAL_PUT ? stream_files(j, &s->bytes) : small_files(j, &s->count);
}

int seal_main(int argc, char **argv) {
  struct sealing s = { 0 };
  if (argc < 4)
    return 2;
  const struct seal_job j = { (enum seal_what)atoi(argv[0]), (unsigned)atoi(argv[1]), argv[2],
                              argv[3] };
  double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  if (work(&j, &s) != OK) {
    fprintf(stderr, "sealing: %s\n", err_last()->why);
    return 1;
  }
  s.wall_s = seconds(CLOCK_MONOTONIC) - wall;
  s.cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  dprintf(CHILD_OUT, "%.9f %.9f %.0f %.0f %.3f\n", s.wall_s, s.cpu_s, s.bytes, s.count, peak_mib());
  return 0;
}

err_t seal_measure(const struct seal_job *j, struct sealing *out) {
  char what[16], threads[16];
  struct child c;
  AUTO_BUF line = BUF_EMPTY;
  snprintf(what, sizeof what, "%d", (int)j->what);
  snprintf(threads, sizeof threads, "%u", j->threads);
  const char *const argv[] = { "/proc/self/exe",     "--seal", what, threads, j->in ? j->in : "",
                               j->out ? j->out : "", NULL };
  TRY(child_start(argv, NULL, &c));
  err_t e = child_line(&c, 600000, &line);
  err_t ended = child_stop(&c, 0);
  TRY(e);
  TRY(ended);
  const char *text = buf_cstr(&line);
  if (!text || sscanf(text, "%lf %lf %lf %lf %lf", &out->wall_s, &out->cpu_s, &out->bytes,
                      &out->count, &out->peak_mib) != 5)
    FAIL(ERR_IO, "the process that seals said something else");
  return OK;
}
