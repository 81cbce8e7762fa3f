#include "seal/age_reseal.h"

#include "seal/age_armor.h"
#include "seal/age_key.h"
#include "seal/io.h"

#include <string.h>

#define LOOK 4096 /* read of a file's start at first; nearly always more than its header */

static err_t read_header(int file, struct buf *text, struct age_header *out) {
  for (size_t wanted = LOOK;; wanted *= 2) {
    size_t got, more = wanted - text->size;
    if (!buf_reserve(text, more))
      return ERR_NOMEM;
    TRY(io_read_at(file, text->size, text->data + text->size, more, &got));
    text->size += got;
    if (armor_looks_like(buf_bytes(text)))
      FAIL(ERR_BAD_PARAMETER, "an armored file can't be resealed: take the armor off first");
    err_t e = age_header_read(buf_bytes(text), out);
    if (e != ERR_TRUNCATED || got < more || wanted >= AGE_HEADER_MAX)
      return e;
  }
}

static err_t count_keys(struct bytes stanzas, size_t *keys) {
  struct stanza s;
  for (*keys = 0; stanzas.size; *keys += stanza_is(&s, AGE_VAULT))
    TRY(stanza_read(&stanzas, &s));
  if (*keys == 0)
    FAIL(ERR_WRONG_KEY, "none of its recipients is a key of the vault");
  if (*keys > AGE_VAULT_STANZAS_MAX)
    FAIL(ERR_BAD_PARAMETER, "%zu of its recipients are keys of the vault: more than %d", *keys,
         AGE_VAULT_STANZAS_MAX);
  return OK;
}

/* One of the vault's, appended anew. */
static err_t rewrap(const struct key_service *vault, const char *key, const struct stanza *s,
                    struct bytes file_key, struct age_resealed *r) {
  struct key_name name;
  struct stanza fresh;
  TRY(bytes_to_cstr(stanza_arg(s, 1), r->was, sizeof r->was));
  TRY(key_name_parse(r->was, &name));
  size_t before = r->header.size;
  TRY(age_vault_wrap(vault, key ? key : name.name, file_key, &r->header));
  struct bytes written = bytes_of(r->header.data + before, r->header.size - before);
  TRY(stanza_read(&written, &fresh));
  TRY(bytes_to_cstr(stanza_arg(&fresh, 1), r->key_id, sizeof r->key_id));
  r->changed = r->changed || strcmp(r->was, r->key_id) != 0;
  return OK;
}

static err_t make_header(const struct key_service *vault, const char *key, struct bytes stanzas,
                         struct bytes file_key, struct age_resealed *r) {
  struct stanza s;
  err_t before = age_hybrid_unmixed(stanzas);
  age_header_begin(&r->header);
  size_t begin = r->header.size;
  while (stanzas.size) {
    const uint8_t *start = stanzas.data;
    TRY(stanza_read(&stanzas, &s));
    if (stanza_is(&s, AGE_VAULT))
      TRY(rewrap(vault, key, &s, file_key, r));
    else
      buf_put(&r->header, start, (size_t)(stanzas.data - start));
  }
  TRY(buf_ok(&r->header));
  if (before == OK) /* what was mixed may stay so */
    TRY(age_hybrid_unmixed(bytes_of(r->header.data + begin, r->header.size - begin)));
  return age_header_end(file_key, &r->header);
}

err_t age_reseal(const struct key_service *vault, const char *key, int file,
                 struct age_resealed *out) {
  AUTO_BUF text = BUF_EMPTY;
  AUTO_SECRET file_key = { 0 };
  struct age_header h;
  size_t keys;
  *out = (struct age_resealed){ 0 };
  TRY(read_header(file, &text, &h));
  TRY(age_check_stanzas(h.stanzas));
  TRY(count_keys(h.stanzas, &keys));
  TRY(age_vault_find(vault, h.stanzas, &file_key));
  TRY(age_header_verify(&h, secret_bytes(&file_key)));
  if (key && keys > 1)
    FAIL(ERR_BAD_PARAMETER, "%zu of its recipients are keys of the vault: --key can't be all",
         keys);
  err_t e = make_header(vault, key, h.stanzas, secret_bytes(&file_key), out);
  if (e != OK || !out->changed)
    buf_free(&out->header);
  out->payload_at = h.size;
  return e;
}
