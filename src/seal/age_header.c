#include "seal/age_header.h"

#include "base/codec.h"

#define NAME "age-encryption.org/"
#define VERSION NAME "v1\n"
#define MARK "---"
#define MARK_SIZE 3
#define MAC_TEXT B64URL_SIZE(SHA256_SIZE)
_Static_assert(MARK_SIZE + 1 + MAC_TEXT + 1 == AGE_HEADER_END, "the MAC's line");

/* text and what is expected at its start agree as far as text goes. */
static bool agrees(struct bytes text, const char *expected) {
  size_t n = strlen(expected);
  return text.size == 0 || memcmp(text.data, expected, text.size < n ? text.size : n) == 0;
}

bool age_header_looks_like(struct bytes text) {
  return text.size && agrees(text, NAME);
}

static err_t check_version(struct bytes *text) {
  size_t n = strlen(VERSION);
  if (text->size == 0)
    FAIL(ERR_TRUNCATED, "age header: there is none");
  if (!agrees(*text, NAME))
    FAIL(ERR_NOT_SEALED, "age header: this is no age file");
  if (!agrees(*text, VERSION))
    FAIL(ERR_DAMAGED, "age header: of a version other than v1, or its line was changed");
  if (text->size < n)
    FAIL(ERR_TRUNCATED, "age header: ends within its first line");
  *text = bytes_of(text->data + n, text->size - n);
  return OK;
}

/* rest: from the mark on. */
static err_t read_mac(struct bytes rest, struct age_header *out) {
  size_t n = 0;
  if (rest.size > MARK_SIZE && rest.data[MARK_SIZE] != ' ')
    FAIL(ERR_DAMAGED, "age header: no blank before its MAC");
  size_t known = rest.size < AGE_HEADER_END - 1 ? rest.size : AGE_HEADER_END - 1;
  if (memchr(rest.data, '\n', known))
    FAIL(ERR_DAMAGED, "age header: its MAC is too short");
  if (rest.size < AGE_HEADER_END)
    FAIL(ERR_TRUNCATED, "age header: ends within its MAC");
  if (rest.data[AGE_HEADER_END - 1] != '\n' ||
      b64raw_decode(bytes_of(rest.data + MARK_SIZE + 1, MAC_TEXT), out->mac, sizeof out->mac, &n) !=
        OK)
    FAIL(ERR_DAMAGED, "age header: its MAC is too long or not base64");
  return OK;
}

err_t age_header_read(struct bytes text, struct age_header *out) {
  struct age_header h = { 0 };
  struct stanza s;
  struct bytes rest = text;
  TRY(check_version(&rest));
  const uint8_t *stanzas = rest.data;
  while (!(rest.size >= MARK_SIZE && agrees(rest, MARK))) {
    if (rest.size < MARK_SIZE && agrees(rest, MARK))
      FAIL(ERR_TRUNCATED, "age header: ends without a MAC");
    TRY(stanza_read(&rest, &s));
  }
  if (rest.data == stanzas)
    FAIL(ERR_DAMAGED, "age header: it has no stanza");
  TRY(read_mac(rest, &h));
  h.stanzas = bytes_of(stanzas, (size_t)(rest.data - stanzas));
  h.under_mac = bytes_of(text.data, (size_t)(rest.data - text.data) + MARK_SIZE);
  h.size = h.under_mac.size + AGE_HEADER_END - MARK_SIZE;
  *out = h;
  return OK;
}

size_t age_header_missing(struct bytes text, size_t *line) {
  if (text.size && !agrees(text, NAME))
    return 0;
  for (;;) {
    struct bytes rest = bytes_of(text.data + *line, text.size - *line), head;
    struct bytes next = bytes_split(rest, '\n', &head);
    if (next.data && bytes_starts(head, MARK))
      return 0;
    if (!next.data && agrees(head, MARK)) /* its last line, as far as can be told */
      return head.size < AGE_HEADER_END ? AGE_HEADER_END - head.size : 1;
    if (!next.data)
      return 1 + AGE_HEADER_END;
    *line = text.size - next.size;
  }
}

static err_t mac_of(struct bytes text, struct bytes file_key, uint8_t out[static SHA256_SIZE]) {
  AUTO_SECRET key = { 0 };
  TRY(crypto_hkdf(file_key, "header", SHA256_SIZE, &key));
  return crypto_hmac_sha256(secret_bytes(&key), text, out);
}

err_t age_header_verify(const struct age_header *h, struct bytes file_key) {
  uint8_t mac[SHA256_SIZE];
  TRY(mac_of(h->under_mac, file_key, mac));
  if (!crypto_equal(bytes_of(mac, sizeof mac), bytes_of(h->mac, sizeof h->mac)))
    FAIL(ERR_DAMAGED, "age header's MAC: it is not the header that was written");
  return OK;
}

void age_header_begin(struct buf *out) {
  buf_put_str(out, VERSION);
}

err_t age_header_end(struct bytes file_key, struct buf *out) {
  uint8_t mac[SHA256_SIZE];
  buf_put_str(out, MARK);
  TRY(buf_ok(out));
  TRY(mac_of(buf_bytes(out), file_key, mac));
  buf_put_char(out, ' ');
  buf_put_b64raw(out, bytes_of(mac, sizeof mac));
  buf_put_char(out, '\n');
  return buf_ok(out);
}
