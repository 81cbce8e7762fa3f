#include "seal/header.h"

#include <string.h>

/* Of a slot. */
#define MAGIC_SIZE 8
#define VERSION 1
#define DIGEST_AT (HEADER_SLOT - SHA256_SIZE)

static const uint8_t magic[MAGIC_SIZE] = { 'S', 'R', 'S', 'E', 'A', 'L', 0, VERSION };

/* The algorithm's byte is its place here plus one: new ones go to the end. */
static const char *const algorithms[] = { "A256KW", "A192KW", "A128KW", "RSA-OAEP-256" };
#define ALGORITHM_COUNT (sizeof algorithms / sizeof *algorithms)

static uint8_t algorithm_number(const char *name) {
  for (size_t i = 0; i < ALGORITHM_COUNT; i++)
    if (strcmp(name, algorithms[i]) == 0)
      return (uint8_t)(i + 1);
  return 0;
}

/* What is written, and shown to people: no controls, no blanks. */
static bool is_key_id(struct bytes id) {
  for (size_t i = 0; i < id.size; i++)
    if (id.data[i] <= ' ' || id.data[i] > '~')
      return false;
  return id.size > 0 && id.size < KEY_ID_MAX;
}

static void put_u16(uint8_t **at, size_t v) {
  *(*at)++ = (uint8_t)(v >> 8);
  *(*at)++ = (uint8_t)v;
}

static void put_field(uint8_t **at, struct bytes v) {
  put_u16(at, v.size);
  memcpy(*at, v.data, v.size);
  *at += v.size;
}

err_t header_write_slot(const struct header *h, uint8_t out[static HEADER_SLOT]) {
  const struct wrapped *w = &h->wrapped;
  uint8_t algorithm = algorithm_number(w->alg), *at = out;
  if (!algorithm)
    FAIL(ERR_BAD_PARAMETER, "no header can name the algorithm %s", w->alg);
  if (!is_key_id(bytes_str(w->key_id)))
    FAIL(ERR_BAD_PARAMETER, "no header can hold this key id");
  if (w->size == 0 || w->size > WRAPPED_MAX)
    FAIL(ERR_BAD_PARAMETER, "no header can hold %zu bytes of wrapped key", w->size);
  memset(out, 0, HEADER_SLOT);
  memcpy(at, magic, MAGIC_SIZE);
  at += MAGIC_SIZE;
  *at++ = (uint8_t)h->kind;
  *at++ = algorithm;
  put_u16(&at, h->generation >> 16);
  put_u16(&at, h->generation & 0xffff);
  put_field(&at, bytes_str(w->key_id));
  put_field(&at, bytes_of(w->data, w->size));
  return crypto_sha256(bytes_of(out, DIGEST_AT), out + DIGEST_AT);
}

err_t header_write(const struct header *h, uint8_t out[static HEADER_SIZE]) {
  TRY(header_write_slot(h, out));
  memcpy(out + HEADER_SLOT, out, HEADER_SLOT);
  return OK;
}

/* The first count bytes of rest, which they are taken off; data NULL when it has not as many. */
static struct bytes take(struct bytes *rest, size_t count) {
  if (rest->size < count)
    return (struct bytes){ 0 };
  struct bytes taken = bytes_of(rest->data, count);
  *rest = bytes_of(rest->data + count, rest->size - count);
  return taken;
}

static struct bytes take_field(struct bytes *rest) {
  struct bytes n = take(rest, 2);
  return n.data ? take(rest, (size_t)n.data[0] << 8 | n.data[1]) : n;
}

static bool all_zero(struct bytes v) {
  uint8_t any = 0;
  for (size_t i = 0; i < v.size; i++)
    any |= v.data[i];
  return any == 0;
}

/* What a slot says, its digest being right. NULL, or what is wrong with it. */
static const char *parse(struct bytes slot, struct header *out) {
  struct bytes rest = bytes_of(slot.data, DIGEST_AT);
  take(&rest, MAGIC_SIZE);
  struct bytes fixed = take(&rest, 6), id = take_field(&rest), key = take_field(&rest);
  const uint8_t *f = fixed.data;
  *out = (struct header){ .kind = (enum header_kind)f[0] };
  if (f[0] != HEADER_STREAM && f[0] != HEADER_LOG)
    return "its kind is not known";
  if (f[1] == 0 || f[1] > ALGORITHM_COUNT)
    return "its algorithm is not known";
  if (!id.data || !is_key_id(id))
    return "its key id is none";
  if (!key.data || key.size == 0 || key.size > WRAPPED_MAX)
    return "its wrapped key is none";
  if (!all_zero(rest))
    return "there is more in it";
  out->generation = (uint32_t)f[2] << 24 | (uint32_t)f[3] << 16 | (uint32_t)f[4] << 8 | f[5];
  memcpy(out->wrapped.key_id, id.data, id.size);
  memcpy(out->wrapped.alg, algorithms[f[1] - 1], strlen(algorithms[f[1] - 1]) + 1);
  memcpy(out->wrapped.data, key.data, key.size);
  out->wrapped.size = key.size;
  return NULL;
}

static bool has_magic(struct bytes data, size_t at, size_t size) {
  return data.size >= at + size && memcmp(data.data + at, magic, size) == 0;
}

bool header_looks_like(struct bytes start) {
  return has_magic(start, 0, MAGIC_SIZE) || has_magic(start, HEADER_SLOT, MAGIC_SIZE);
}

/* *why: NULL when the slot is right. */
static err_t read_slot(struct bytes data, unsigned slot, struct header *out, const char **why) {
  struct bytes whole = bytes_of(data.data + (size_t)slot * HEADER_SLOT, HEADER_SLOT);
  uint8_t digest[SHA256_SIZE];
  *why = "it does not begin as one";
  if (!has_magic(whole, 0, MAGIC_SIZE))
    return OK;
  TRY(crypto_sha256(bytes_of(whole.data, DIGEST_AT), digest));
  if (memcmp(digest, whole.data + DIGEST_AT, SHA256_SIZE) != 0)
    *why = "its digest is not right";
  else
    *why = parse(whole, out);
  out->slot = slot;
  return OK;
}

static err_t refuse(struct bytes data) {
  if (data.size >= MAGIC_SIZE && has_magic(data, 0, MAGIC_SIZE - 1))
    FAIL(ERR_NOT_SEALED, "sealed in version %u of the format, which is not known here",
         data.data[MAGIC_SIZE - 1]);
  FAIL(ERR_NOT_SEALED, "it does not begin as a sealed file does");
}

err_t header_read(struct bytes data, struct header *out) {
  struct header slots[2];
  const char *why[2] = { "", "" };
  if (!header_looks_like(data))
    return refuse(data);
  if (data.size < HEADER_SIZE)
    FAIL(ERR_TRUNCATED, "it ends within its header, after %zu bytes", data.size);
  for (unsigned i = 0; i < 2; i++)
    TRY(read_slot(data, i, &slots[i], &why[i]));
  if (why[0] && why[1])
    FAIL(ERR_DAMAGED, "neither half of the header is right: of the first, %s; of the second, %s",
         why[0], why[1]);
  bool second = why[0] || (!why[1] && slots[1].generation > slots[0].generation);
  *out = slots[second];
  return OK;
}
