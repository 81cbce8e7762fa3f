#include "crypto/der.h"

#define DER_MAX 4096 /* an RSA-4096 private key takes 2,400 */

err_t der_new(struct der *d) {
  TRY(secret_new(DER_MAX, &d->room));
  d->start = DER_MAX;
  d->failed = false;
  return OK;
}

void der_put(struct der *d, struct bytes v) {
  if (v.size > d->start) {
    d->failed = true;
    return;
  }
  d->start -= v.size;
  if (v.size)
    memcpy(d->room.data + d->start, v.data, v.size);
}

static void put_byte(struct der *d, size_t byte) {
  uint8_t b = (uint8_t)byte;
  der_put(d, bytes_of(&b, 1));
}

void der_wrap(struct der *d, enum der_tag tag, size_t mark) {
  size_t length = mark - d->start;
  if (length < 0x80) {
    put_byte(d, length);
  } else {
    size_t count = 0;
    for (size_t rest = length; rest; rest >>= 8, count++)
      put_byte(d, rest & 0xff);
    put_byte(d, 0x80 | count);
  }
  put_byte(d, tag);
}

void der_put_uint(struct der *d, struct bytes number) {
  size_t mark = d->start;
  while (number.size && number.data[0] == 0) {
    number.data++;
    number.size--;
  }
  der_put(d, number);
  if (number.size == 0 || number.data[0] & 0x80)
    put_byte(d, 0);
  der_wrap(d, DER_INTEGER, mark);
}

err_t der_take(struct der *d, struct secret *out) {
  if (d->failed)
    FAIL(ERR_INTERNAL, "an encoded key does not fit %d bytes", DER_MAX);
  return secret_copy(bytes_of(d->room.data + d->start, d->room.size - d->start), out);
}
