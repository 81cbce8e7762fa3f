/*
 * Using a key: is the operation in key_ops, is the key enabled and in its time, does the algorithm
 * fit, then the operation itself.
 *
 * As observed of the service: a disabled key still encrypts, verifies and wraps with its public
 * part, but does not decrypt, sign or unwrap; a symmetric one has no such part and does nothing.
 * Outside nbf and exp a key still decrypts, verifies and unwraps, so that old data can be read.
 */
#include "base/clock.h"
#include "vault/key_internal.h"

#include <stdio.h>

static const struct {
  const char *name;
  enum alg_use use;
  bool makes;         /* makes new ciphertext or signatures: refused outside nbf and exp */
  bool needs_private; /* refused while disabled */
} ops[OP_COUNT] = {
  [OP_ENCRYPT] = { "encrypt", ALG_ENCRYPT, true, false },
  [OP_DECRYPT] = { "decrypt", ALG_ENCRYPT, false, true },
  [OP_SIGN] = { "sign", ALG_SIGN, true, true },
  [OP_VERIFY] = { "verify", ALG_SIGN, false, false },
  [OP_WRAP] = { "wrapKey", ALG_WRAP, true, false },
  [OP_UNWRAP] = { "unwrapKey", ALG_WRAP, false, true },
  [OP_IMPORT] = { "import", 0, false, false },
  [OP_EXPORT] = { "export", 0, false, false },
};

const char *key_op_name(enum key_op op) {
  return ops[op].name;
}

bool key_op_parse(struct bytes text, enum key_op *out) {
  for (unsigned i = 0; i < OP_COUNT; i++)
    if (bytes_equal_str(text, ops[i].name)) {
      *out = (enum key_op)i;
      return true;
    }
  return false;
}

static err_t check_allowed(const struct key_version *kv, enum key_op op) {
  const struct attributes *a = &kv->base.attributes;
  if (!(kv->ops & 1u << op))
    REFUSE(ERR_KEY_OP, "Operation %s is not permitted on this key.", ops[op].name);
  if (!a->enabled && (ops[op].needs_private || kv->spec.type == KEY_OCT))
    REFUSE(ERR_KEY_DISABLED, "Operation %s is not allowed on a disabled key.", ops[op].name);
  int64_t now = clock_now();
  if (ops[op].makes && a->has_nbf && now < a->nbf)
    REFUSE(ERR_KEY_TIME, "Operation %s is not allowed on a key that is not yet valid.",
           ops[op].name);
  if (ops[op].makes && a->has_exp && now >= a->exp)
    REFUSE(ERR_KEY_TIME, "Operation %s is not allowed on an expired key.", ops[op].name);
  return OK;
}

static err_t find_alg(const struct key_version *kv, const struct key_use *u,
                      const struct alg **out) {
  const struct alg *a = alg_find(u->alg);
  if (!a)
    return ERR_BAD_PARAMETER;
  if (!(alg_uses(a) & ops[u->op].use))
    REFUSE(ERR_BAD_PARAMETER, "Algorithm %s cannot be used to %s.", alg_name(a), ops[u->op].name);
  if (!alg_fits(a, &kv->spec))
    REFUSE(ERR_BAD_PARAMETER, "Algorithm %s does not fit this key's type or size.", alg_name(a));
  *out = a;
  return OK;
}

static err_t run(const struct alg *a, const struct key *k, struct key_use *u) {
  u->io =
    (struct alg_io){ .in = u->value, .iv = u->iv, .aad = u->aad, .tag = u->tag, .out = &u->out };
  switch (u->op) {
  case OP_ENCRYPT:
    return alg_encrypt(a, k, &u->io);
  case OP_DECRYPT:
    return alg_decrypt(a, k, &u->io);
  case OP_SIGN:
    return alg_sign(a, k, u->value, &u->out);
  case OP_VERIFY:
    return alg_verify(a, k, u->digest, u->value, &u->valid);
  case OP_WRAP:
    return alg_wrap(a, k, u->value, &u->out);
  case OP_UNWRAP:
    return alg_unwrap(a, k, u->value, &u->out);
  default:
    return ERR_INTERNAL;
  }
}

err_t keys_use(struct vault *v, const char *name, const char *version, struct key_use *u) {
  AUTO(key_version) struct key_version *kv = NULL;
  AUTO(key) struct key *key = NULL;
  const struct alg *a = NULL;
  TRY(keys_get(v, name, version, &kv));
  memcpy(u->name, kv->base.name, sizeof u->name);
  memcpy(u->version_id, kv->base.id, sizeof u->version_id);
  TRY(check_allowed(kv, u->op));
  TRY(find_alg(kv, u, &a));
  TRY(live_key(v, kv->material, &key));
  TRY(run(a, key, u));
  return buf_ok(&u->out);
}

void key_use_free(struct key_use *u) {
  buf_free(&u->out);
}

bool keys_is_slow(struct vault *v, const char *name, const char *version) {
  char folded[OBJECT_NAME_MAX + 1], id[OBJECT_NAME_MAX + 1];
  name_fold(name, folded);
  name_fold(version, id);
  READ_LOCKED(v);
  const struct entry *e = settled_entry(v, KIND_KEY, folded);
  const struct version *found = e ? entry_version(e, id) : NULL;
  const struct key_version *kv = found ? key_version_of(found) : NULL;
  return kv && kv->spec.type == KEY_RSA && kv->spec.bits > 2048;
}
