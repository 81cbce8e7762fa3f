/*
 * Logs. The first byte chooses: a stream is cut into entries, which put together are the stream
 * again; a record's plaintext is read; a file's bytes are read as a segment; or records of these
 * plaintexts, and some bytes behind them, are.
 */
#include "seal/log_format.h"
#include "start.h"

#include <fcntl.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key_cache *keys;
static struct header header;
static int file = -1;
static char path[32];

static err_t wrap(void *ctx, const char *key, struct bytes plain, struct wrapped *out) {
  *out = (struct wrapped){ .alg = "A256KW", .key_id = "https://fuzz/keys/k/1", .size = plain.size };
  memcpy(out->data, plain.data, plain.size);
  return OK;
}

static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *out) {
  return secret_copy(bytes_of(w->data, w->size), out);
}

static void stop(void) {
  key_cache_free(keys);
  close(file);
}

static void start(void) {
  static const uint8_t data_key[DATA_KEY_SIZE];
  static const struct key_service service = { .wrap = wrap, .unwrap = unwrap };
  header.kind = HEADER_LOG;
  file = memfd_create("fuzz", MFD_CLOEXEC);
  if (!fuzz_start_crypto() || file < 0 || key_cache_new(&service, NULL, &keys) != OK ||
      wrap(NULL, "k", bytes_of(data_key, sizeof data_key), &header.wrapped) != OK)
    abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  atexit(stop);
}

/* --- streams --- */

static void cut(enum log_format format, struct bytes in) {
  AUTO_LOG_FRAMER f = { .format = format };
  AUTO_LOG_BATCH b = { 0 };
  AUTO_BUF again = BUF_EMPTY;
  size_t piece = in.size ? 1 + in.data[0] : 1;
  for (size_t at = 0; at < in.size; at += piece)
    log_framer_put(&f, (int64_t)at,
                   bytes_of(in.data + at, in.size - at < piece ? in.size - at : piece), &b);
  log_framer_end(&f, 0, &b);
  struct log_entries it = { .rest = buf_bytes(&b.entries), .ns = b.first_ns };
  for (struct log_entry e; log_entries_next(&it, &e);) {
    buf_put_bytes(&again, e.text);
    if (!(e.flags & (LOG_GOES_ON | LOG_UNTERMINATED)))
      buf_put_char(&again, '\n');
  }
  if (it.bad || (format != LOG_SYSLOG && !bytes_equal(buf_bytes(&again), in)))
    abort();
}

/* --- records --- */

static void touch(struct bytes entries, int64_t ns) {
  struct log_entries it = { .rest = entries, .ns = ns };
  volatile uint8_t sum = 0;
  for (struct log_entry e; log_entries_next(&it, &e);)
    for (size_t i = 0; i < e.text.size; i++)
      sum = (uint8_t)(sum + e.text.data[i]);
}

static void plain(struct bytes in) {
  struct log_plain p;
  AUTO_BUF again = BUF_EMPTY;
  if (log_plain_get(in, &p) != OK)
    return;
  if (p.type == LOG_TYPE_LINES)
    touch(p.entries, p.first_ns);
  log_plain_put(&p, &again);
  if (again.size != in.size)
    abort();
}

static void segment(struct bytes content) {
  struct log_segment *s AUTO(log_segment) = NULL;
  struct log_record r;
  bool more = true;
  uint64_t count;
  if (ftruncate(file, 0) != 0 || pwrite(file, content.data, content.size, 0) < 0)
    abort();
  if (log_segment_open(keys, AT_FDCWD, path, &s) != OK)
    return;
  while (log_segment_next(s, UINT64_MAX, &r, &more) == OK && more)
    touch(r.entries, r.first_ns);
  log_segment_free(TAKE(s));
  if (log_segment_open(keys, AT_FDCWD, path, &s) == OK)
    IGNORE(log_segment_seek_last(s, 3, UINT64_MAX, &count));
}

/* A record for each length and plaintext; length 0 ends them. */
static void records(struct bytes in) {
  static const uint8_t data_key[DATA_KEY_SIZE];
  struct log_prefix p = { .number = 1 };
  struct xaes *key AUTO(xaes) = NULL;
  struct log_tip tip = { 0 };
  AUTO_BUF b = BUF_EMPTY;
  uint8_t start_of[HEADER_SIZE];
  if (log_prefix_key(&p, bytes_of(data_key, sizeof data_key), &key, p.commitment) != OK ||
      header_write(&header, start_of) != OK)
    abort();
  buf_put(&b, start_of, sizeof start_of);
  log_prefix_put(&p, &b);
  while (in.size && in.data[0]) {
    size_t n = in.data[0] < in.size ? in.data[0] : in.size - 1;
    if (log_seal(key, &p, &tip, bytes_of(in.data + 1, n), &b) != OK)
      abort();
    in = bytes_of(in.data + 1 + n, in.size - 1 - n);
  }
  buf_put_bytes(&b, in);
  segment(buf_bytes(&b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (file < 0)
    start();
  if (size == 0)
    return 0;
  struct bytes rest = bytes_of(data + 1, size - 1);
  switch (data[0] % 6) {
  case 0:
    cut(LOG_LINES, rest);
    break;
  case 1:
    cut(LOG_JOURNAL, rest);
    break;
  case 2:
    cut(LOG_SYSLOG, rest);
    break;
  case 3:
    plain(rest);
    break;
  case 4:
    segment(rest);
    break;
  default:
    records(rest);
  }
  return 0;
}
