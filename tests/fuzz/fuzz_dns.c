/* An answer of a name server, to each of the questions that are asked; and one of a web server. */
#include "net/dns.h"
#include "net/plain.h"
#include "start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static err_t touch(void *ctx, struct bytes value) {
  size_t *sum = ctx;
  for (size_t i = 0; i < value.size; i++)
    *sum += value.data[i];
  return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const enum dns_type types[] = { DNS_TXT, DNS_A, DNS_AAAA };
  struct bytes message = bytes_of(data, size), body;
  size_t sum = 0;
  bool cut = false;
  int status;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const struct dns_question q = { 0x1234, "a.example", types[i] };
    IGNORE(dns_read_answer(&q, message, touch, &sum, &cut));
  }
  if (plain_parse(message, &status, &body) == OK &&
      (status < 0 || status > 999 || body.size > size))
    abort();
  return 0;
}
