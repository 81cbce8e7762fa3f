/*
 * Recipients that are keys of the vault. A stanza holds the key's id, the algorithm, and the file
 * key as the vault wrapped it:
 *
 *   -> strongroom https://kv1.vault.corp.example:8443/keys/backups/3fd0b3d7e2fb4c1f8a9a2b8f A256KW
 *   27SLzC1pxvT/Wyk1UDeKq41XHyMEEzXS
 *
 * What people hand to age is Bech32 of a byte for the version and a text: the key's id, with or
 * without its version, or the vault's address.
 */
#include "seal/age_type.h"

#include "base/codec.h"
#include "seal/age.h"
#include "seal/bech32.h"

#include <stdio.h>
#include <strings.h>

#define VERSION 1
#define KEYS "/keys/"

/* What client_wrap() may have written; no others are asked for on a file's word. */
static const char *const algs[] = { "A256KW", "A192KW", "A128KW", "RSA-OAEP-256" };

static bool alg_known(struct bytes alg) {
  for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
    if (bytes_equal_str(alg, algs[i]))
      return true;
  return false;
}

static bool printable(struct bytes text) {
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i] < 33 || text.data[i] > 126)
      return false;
  return true;
}

/* Parts of "https://host/keys/NAME/VERSION". */
struct key_url {
  struct bytes vault, key; /* "https://host", "NAME/VERSION" */
};

static bool split_key_url(struct bytes url, struct key_url *out) {
  const uint8_t *keys = url.size ? memmem(url.data, url.size, KEYS, sizeof KEYS - 1) : NULL;
  if (!bytes_starts(url, "https://") || !keys)
    return false;
  size_t n = (size_t)(keys - url.data);
  out->vault = bytes_of(url.data, n);
  out->key = bytes_of(keys + sizeof KEYS - 1, url.size - n - (sizeof KEYS - 1));
  return n > sizeof "https://" - 1 && out->key.size && printable(url);
}

err_t age_vault_check(const struct stanza *s) {
  char id[KEY_ID_MAX] = "";
  struct key_name key;
  struct key_url url;
  size_t size = stanza_body_size(s);
  if (stanza_arg_count(s) != 3 || bytes_to_cstr(stanza_arg(s, 1), id, sizeof id) != OK ||
      !split_key_url(bytes_str(id), &url) || key_name_parse(id, &key) != OK || !*key.version)
    FAIL(ERR_DAMAGED, "age header: a strongroom stanza does not name a key");
  if (!alg_known(stanza_arg(s, 2)))
    FAIL(ERR_DAMAGED, "age header: a strongroom stanza names an algorithm that is not used");
  if (size == 0 || size > WRAPPED_MAX)
    FAIL(ERR_DAMAGED, "age header: a strongroom stanza holds %zu bytes", size);
  return OK;
}

err_t age_vault_wrap(const struct key_service *vault, const char *key, struct bytes file_key,
                     struct buf *out) {
  struct wrapped w = { 0 };
  AUTO_BUF args = BUF_EMPTY;
  TRY(vault->wrap(vault->ctx, key, file_key, &w));
  buf_printf(&args, "%s %s %s", AGE_VAULT, w.key_id, w.alg);
  TRY(buf_ok(&args));
  size_t before = out->size;
  stanza_write(buf_bytes(&args), bytes_of(w.data, w.size), out);
  TRY(buf_ok(out));
  /* Whatever the vault called its key, what is written can be read. */
  struct bytes written = bytes_of(out->data + before, out->size - before);
  struct stanza s;
  TRY(stanza_read(&written, &s));
  return age_vault_check(&s);
}

/* "https://host" without a slash, and without the port that it has anyway. */
static struct bytes plain_url(struct bytes url) {
  static const char port[] = ":443";
  while (url.size && url.data[url.size - 1] == '/')
    url.size--;
  size_t n = sizeof port - 1;
  if (url.size > n && memcmp(url.data + url.size - n, port, n) == 0)
    url.size -= n;
  return url;
}

static bool other_vault(const struct key_service *vault, struct bytes url) {
  if (!vault->url)
    return false;
  struct bytes a = plain_url(url), b = plain_url(bytes_str(vault->url));
  return a.size != b.size || strncasecmp((const char *)a.data, (const char *)b.data, a.size) != 0;
}

/* What the vault refuses to unwrap is not of that key. Where the file is of another vault, too (it
 * may be the same one by another name, but then it would have said yes), that is said; of what is
 * not found the client itself says so. */
static err_t explain(err_t e, const struct key_service *vault, struct bytes id) {
  struct key_url url;
  char why[600];
  if (e == ERR_BAD_PARAMETER || e == ERR_DECRYPT)
    REFUSE(ERR_WRONG_KEY, "the vault's key " BYTES_FMT " does not open it", BYTES_ARG(id));
  if (e != ERR_FORBIDDEN || !split_key_url(id, &url) || !other_vault(vault, url.vault))
    return e;
  (void)snprintf(why, sizeof why, "%s", err_reason(e));
  REFUSE(e,
         "%s (the file is sealed under a key of " BYTES_FMT ", and the vault that is asked is %s)",
         why, BYTES_ARG(url.vault), vault->url);
}

err_t age_vault_unwrap(const struct key_service *vault, const struct stanza *s,
                       struct secret *file_key) {
  struct wrapped w = { 0 };
  AUTO_SECRET plain = { 0 };
  AUTO_BUF body = BUF_EMPTY;
  struct bytes id = stanza_arg(s, 1);
  TRY(age_vault_check(s));
  TRY(bytes_to_cstr(id, w.key_id, sizeof w.key_id));
  TRY(bytes_to_cstr(stanza_arg(s, 2), w.alg, sizeof w.alg));
  stanza_body(s, &body);
  TRY(buf_ok(&body));
  memcpy(w.data, body.data, body.size);
  w.size = body.size;
  err_t e = vault->unwrap(vault->ctx, &w, &plain);
  if (e != OK)
    return explain(e, vault, id);
  if (plain.size != AGE_FILE_KEY)
    FAIL(ERR_DAMAGED, "age header: what %s holds is not a file key", w.key_id);
  *file_key = secret_take(&plain);
  return OK;
}

err_t age_vault_find(const struct key_service *vault, struct bytes stanzas,
                     struct secret *file_key) {
  err_t e = ERR_WRONG_KEY;
  struct stanza s;
  for (unsigned asked = 0; stanzas.size && asked < AGE_VAULT_STANZAS_MAX;) {
    TRY(stanza_read(&stanzas, &s));
    if (!stanza_is(&s, AGE_VAULT))
      continue;
    asked++;
    e = age_vault_unwrap(vault, &s, file_key);
    if (e == OK || e == ERR_NOMEM || e == ERR_AWAY || e == ERR_CONFIG)
      return e;
  }
  return e;
}

/* The text behind the version. */
static err_t read_text(struct bytes data, const char *what, struct bytes *out) {
  if (data.size < 2 || data.data[0] != VERSION)
    FAIL(ERR_BAD_PARAMETER, "this %s was made by another version of strongroom", what);
  *out = bytes_of(data.data + 1, data.size - 1);
  return OK;
}

static err_t check_vault(const struct key_service *vault, struct bytes url, const char *what) {
  if (other_vault(vault, url))
    FAIL(ERR_BAD_PARAMETER,
         "this %s is of the vault " BYTES_FMT ", but the one that is asked is %s (KEY_VAULT_URL)",
         what, BYTES_ARG(url), vault->url);
  return OK;
}

err_t age_vault_recipient(const struct key_service *vault, struct bytes data,
                          char key[static KEY_ID_MAX]) {
  struct bytes text;
  struct key_url url;
  TRY(read_text(data, "recipient", &text));
  struct key_name name;
  if (!split_key_url(text, &url) || bytes_to_cstr(url.key, key, KEY_ID_MAX) != OK ||
      key_name_parse(key, &name) != OK)
    FAIL(ERR_BAD_PARAMETER, "this recipient does not name a key");
  return check_vault(vault, url.vault, "recipient");
}

err_t age_vault_identity(const struct key_service *vault, struct bytes data) {
  struct bytes text;
  if (data.size == 0)
    return OK; /* "age -j strongroom": whatever vault is configured */
  TRY(read_text(data, "identity", &text));
  if (!bytes_starts(text, "https://") || !printable(text))
    FAIL(ERR_BAD_PARAMETER, "this identity does not name a vault");
  return check_vault(vault, text, "identity");
}

static err_t write_text(const char *prefix, const char *text, struct buf *out) {
  AUTO_BUF data = BUF_EMPTY;
  buf_put_char(&data, VERSION);
  buf_put_str(&data, text);
  TRY(buf_ok(&data));
  bech32_encode(prefix, buf_bytes(&data), out);
  return buf_ok(out);
}

err_t age_write_recipient(const char *key_id, struct buf *out) {
  struct key_url url;
  struct key_name name;
  if (strlen(key_id) >= KEY_ID_MAX || !split_key_url(bytes_str(key_id), &url) ||
      key_name_parse(key_id, &name) != OK)
    FAIL(ERR_BAD_PARAMETER, "%s is not the id of a key", key_id);
  return write_text(AGE_VAULT_PREFIX, key_id, out);
}

err_t age_write_identity(const char *vault_url, struct buf *out) {
  size_t from = out->size;
  if (!bytes_starts(bytes_str(vault_url), "https://"))
    FAIL(ERR_BAD_PARAMETER, "%s is not the address of a vault", vault_url);
  TRY(write_text(AGE_VAULT_IDENTITY_PREFIX, vault_url, out));
  for (size_t i = from; i < out->size; i++)
    if (out->data[i] >= 'a' && out->data[i] <= 'z')
      out->data[i] &= (uint8_t)~32;
  return OK;
}
