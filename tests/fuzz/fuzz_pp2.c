/* A PROXY header: it comes out the same however it is cut, and what was read is written and read
 * again as the same. */
#include "transit/proxy/pp2.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct pp2 *a, const struct pp2 *b) {
  return a->local == b->local && memcmp(&a->from, &b->from, sizeof a->from) == 0 &&
         memcmp(&a->to, &b->to, sizeof a->to) == 0 && bytes_equal(a->alpn, b->alpn) &&
         bytes_equal(a->authority, b->authority) && bytes_equal(a->tls_version, b->tls_version) &&
         bytes_equal(a->common_name, b->common_name) && bytes_equal(a->cipher, b->cipher);
}

/* It is refused, or complete, at one size, and there is more to wait for at each smaller one. */
static void read_in_pieces(struct bytes in, err_t expected, size_t end) {
  for (size_t have = 0; have < in.size; have++) {
    struct pp2 p;
    size_t used;
    err_t e = pp2_read(bytes_of(in.data, have), &p, &used);
    if (e != OK && expected == OK)
      abort();
    if (e == OK && used != (end && have >= end ? end : 0))
      abort();
  }
}

static void write_again(const struct pp2 *p) {
  AUTO_BUF out = BUF_EMPTY;
  struct pp2 again, expected = *p;
  size_t used;
  if (expected.tls_version.size == 0)
    expected.common_name = expected.cipher = (struct bytes){ 0 };
  if (pp2_write(&expected, &out) != OK || pp2_read(buf_bytes(&out), &again, &used) != OK ||
      used != out.size || !same(&again, &expected))
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct bytes in = bytes_of(data, size);
  struct pp2 p;
  size_t used = 0;
  err_t e = pp2_read(in, &p, &used);
  if (used > size)
    abort();
  read_in_pieces(in, e, used);
  if (e == OK && used)
    write_again(&p);
  return 0;
}
