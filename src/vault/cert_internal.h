/* What the files of certificates share. */
#ifndef VAULT_CERT_INTERNAL_H
#define VAULT_CERT_INTERNAL_H

#include "vault/issuers.h"
#include "vault/key_internal.h"

struct certificate_entry {
  struct entry base;
  struct certificate_state *state;
};
static inline struct certificate_entry *certificate_entry_of(const struct entry *e) {
  return (struct certificate_entry *)e;
}

static inline bool certificate_issued(const struct version *v) {
  return certificate_version_of(v)->cer.size > 0;
}

/* cert_state.c */
struct certificate_state *certificate_state_ref(struct certificate_state *s);
err_t state_new(struct certificate_state **out);
/* A copy, to be changed before anyone else sees it; without the operation unless asked for. */
err_t state_copy(const struct certificate_state *from, bool pending,
                 struct certificate_state **out);
/* A copy whose operation has ended so: its key is no longer in it. */
err_t state_ended(const struct certificate_state *from, enum cert_status status,
                  struct certificate_state **out);
err_t state_set_policy(struct certificate_state *s, const struct cert_policy *policy,
                       const char *oid);
void state_put(const struct certificate_state *s, struct buf *out);
err_t state_get(struct unpack *u, const char *folded, struct certificate_state **out);
/* Is an operation under way? */
bool state_in_progress(const struct certificate_state *s);
/* Commits versions (may be none) with the name's next state, which is shown as theirs. */
err_t state_commit(struct vault *v, const char *folded, struct version *const *versions,
                   size_t count, struct certificate_state *next);

/* cert_begin.c: under the stripe. */
struct certificate_begin {
  const struct cert_policy *policy;
  const struct key *key;
  struct bytes csr, tags;
  bool enabled, keep_order;
  bool keep_policy; /* the certificate's own one, which must still be this; else it is set */
  const char *oid;
};
/* REFUSEs while an operation is in progress, or when the name is not free. */
err_t certificate_may_begin(struct vault *v, const char *name, const char *folded,
                            const struct certificate_begin *b);
err_t certificate_begin(struct vault *v, const char *name, const char *folded,
                        const struct certificate_begin *b, struct certificate_state **out);
/* The key that the policy asks for: a new one, or that of the latest version. Not under the stripe.
 */
err_t certificate_key(struct vault *v, const char *folded, const struct cert_policy *policy,
                      struct key **out);

/* cert_issue.c: under the stripe. */
/* What makes a version: three objects of one id. */
struct certificate_parts {
  const char *name, *folded, *id; /* id: of a version that is there and not issued, or a new one */
  const struct cert_policy *policy;
  struct key_material *material; /* sealed for the name and the id */
  const struct key *key;
  const struct cert_chain *chain;
  const struct object_request *rq;
  struct certificate_state *next; /* the state from then on */
};
err_t certificate_finish(struct vault *v, const struct certificate_parts *p, struct version **out);
/* What a certificate of the policy says that is issued now. Points into the policy. */
err_t policy_says(const struct cert_policy *policy, struct cert_profile *out);
/* Whether the hub is to complete the operation, now. */
bool certificate_completable(const struct certificate_state *s);
/* Completes it. After an error it is in progress still, or CERT_FAILED if the authority refused.
 * *out may be NULL. */
err_t certificate_complete(struct vault *v, struct entry *e, struct version **out);
bool issuer_is(const char *issuer, const char *known);
bool issuer_signs(const char *issuer); /* the hub does, itself */
/* OK when someone can issue it: the hub, to that identity, or the client by a merge. */
err_t issuer_check(struct vault *v, const struct cert_policy *policy, const char *oid);

/* cert_due.c */
unsigned certificate_due(const struct entry *e, int64_t now);
err_t certificate_carry_out(struct vault *v, struct version *old, unsigned what, due_done *done,
                            void *ctx);

#endif
