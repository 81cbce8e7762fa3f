/* What comes with a core: the kernel's words, of which a crashed program chooses the last, and the
 * record that is read again for a list. What is read is written and read again as the same. */
#include "cli/core/crash.h"
#include "start.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct crash *a, const struct crash *b) {
  if (a->pid != b->pid || a->thread != b->thread || a->uid != b->uid || a->gid != b->gid ||
      a->signal != b->signal || a->time != b->time || a->size != b->size ||
      a->truncated != b->truncated)
    abort();
}

static void write_and_read(const struct crash *c) {
  AUTO_BUF record = BUF_EMPTY;
  static struct crash again;
  crash_write(c, &record);
  if (buf_ok(&record) != OK || crash_read(buf_bytes(&record), &again) != OK)
    abort();
  same(c, &again);
}

/* The words are ended by NULs. */
static void words(const char *text, size_t size) {
  const char *list[CRASH_WORDS];
  static struct crash c;
  const char *end = text + size;
  for (size_t i = 0; i < CRASH_WORDS; i++) {
    list[i] = text < end ? text : "";
    text += text < end ? strlen(text) + 1 : 0;
  }
  if (crash_parse(list, &c) == OK)
    write_and_read(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  AUTO_BUF copy = BUF_EMPTY;
  static struct crash c;
  buf_put(&copy, data, size);
  if (!buf_cstr(&copy))
    return 0;
  words((const char *)copy.data, size);
  if (crash_read(bytes_of(data, size), &c) == OK)
    write_and_read(&c);
  return 0;
}
