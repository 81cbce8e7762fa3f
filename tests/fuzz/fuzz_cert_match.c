/* A pattern of names, a line feed, and a name: what a valid pattern covers is of one kind, and what
 * the pattern says it is. */
#include "crypto/cert_match.h"

#include "base/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_that(bool is) {
  if (!is)
    abort();
}

static bool ends_with(struct bytes text, struct bytes end) {
  return text.size >= end.size &&
         cert_host_same(bytes_of(text.data + text.size - end.size, end.size), end);
}

static void check(struct bytes pattern, enum cert_san kind, struct bytes name) {
  struct cidr address;
  size_t star = kind != SAN_URI && bytes_starts(pattern, "*");
  switch (kind) {
  case SAN_DNS:
    assert_that(ends_with(name, bytes_of(pattern.data + star, pattern.size - star)));
    break;
  case SAN_IP:
    assert_that(cidr_parse(name, &address));
    break;
  case SAN_URI:
    assert_that(memcmp(name.data, pattern.data, pattern.size - 1) == 0);
    break;
  case SAN_UPN:
    assert_that(name.size == pattern.size - 4);
    break;
  default:
    assert_that(memchr(name.data, '@', name.size));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes pattern, name = bytes_split(bytes_of(data, size), '\n', &pattern);
  bool valid = cert_pattern_valid(pattern), upn = bytes_starts(pattern, "upn:");
  unsigned kinds = 0;
  (void)cert_looks_like_host(name);
  for (unsigned kind = 0; kind < SAN_KINDS; kind++) {
    if (!cert_pattern_covers(pattern, (enum cert_san)kind, name) || !valid)
      continue;
    check(pattern, (enum cert_san)kind, name);
    kinds++;
  }
  assert_that(kinds <= 1 || upn);
  return 0;
}
