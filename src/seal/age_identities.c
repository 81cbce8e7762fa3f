/* Who opens: identities, and the file key that one of them finds in a header. */
#include "seal/age_key.h"
#include "seal/bech32.h"

#include <stdio.h>

struct age_identities {
  struct age_x25519 *list;
  size_t count;
  struct secret *hybrid; /* seeds */
  size_t hybrids;
  bool has_vault;
  struct key_service vault;
  age_ask_passphrase *ask;
  void *ask_ctx;
};

err_t age_identities_new(struct age_identities **out) {
  struct age_identities *i = mem_zalloc(sizeof *i);
  if (!i)
    return ERR_NOMEM;
  *out = i;
  return OK;
}

void age_identities_free(struct age_identities *i) {
  for (size_t n = 0; n < i->count; n++)
    secret_free(&i->list[n].private);
  for (size_t n = 0; n < i->hybrids; n++)
    secret_free(&i->hybrid[n]);
  mem_free(i->list);
  mem_free(i->hybrid);
  mem_free(i);
}

err_t age_identities_add_vault(struct age_identities *i, const struct key_service *vault) {
  i->has_vault = true;
  i->vault = *vault;
  return OK;
}

void age_identities_on_passphrase(struct age_identities *i, age_ask_passphrase *ask, void *ctx) {
  i->ask = ask;
  i->ask_ctx = ctx;
}

static err_t add_x25519(struct age_identities *i, struct bytes private) {
  struct age_x25519 *list = mem_realloc(i->list, (i->count + 1) * sizeof *list);
  if (!list)
    return ERR_NOMEM;
  i->list = list;
  struct age_x25519 *one = &list[i->count];
  *one = (struct age_x25519){ 0 };
  TRY(x25519_public(private, one->public));
  TRY(secret_copy(private, &one->private));
  i->count++;
  return OK;
}

static err_t add_hybrid(struct age_identities *i, struct bytes seed) {
  struct secret *list = mem_realloc(i->hybrid, (i->hybrids + 1) * sizeof *list);
  if (!list)
    return ERR_NOMEM;
  i->hybrid = list;
  TRY(secret_copy(seed, &list[i->hybrids]));
  i->hybrids++;
  return OK;
}

/* The line is a secret: no reason repeats any of it. */
static err_t add_line(struct age_identities *i, const struct key_service *vault,
                      struct bytes line) {
  static const char plugin[] = "age-plugin-";
  char prefix[BECH32_PREFIX_MAX + 1] = "";
  AUTO_BUF data = BUF_EMPTY;
  bool upper = false;
  if (bytes_starts(line, "age1"))
    FAIL(ERR_BAD_PARAMETER,
         "this is a recipient, which files are sealed to; an identity opens them");
  if (!bytes_starts(line, "AGE-"))
    FAIL(ERR_BAD_PARAMETER, "this is not an age identity, \"AGE-..\"");
  TRY(bech32_decode(line, prefix, &data, &upper));
  if (strcmp(prefix, AGE_X25519_SECRET_PREFIX) == 0 && data.size == X25519_SIZE)
    return add_x25519(i, buf_bytes(&data));
  if (strcmp(prefix, AGE_HYBRID_SECRET_PREFIX) == 0 && data.size == XWING_SEED)
    return add_hybrid(i, buf_bytes(&data));
  if (strcmp(prefix, AGE_VAULT_IDENTITY_PREFIX) == 0) {
    if (!vault)
      FAIL(ERR_BAD_PARAMETER, "this identity is a vault, and there is none to ask");
    TRY(age_vault_identity(vault, buf_bytes(&data)));
    return age_identities_add_vault(i, vault);
  }
  if (strncmp(prefix, plugin, sizeof plugin - 1) == 0)
    FAIL(ERR_BAD_PARAMETER, "%.*s is not known here: open the file with age itself",
         (int)strlen(prefix) - 1, prefix);
  FAIL(ERR_BAD_PARAMETER, "this kind of age identity is not known here");
}

err_t age_identities_add_file(struct age_identities *i, const struct key_service *vault,
                              struct bytes text, const char *origin) {
  size_t number = 0, found = 0;
  if (age_looks_like(text))
    FAIL(ERR_BAD_PARAMETER, "%s is sealed itself: open it first", origin);
  while (text.data) {
    struct bytes line;
    text = bytes_split(text, '\n', &line);
    number++;
    if (line.size && line.data[line.size - 1] == '\r')
      line.size--;
    line = bytes_trim(line);
    if (line.size == 0 || line.data[0] == '#')
      continue;
    err_t e = add_line(i, vault, line);
    if (e == ERR_BAD_PARAMETER) {
      char why[256];
      (void)snprintf(why, sizeof why, "%s", err_reason(e));
      REFUSE(e, "%s, line %zu: %s", origin, number, why);
    }
    TRY(e);
    found++;
  }
  if (!found)
    FAIL(ERR_BAD_PARAMETER, "%s has no identity", origin);
  return OK;
}

static err_t check_one(const struct stanza *s) {
  static const struct {
    const char *type;
    err_t (*check)(const struct stanza *s);
  } types[] = {
    { AGE_X25519, age_x25519_check },
    { AGE_HYBRID, age_hybrid_check },
    { AGE_SCRYPT, age_scrypt_check },
    { AGE_VAULT, age_vault_check },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (stanza_is(s, types[i].type))
      return types[i].check(s);
  return OK;
}

err_t age_check_stanzas(struct bytes stanzas) {
  size_t count = 0, scrypt = 0;
  struct stanza s;
  while (stanzas.size) {
    TRY(stanza_read(&stanzas, &s));
    TRY(check_one(&s));
    scrypt += stanza_is(&s, AGE_SCRYPT);
    count++;
  }
  if (scrypt && count > 1)
    FAIL(ERR_DAMAGED, "age header: a passphrase has to be the only recipient");
  return OK;
}

/* The next stanza of a type; false: there are no more. */
static bool next(struct bytes *stanzas, const char *type, struct stanza *out) {
  while (stanzas->size && stanza_read(stanzas, out) == OK)
    if (stanza_is(out, type))
      return true;
  return false;
}

static err_t by_passphrase(const struct age_identities *i, const struct stanza *s,
                           struct secret *file_key) {
  AUTO_SECRET passphrase = { 0 };
  if (!i->ask)
    FAIL(ERR_WRONG_KEY, "the file is under a passphrase, and none was given");
  TRY(i->ask(i->ask_ctx, &passphrase));
  err_t e = age_scrypt_unwrap(secret_bytes(&passphrase), s, file_key);
  if (e == ERR_WRONG_KEY)
    FAIL(e, "this is not the passphrase of the file");
  return e;
}

static err_t by_x25519(const struct age_identities *i, struct bytes stanzas,
                       struct secret *file_key) {
  struct stanza s;
  while (next(&stanzas, AGE_X25519, &s))
    for (size_t n = 0; n < i->count; n++) {
      err_t e = age_x25519_unwrap(&i->list[n], &s, file_key);
      if (e != ERR_WRONG_KEY)
        return e;
    }
  return ERR_WRONG_KEY;
}

static err_t by_hybrid(const struct age_identities *i, struct bytes stanzas,
                       struct secret *file_key) {
  struct stanza s;
  while (next(&stanzas, AGE_HYBRID, &s))
    for (size_t n = 0; n < i->hybrids; n++) {
      err_t e = age_hybrid_unwrap(&i->hybrid[n], &s, file_key);
      if (e != ERR_WRONG_KEY)
        return e;
    }
  return ERR_WRONG_KEY;
}

/* What the file could be opened with. */
static err_t no_match(struct bytes stanzas) {
  AUTO_BUF types = BUF_EMPTY;
  struct stanza s;
  for (unsigned n = 0; stanzas.size && n < 8 && stanza_read(&stanzas, &s) == OK; n++) {
    struct bytes type = stanza_arg(&s, 0), key = stanza_arg(&s, 1);
    buf_printf(&types, "%s%.*s", n ? ", " : "", (int)(type.size < 40 ? type.size : 40),
               (const char *)type.data);
    if (stanza_is(&s, AGE_VAULT))
      buf_printf(&types, " " BYTES_FMT, BYTES_ARG(key));
  }
  if (stanzas.size)
    buf_put_str(&types, ", ..");
  const char *text = buf_cstr(&types);
  REFUSE(ERR_WRONG_KEY, "none of the identities opens it. It is for: %s", text ? text : "?");
}

static err_t find_file_key(const struct age_identities *i, struct bytes stanzas,
                           struct secret *out) {
  struct bytes rest = stanzas;
  struct stanza s;
  if (next(&rest, AGE_SCRYPT, &s))
    return by_passphrase(i, &s, out);
  err_t e = by_x25519(i, stanzas, out);
  if (e == ERR_WRONG_KEY)
    e = by_hybrid(i, stanzas, out);
  rest = stanzas;
  if (e == ERR_WRONG_KEY && i->has_vault && next(&rest, AGE_VAULT, &s))
    return age_vault_find(&i->vault, stanzas, out);
  return e == ERR_WRONG_KEY ? no_match(stanzas) : e;
}

err_t age_unwrap(const struct age_identities *i, const struct age_header *h,
                 struct secret *file_key) {
  AUTO_SECRET key = { 0 };
  TRY(age_check_stanzas(h->stanzas));
  TRY(find_file_key(i, h->stanzas, &key));
  TRY(age_header_verify(h, secret_bytes(&key)));
  *file_key = secret_take(&key);
  return OK;
}
