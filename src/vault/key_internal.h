/* What the files of keys share. */
#ifndef VAULT_KEY_INTERNAL_H
#define VAULT_KEY_INTERNAL_H

#include "vault/keys.h"
#include "vault/kind.h"

/* The private part of one version, sealed, and its opened form while it is in use. Shared by all
 * snapshots of a version. */
struct key_material {
  _Atomic unsigned refs;
  enum key_type type;
  struct buf public_members;
  struct buf sealed;
  char place[OBJECT_NAME_MAX + OBJECT_VERSION_SIZE +
             2]; /* "<folded name>/<version>": what the sealed form is bound to */
  pthread_mutex_t lock;
  struct key *live; /* under lock */
  bool dead;        /* under lock: deleted, do not keep it open */
  _Atomic bool recent;
  _Atomic bool notified; /* its near expiry was reported */
};

struct key_entry {
  struct entry base;
  struct key_policy policy;
};
static inline struct key_entry *key_entry_of(const struct entry *e) {
  return (struct key_entry *)e;
}

/* key_material.c */
struct key_material *material_ref(struct key_material *m);
void material_free(struct key_material *m);
CLEANUP(material, struct key_material *, material_free)
/* Seals the key's private form for its place. */
err_t material_new(struct vault *v, const struct key *key, const char *folded, const char *version,
                   struct key_material **out);
err_t material_of(enum key_type type, struct bytes public_members, struct bytes sealed,
                  const char *folded, const char *version, struct key_material **out);
err_t material_open(struct vault *v, const struct key_material *m, struct key **out);

/* key_live.c: the opened key of a material, opened when needed. */
err_t live_init(struct live *l, unsigned room);
void live_fini(struct live *l);
err_t live_key(struct vault *v, struct key_material *m, struct key **out);
/* Closes it now and does not keep it again. */
void live_drop(struct vault *v, struct key_material *m);
void live_revive(struct key_material *m); /* recovered: it may be kept again */

/* What a key of a type can be asked to do at all, and what it is asked to by default: bits of enum
 * key_op. */
unsigned key_possible_ops(enum key_type type);
unsigned key_default_ops(enum key_type type);

/* key_due.c */
unsigned key_due(const struct entry *e, int64_t now);
err_t key_carry_out(struct vault *v, struct version *old, unsigned what, due_done *done, void *ctx);

/* key_change.c: with a freshly made key, of the latest version's spec; under the stripe. */
err_t key_rotate_entry(struct vault *v, struct entry *e, const struct key *key,
                       struct key_version **out);

#endif
