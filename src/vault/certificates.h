/*
 * Certificates: what the API's certificate operations do beyond what all objects do (object.h).
 *
 * A certificate's version is three objects of one name and id: the certificate, the key that it is
 * for and a secret with both (PKCS#12 under the empty password, or PEM). Key and secret are
 * "managed": they come, change state and go with the certificate only. All three are committed
 * together.
 *
 * A certificate is made by a pending operation: its key is there (sealed, in the operation) and a
 * request for it; then the hub signs, or the client merges what another authority signed. What the
 * hub signs is completed at once; what was cut off is completed by the scheduler.
 *
 * Any thread, after vault_ready(). What changes something belongs to the slow lane.
 */
#ifndef VAULT_CERTIFICATES_H
#define VAULT_CERTIFICATES_H

#include "base/codec.h"
#include "vault/cert_policy.h"
#include "vault/object.h"

#include <stdatomic.h>

struct key_material;

#define CERT_BACKUP_MAX (23 * 1024 * 1024) /* bytes: as base64, within what json_read() takes */
#define CERT_BACKDATED 600                 /* seconds: clocks of those who check it may be behind */

struct certificate_version {
  struct version base;
  struct buf cer;        /* DER; empty: not issued yet */
  _Atomic bool notified; /* its near expiry was reported */
};
static inline struct certificate_version *certificate_version_of(const struct version *v) {
  return (struct certificate_version *)v;
}

enum cert_status { CERT_IN_PROGRESS, CERT_COMPLETED, CERT_FAILED };

struct certificate_pending {
  enum cert_status status;
  bool cancel; /* was asked for */
  char version[OBJECT_VERSION_SIZE + 1], request_id[OBJECT_VERSION_SIZE + 1];
  char issuer[CERT_ISSUER_MAX + 1];
  bool enabled;            /* what the version will be */
  struct buf policy;       /* what it is made like, whatever the certificate's becomes meanwhile */
  char oid[GUID_SIZE + 1]; /* for whom: the hub's authority issues to whom that may */
  struct buf csr;          /* DER */
  struct buf tags;
  struct buf error;              /* text, of CERT_FAILED */
  struct key_material *material; /* the key; until completed */
};

/* What a certificate has beside its versions, at one moment: immutable, counted. */
struct certificate_state {
  _Atomic unsigned refs;
  struct buf policy;              /* cert_policy.text */
  char policy_oid[GUID_SIZE + 1]; /* who set it: renewals are for them */
  int64_t policy_created, policy_updated;
  struct cert_trigger renew, email; /* of the policy */
  bool keep_order;                  /* of chains: preserveCertOrder */
  uint64_t settles_at_us;           /* tests: monotonic time from which the hub completes */
  bool has_pending;
  struct certificate_pending pending;
};
void certificate_state_free(struct certificate_state *s); /* gives a share back */
CLEANUP(certificate_state, struct certificate_state *, certificate_state_free)

/* Of a name, deleted or not; NULL when there is none. A share. */
struct certificate_state *certificates_state(struct vault *v, const char *name);

struct certificate_request {
  struct object_request base;
  const struct cert_policy *policy;
  bool keep_policy; /* of create: policy is the certificate's, as it was read before */
  bool keep_order;
  const char *oid; /* the caller's */
};
/* Begins the making of a version; *out shows it as it began, in progress. REFUSEd when the issuer
 * would not issue it to that caller, or while another operation is in progress (ERR_CONFLICT). */
err_t certificates_create(struct vault *v, const char *name, const struct certificate_request *rq,
                          struct certificate_state **out);
/* A version from a key and its chain. */
err_t certificates_import(struct vault *v, const char *name, const struct certificate_request *rq,
                          struct key *key, const struct cert_chain *chain, struct version **out);
/* Completes the pending operation with what another authority issued: certificates in any order. */
err_t certificates_merge(struct vault *v, const char *name, const struct bytes *ders, size_t count,
                         const struct object_request *rq, struct version **out);
/* State, of the three objects, and tags; policy: a JSON object, or NULL; oid: the caller's. */
err_t certificates_update(struct vault *v, const char *name, const char *version,
                          const struct object_request *rq, json_t *policy, const char *oid,
                          struct version **out);
err_t certificates_update_policy(struct vault *v, const char *name, json_t *given, const char *oid,
                                 struct certificate_state **out);

/* ERR_PENDING_NOT_FOUND when there is no operation. Completes it first if the hub can. */
err_t certificates_pending(struct vault *v, const char *name, struct certificate_state **out);
/* Asks for cancellation: from then on it is not completed. ERR_CONFLICT once it has ended. */
err_t certificates_cancel(struct vault *v, const char *name, struct certificate_state **out);
/* Forgets the operation; *out is what it was. */
err_t certificates_delete_pending(struct vault *v, const char *name,
                                  struct certificate_state **out);

/* Who signs for the issuer "Hub": the hub's authority, behind the calls that a vault needs. */
struct cert_authority {
  void *ctx;
  /* OK when that identity may have such a certificate, else REFUSEs. */
  err_t (*check)(void *ctx, const char *oid, const struct cert_profile *says);
  err_t (*issue)(void *ctx, const char *oid, const struct cert_profile *says, const struct key *key,
                 struct cert_chain *out);
  /* What was issued is of no use: it is revoked. */
  void (*take_back)(void *ctx, struct bytes der);
};
void vault_set_authority(struct vault *v, const struct cert_authority *authority);

#endif
