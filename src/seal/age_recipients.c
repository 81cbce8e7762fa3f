/* Who may open: recipients, and the header for them. */
#include "seal/age_key.h"
#include "seal/bech32.h"

#include <strings.h>

struct recipient {
  enum { TO_X25519, TO_HYBRID, TO_KEY, TO_PASSPHRASE } kind;
  uint8_t public[XWING_PUBLIC]; /* X25519_SIZE of it for TO_X25519 */
  struct key_service vault;
  char key[KEY_ID_MAX];
  struct secret passphrase;
};
struct age_recipients {
  struct recipient *list;
  size_t count;
};

err_t age_recipients_new(struct age_recipients **out) {
  struct age_recipients *r = mem_zalloc(sizeof *r);
  if (!r)
    return ERR_NOMEM;
  *out = r;
  return OK;
}

void age_recipients_free(struct age_recipients *r) {
  for (size_t i = 0; i < r->count; i++)
    secret_free(&r->list[i].passphrase);
  mem_free(r->list);
  mem_free(r);
}

static bool has(const struct age_recipients *r, int kind) {
  for (size_t i = 0; i < r->count; i++)
    if ((int)r->list[i].kind == kind)
      return true;
  return false;
}

/* A passphrase vouches for who wrote a file, as the specification has it: nobody else may. */
static err_t add(struct age_recipients *r, const struct recipient *one) {
  if (r->count && (one->kind == TO_PASSPHRASE || r->list[0].kind == TO_PASSPHRASE))
    FAIL(ERR_BAD_PARAMETER, "a passphrase can't be combined with other recipients");
  if ((one->kind == TO_HYBRID && has(r, TO_X25519)) ||
      (one->kind == TO_X25519 && has(r, TO_HYBRID)))
    return age_hybrid_refuse("an age1.. recipient");
  struct recipient *list = mem_realloc(r->list, (r->count + 1) * sizeof *list);
  if (!list)
    return ERR_NOMEM;
  r->list = list;
  list[r->count++] = *one;
  return OK;
}

err_t age_recipients_add_key(struct age_recipients *r, const struct key_service *vault,
                             const char *key) {
  struct recipient one = { .kind = TO_KEY, .vault = *vault };
  if (bytes_to_cstr(bytes_str(key), one.key, sizeof one.key) != OK)
    FAIL(ERR_BAD_PARAMETER, "no key has so long a name");
  return add(r, &one);
}

err_t age_recipients_add_passphrase(struct age_recipients *r, struct bytes passphrase) {
  struct recipient one = { .kind = TO_PASSPHRASE };
  TRY(secret_copy(passphrase, &one.passphrase));
  err_t e = add(r, &one);
  if (e != OK)
    secret_free(&one.passphrase);
  return e;
}

/* What a text is that is no recipient of ours, as far as can be told. */
static err_t refuse(struct bytes text, const char *prefix) {
  static const char plugin[] = "age1";
  size_t n = sizeof plugin - 1;
  if (strncmp(prefix, plugin, n) == 0 && prefix[n])
    FAIL(ERR_BAD_PARAMETER, "age-plugin-%s is not known here: give this recipient to age itself",
         prefix + n);
  if (strncmp(prefix, "age-", 4) == 0)
    FAIL(ERR_BAD_PARAMETER, "this is an identity, which opens files: files are sealed to a "
                            "recipient, \"age1..\"");
  if (bytes_starts(text, "ssh-"))
    FAIL(ERR_BAD_PARAMETER, "SSH keys are no recipients here: give this one to age itself");
  FAIL(ERR_BAD_PARAMETER, "this is not an age recipient, \"age1..\"");
}

err_t age_recipients_add(struct age_recipients *r, const struct key_service *vault,
                         const char *recipient) {
  char prefix[BECH32_PREFIX_MAX + 1] = "";
  struct recipient one = { .kind = TO_X25519 };
  AUTO_BUF data = BUF_EMPTY;
  bool upper = false, age = strncasecmp(recipient, "age", 3) == 0;
  err_t e = bech32_decode(bytes_str(recipient), prefix, &data, &upper);
  if (e == ERR_BAD_PARAMETER && !age)
    return refuse(bytes_str(recipient), "");
  TRY(e);
  if (strcmp(prefix, AGE_X25519_PREFIX) == 0 && data.size == X25519_SIZE && !upper) {
    memcpy(one.public, data.data, X25519_SIZE);
    return add(r, &one);
  }
  if (strcmp(prefix, AGE_HYBRID_PREFIX) == 0 && data.size == XWING_PUBLIC && !upper) {
    memcpy(one.public, data.data, XWING_PUBLIC);
    TRY(mlkem_check(one.public));
    one.kind = TO_HYBRID;
    return add(r, &one);
  }
  if (strcmp(prefix, AGE_VAULT_PREFIX) != 0 || upper)
    return refuse(bytes_str(recipient), prefix);
  if (!vault)
    FAIL(ERR_BAD_PARAMETER, "this recipient is a key of a vault, and there is none to ask");
  one.kind = TO_KEY;
  one.vault = *vault;
  TRY(age_vault_recipient(vault, buf_bytes(&data), one.key));
  return add(r, &one);
}

static err_t wrap_for(const struct recipient *one, struct bytes file_key, struct buf *out) {
  switch (one->kind) {
  case TO_X25519:
    return age_x25519_wrap(one->public, file_key, out);
  case TO_HYBRID:
    return age_hybrid_wrap(one->public, file_key, out);
  case TO_KEY:
    return age_vault_wrap(&one->vault, one->key, file_key, out);
  default:
    return age_scrypt_wrap(secret_bytes(&one->passphrase), file_key, out);
  }
}

err_t age_wrap(const struct age_recipients *r, struct secret *file_key, struct buf *out) {
  AUTO_SECRET key = { 0 };
  AUTO_BUF header = BUF_EMPTY;
  if (r->count == 0)
    FAIL(ERR_BAD_PARAMETER, "an age file needs a recipient");
  TRY(secret_random(AGE_FILE_KEY, &key));
  age_header_begin(&header);
  size_t begin = header.size;
  for (size_t i = 0; i < r->count; i++)
    TRY(wrap_for(&r->list[i], secret_bytes(&key), &header));
  /* Which kind of key the vault has, it told just now. */
  TRY(age_hybrid_unmixed(bytes_of(header.data + begin, header.size - begin)));
  TRY(age_header_end(secret_bytes(&key), &header));
  buf_put_bytes(out, buf_bytes(&header));
  TRY(buf_ok(out));
  *file_key = secret_take(&key);
  return OK;
}
