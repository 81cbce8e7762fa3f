/*
 * What the files of vault/ca/ share.
 *
 * Locks, in the order in which they are taken: changing (one change of authorities, grants or
 * revocations at a time, held across its commit), then lock (all that is in memory; a writer holds
 * it for a few assignments). Issuing takes changing not at all: it signs and commits without a lock
 * and then puts one entry into the index, which can't fail.
 */
#ifndef VAULT_CA_CA_INTERNAL_H
#define VAULT_CA_CA_INTERNAL_H

#include "base/codec.h"
#include "crypto/ocsp.h"
#include "identity/guid_map.h"
#include "vault/ca/ca.h"

#include <pthread.h>
#include <stdatomic.h>

#define DAY 86400ll
#define SERIAL_TEXT (2 * CERT_SERIAL_SIZE)
#define VIA_MAX 15
#define AUTHORITIES_MAX 64
#define URL_MAX 300

/* A signed revocation list, as it is served. */
struct served_crl {
  struct buf der;
  int64_t next_update;
};

/* An issuing authority, there until the end: whoever holds it needs no lock for what is constant.
 */
struct authority {
  struct authority *next_retired;
  unsigned number; /* 1, 2, .. */
  struct key *key;
  struct buf der;
  struct cert_issuer *issuer;  /* of both */
  struct cert_texts permitted; /* owned */
  int64_t not_before, not_after;
  struct ocsp_issuer hashes;
  /* What changes, under lock. */
  int64_t revoked_at; /* 0: it is not */
  struct served_crl crl;
  bool crl_stale; /* something was revoked since it was signed */
  struct ocsp_responder *responder;
  int64_t responder_until;
};
void authority_free(struct authority *a);
CLEANUP(authority, struct authority *, authority_free)

/* One that is over, or by a clock that went back has not begun, signs no answers. */
static inline bool authority_is_valid(const struct authority *a, int64_t now) {
  return a->not_before <= now && now < a->not_after;
}

struct root_authority {
  struct key *key; /* NULL: it is kept elsewhere */
  struct buf der;
  int64_t not_before, not_after;
  struct served_crl crl; /* of issuing authorities; kept with it, as its key may be elsewhere */
};

/* A certificate that was issued; constant but for its revocation, which is under lock. */
struct issued_name {
  struct issued *of;
  struct issued_name *next; /* of the same slot */
  char *text;
};
struct issued {
  struct issued *next_serial; /* of the same slot */
  struct issued *newer, *older;
  struct issued *next_revoked;
  char serial[SERIAL_TEXT + 1];
  enum ca_profile profile;
  unsigned authority;
  int64_t at, not_before, not_after; /* at: when it was issued */
  int64_t revoked_at;                /* 0: it is not */
  unsigned reason;
  char oid[GUID_SIZE + 1], via[VIA_MAX + 1];
  char *subject;
  size_t name_count;
  struct issued_name *names;
};
void issued_free(struct issued *i);
CLEANUP(issued, struct issued *, issued_free)

/* By serial, by name (case does not count) and in the order of issue. */
struct ledger {
  struct issued **serials;
  struct issued_name **names;
  size_t slots; /* a power of two */
  struct issued *newest, *oldest;
  struct issued *revoked; /* a list through next_revoked */
  size_t count, revoked_count;
};

/* What an identity may have certificates for. */
struct grant {
  char oid[GUID_SIZE + 1];
  unsigned profiles; /* bits 1 << enum ca_profile */
  struct cert_texts names;
};
void grant_free(struct grant *g);
CLEANUP(grant, struct grant *, grant_free)

struct ca {
  struct store *store;
  char url[URL_MAX], kept_url[URL_MAX];
  struct cert_texts kept_names;
  pthread_mutex_t changing;
  pthread_rwlock_t lock;
  struct root_authority root;
  struct authority *authorities[AUTHORITIES_MAX]; /* by number, the newest last */
  size_t authority_count;
  struct authority *retired; /* no longer among them, as they ended long ago */
  struct ledger ledger;
  struct guid_map grants;
  _Atomic uint64_t revision; /* counts revocations: OCSP answers from before are stale */
  struct ocsp_cache *ocsp;
  int64_t swept, warned; /* when the scheduler last looked */
};

static inline void ca_unlock_rw(pthread_rwlock_t **l) {
  pthread_rwlock_unlock(*l);
}
static inline void ca_unlock_mutex(pthread_mutex_t **l) {
  pthread_mutex_unlock(*l);
}
/* Until the end of the scope. */
#define CA_READ_LOCKED(ca) \
  __attribute__((cleanup(ca_unlock_rw), unused)) pthread_rwlock_t *rw_locked_ = &(ca)->lock; \
  pthread_rwlock_rdlock(rw_locked_)
#define CA_WRITE_LOCKED(ca) \
  __attribute__((cleanup(ca_unlock_rw), unused)) pthread_rwlock_t *rw_locked_ = &(ca)->lock; \
  pthread_rwlock_wrlock(rw_locked_)
#define CA_CHANGING(ca) \
  __attribute__((cleanup(ca_unlock_mutex), unused)) pthread_mutex_t *mutex_locked_ = \
    &(ca)->changing; \
  pthread_mutex_lock(mutex_locked_)

/* ca_authority.c */
/* The one that issues now, or of a number; NULL: none. Takes lock. */
struct authority *authority_now(struct ca *ca);
struct authority *authority_get(struct ca *ca, unsigned number);
/* Its revocation list has to be signed anew. Under the write lock. */
void authority_mark_stale(struct ca *ca, unsigned number);
err_t authority_load_root(struct ca *ca, struct bytes body);
err_t authority_pack(const struct authority *a, struct buf *record);
void authority_place(const struct authority *a, char out[static STORE_PLACE_MAX + 1]);
/* The root as it is, but for its key and revocation list; together with count other records. */
err_t authority_commit_root(struct ca *ca, const struct key *key, const struct served_crl *crl,
                            const struct store_write *others, size_t count);
err_t authority_load(struct ca *ca, struct bytes body);
err_t authority_make_root(struct ca *ca, int64_t now);
/* A fresh issuing authority under the root's key, which may be given; durable, then in place. The
 * caller holds changing, or is alone. */
err_t authority_make(struct ca *ca, const struct key *root_key, const struct cert_texts *permit,
                     int64_t now);

/* Makes room: those that ended long ago are no longer known. The caller holds changing. */
err_t authorities_retire(struct ca *ca, int64_t now);
#define RETIRE_AFTER (30 * DAY)

/* ca_crl.c; the caller holds changing, or is alone. */
err_t crl_refresh(struct ca *ca, struct authority *a, int64_t now);
/* The root's list of revoked issuing authorities; durable, together with count other records, then
 * in place. */
err_t crl_refresh_root(struct ca *ca, const struct key *root_key, int64_t now,
                       const struct store_write *others, size_t count);
#define CRL_SECONDS DAY
#define ROOT_CRL_SECONDS (400 * DAY)

/* ca_ocsp.c */
err_t ocsp_cache_new(struct ocsp_cache **out);
void ocsp_cache_free(struct ocsp_cache *c);
/* A fresh signer of the authority's answers. */
err_t ocsp_renew(struct ca *ca, struct authority *a, int64_t now);
#define RESPONDER_SECONDS (7 * DAY)

/* ca_profile.c */
struct ca_profile_row {
  const char *name;
  unsigned usage, usage_rsa; /* for EC keys; further ones for RSA keys */
  const char *ekus[4];
  size_t eku_count;
  int64_t lifetime, longest; /* seconds */
};
const struct ca_profile_row *profile_row(enum ca_profile p);
/* What the profile asks of names. */
err_t profile_check_names(enum ca_profile p, const struct cert_profile *says);

/* ca_ledger.c; the lock is the caller's. */
err_t issued_new(const struct ca_request *rq, const struct cert_profile *says, struct issued **out);
void issued_pack(const struct issued *i, struct buf *record);
err_t issued_unpack(struct bytes record, struct issued **out);
void issued_place(const struct issued *i, char out[static STORE_PLACE_MAX + 1]);
err_t ledger_init(struct ledger *x);
/* After it was revoked, or loaded so. */
void ledger_put_revoked(struct ledger *x, struct issued *i);
/* Takes it over. Makes room when it can; without, slots get long, and that is all. */
void ledger_put(struct ledger *x, struct issued *i);
void ledger_remove(struct ledger *x, struct issued *i); /* does not free it */
struct issued *ledger_serial(const struct ledger *x, const char *serial);
/* The next one of that name after *at, which is NULL at first; the newest comes first. */
struct issued *ledger_name(const struct ledger *x, const char *name, const struct issued_name **at);
err_t ledger_sort(struct ledger *x); /* after loading, when they came in no order */
void ledger_free(struct ledger *x);

/* ca_names.c */
/* REFUSEs the first name that no permitted subtree covers; all are fine where there are none. */
err_t constraints_check(const struct cert_texts *permitted, enum ca_profile profile,
                        const struct cert_profile *says);

/* ca_issue.c */
err_t issued_commit(struct ca *ca, const struct issued *i);

/* ca_hub.c */
err_t hub_facts_load(struct ca *ca, struct bytes body);

/* ca_grant.c */
err_t grant_load(struct ca *ca, struct bytes body);

#endif
