/* An age file, in armor or not: what can be read is written again as it was, in pieces it reads the
 * same, and opening it neither crashes nor gives out what is not authentic. */
#include "seal/age_armor.h"
#include "seal/age_key.h"
#include "start.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define IDENTITY \
  "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n" \
  "AGE-SECRET-KEY-PQ-1HZLGZUPT4ETPKDEV8HSGFDCYZ4E522W0A7PU2LHT8EH9W6YLNC3SW78XKG\n"

static struct age_identities *identities;
static int in, out;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A vault whose keys open everything, to the same file key. */
static err_t unwrap(void *ctx, const struct wrapped *w, struct secret *file_key) {
  return secret_new(w->size == 1 ? 1 : AGE_FILE_KEY, file_key);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  static const struct key_service vault = { .unwrap = unwrap };
  if (!fuzz_start_crypto() || age_identities_new(&identities) != OK ||
      age_identities_add_vault(identities, &vault) != OK)
    return 1;
  in = memfd_create("in", MFD_CLOEXEC);
  out = open("/dev/null", O_WRONLY | O_CLOEXEC);
  return age_identities_add_file(identities, NULL, bytes_str(IDENTITY), "identity") != OK ||
         in < 0 || out < 0;
}

static void check_header(struct bytes data) {
  struct age_header h;
  struct stanza s;
  size_t line = 0, missing, size = 0;
  if (age_header_read(data, &h) != OK)
    return;
  AUTO_BUF again = BUF_EMPTY;
  age_header_begin(&again);
  for (struct bytes rest = h.stanzas; rest.size;) {
    AUTO_BUF body = BUF_EMPTY;
    if (stanza_read(&rest, &s) != OK)
      abort();
    stanza_body(&s, &body);
    if (body.size != stanza_body_size(&s))
      abort();
    stanza_write(s.args, buf_bytes(&body), &again);
  }
  buf_put_str(&again, "---");
  if (!bytes_equal(buf_bytes(&again), h.under_mac))
    abort();
  while ((missing = age_header_missing(bytes_of(data.data, size), &line)))
    if ((size += missing) > h.size)
      abort();
  if (size != h.size)
    abort();
}

static err_t unarmor(struct bytes data, size_t step, struct buf *text) {
  struct armor a = { 0 };
  while (data.size) {
    size_t n = data.size < step ? data.size : step;
    TRY(armor_push(&a, bytes_of(data.data, n), text));
    data = bytes_of(data.data + n, data.size - n);
  }
  return armor_end(&a, text);
}

static void check_armor(struct bytes data) {
  AUTO_BUF whole = BUF_EMPTY, pieces = BUF_EMPTY;
  err_t e = unarmor(data, SIZE_MAX, &whole);
  if (unarmor(data, 7, &pieces) != e ||
      (e == OK && !bytes_equal(buf_bytes(&whole), buf_bytes(&pieces))))
    abort();
  if (e == OK)
    check_header(buf_bytes(&whole));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct stream_options o = { .threads = 1 };
  size_t start = size ? data[size - 1] : 0;
  start = start < size ? start : size;
  check_header(bytes_of(data, size));
  check_armor(bytes_of(data, size));
  if (ftruncate(in, 0) != 0 || lseek(in, 0, SEEK_SET) != 0 ||
      write(in, data, size) != (ssize_t)size || lseek(in, (off_t)start, SEEK_SET) < 0)
    abort();
  IGNORE(age_open(identities, &o, bytes_of(data, start), in, out));
  IGNORE(age_open_range(identities, in, start, 100, out));
  return 0;
}
