/*
 * A certificate of the hub's authority that is kept: asked for once, kept on disk, renewed in time
 * while the program runs, with the authority's revocation lists beside it.
 *
 * The private key is made here and never leaves this machine: it is in the state directory (made
 * with mode 0700, used by one program at a time), in one file with its certificate (0600, replaced
 * as a whole), so that a program that starts while the hub is away goes on with what it has. A new
 * version has a new key. It is asked for at two thirds of the certificate's life, or up to a tenth
 * of it earlier, so that many do not ask at once; and at once when the one in use was revoked.
 * While that fails it is asked for again and again with growing pauses, and the log warns, more
 * urgently as the end comes near; the old one serves on until it ends. Times are the machine's
 * clock, which may jump: what is due is looked at every minute at least.
 *
 * Who is trusted: the hub's root, which must be one of the certificates that the client's settings
 * trust (SSL_CERT_FILE), or be issued by one; whatever else is trusted there counts for nothing
 * here. Revocation lists are asked for every few minutes: the root's, and those of all issuing
 * authorities under it that have not ended or been revoked. One that its authority has not signed,
 * or that is older than the one in hand, is not taken. (An authority that the hub has begun to
 * issue with since the last look has no list here yet: enrol_look_now() gets it.)
 *
 * One thread of its own does all this; changed() is called by it. The other functions: any thread.
 */
#ifndef TRANSIT_ENROL_H
#define TRANSIT_ENROL_H

#include "client/client.h"
#include "crypto/key.h"

#define ENROL_LIFETIME_MIN_S 15 /* certificates are not asked for more often than each 5 s */

struct enrol_options {
  const char *profile;      /* "server", "client", "workload", "vpn": the authority's */
  const char *const *names; /* DNS names, addresses, URIs, mailboxes; at least one */
  size_t name_count;
  const char *subject; /* NULL: none */
  const char *state;   /* directory; made if it is not there */
  uint64_t lifetime_s; /* of those that are asked for; 0: the profile's */
  uint64_t list_s;     /* between looks for revocation lists; 0: 300 */
  bool lists;          /* whether there are any; false: revocation is not looked at */
};

/* What is good now. Counted and immutable: whoever holds it frees it. */
struct enrolled {
  struct buf chain_pem; /* the certificate, then the issuing authority's */
  struct buf ca_pem;    /* the root: whom to trust */
  struct key *key;
  int64_t not_before, not_after; /* Unix seconds */
  struct buf *lists;             /* revocation lists, DER: the root's and issuing authorities' */
  size_t list_count;
  int64_t lists_until; /* the earliest nextUpdate of them; 0 without lists */
  _Atomic unsigned refs;
};
struct enrolled *enrolled_ref(struct enrolled *e);
void enrolled_free(struct enrolled *e);
CLEANUP(enrolled, struct enrolled *, enrolled_free)

/* Until when that is good which enrol_new() would find in the state directory; nothing is asked for
 * or changed. ERR_NOT_FOUND: there is nothing. ERR_CONFIG, FAILed: it would not be used, and why.
 */
err_t enrol_peek(struct client *c, const struct enrol_options *o, int64_t *not_after);

struct enrol;
/*
 * Uses what the state directory has if it is good and for these names and profile, and asks the hub
 * otherwise: then it goes on asking for wait_ms while the hub is away or busy (but tries once in
 * any case), and fails as client.h says: ERR_AWAY, ERR_FORBIDDEN with what to grant, .. ERR_CONFIG:
 * the hub's root is not trusted, or the directory can't be used (which is found out before a
 * certificate is asked for). ERR_USAGE: it is another user's,
 * or others may write to it; or the hub says that what is asked for can't be had by anybody. The
 * log says what is asked for where, and what is waited for; SIGTERM and SIGINT end the process at
 * once with status 0 meanwhile (base/process.h). Options are copied; the client is borrowed until
 * enrol_free().
 */
err_t enrol_new(struct client *c, const struct enrol_options *o, unsigned wait_ms,
                struct enrol **out);
/* From now on it is kept. changed (may be NULL) is told when certificate or lists are others; it
 * borrows now, and takes a share if it keeps it. */
err_t enrol_start(struct enrol *e, void (*changed)(void *ctx, struct enrolled *now), void *ctx);
/* Joins the thread: a request that is under way is waited for, seconds at most. */
void enrol_free(struct enrol *e);
CLEANUP(enrol, struct enrol *, enrol_free)
struct enrolled *enrol_current(struct enrol *e); /* a share */
void enrol_look_now(struct enrol *e);            /* does not wait: SIGHUP */

struct enrol_status {
  int64_t not_after, renew_at, asked_at, lists_until; /* Unix seconds; 0: never, none */
  uint64_t renewals, failures;                        /* since the start; failures in a row */
  char trouble[256];                                  /* why the last look failed; "" */
};
void enrol_status(struct enrol *e, struct enrol_status *out);

#endif
