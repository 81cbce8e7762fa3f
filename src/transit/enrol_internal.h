/*
 * What the files of enrol share. The thread alone uses what is held and the lists; what others see
 * of them is put together in a struct enrolled, which is swapped in under the lock.
 */
#ifndef TRANSIT_ENROL_INTERNAL_H
#define TRANSIT_ENROL_INTERNAL_H

#include "crypto/cert.h"
#include "transit/enrol.h"

#define ENROL_PATH_MAX 4096

/* The options, copied. */
struct wanted {
  char *profile, *subject, *state; /* subject may be NULL */
  struct cert_texts names;
  uint64_t lifetime_s;
  bool lists;
};
err_t wanted_copy(const struct enrol_options *o, struct wanted *out);
void wanted_free(struct wanted *w); /* a zeroed struct is fine */

/* A key and its chain: the certificate, the issuing authority's, the root. */
struct held {
  struct key *key;
  struct cert_chain chain;
  int64_t not_before, not_after;
  uint8_t serial[CERT_SERIAL_MAX];
  size_t serial_size;
};
void held_free(struct held *id); /* a zeroed struct is fine */
#define AUTO_HELD __attribute__((cleanup(held_free))) struct held
/* Hands it over: frees what was in to, leaves a zeroed from. */
void held_move(struct held *from, struct held *to);
struct bytes held_issuer(const struct held *id); /* DER */
struct bytes held_root(const struct held *id);

/* The client, and for how long each of its requests may wait. */
struct enrol_asking {
  struct client *client;
  unsigned timeout_ms;
  const _Atomic bool *stop; /* no request is begun after it is true */
};

/* enrol_state.c: the directory. */

/* Makes it if it is not there and keeps others out of it, by a lock that *fd holds. */
err_t enrol_state_open(const char *dir, int *fd);
err_t enrol_state_path(const char *dir, const char *name, char out[static ENROL_PATH_MAX]);
/* ERR_NOT_FOUND: there is none. ERR_CONFIG, FAILed: there is one that is not used, and why. */
err_t enrol_state_load(const struct wanted *w, struct bytes anchors_pem, int64_t now,
                       struct held *out);
/* Whether something of an identity's size can be saved: before a certificate is asked for that
 * would be lost. ERR_CONFIG, ERR_IO, FAILed: as file_write_private(). */
err_t enrol_state_try(const char *dir);
err_t enrol_state_save(const struct wanted *w, const struct held *id);

/* enrol_check.c */

/* Reads what the certificate says, and compares it with what is wanted:
 * ERR_BAD_PARAMETER, FAILed, for a certificate that is not the key's, has not all names, has ended,
 * or is not issued under its root. */
err_t held_check(const struct wanted *w, int64_t now, struct held *id);
/* ERR_CONFIG, saying what to do, if the root is none of those trusted, nor issued by one. */
err_t enrol_check_root(const struct client *c, struct bytes anchors_pem, struct bytes root,
                       int64_t now);
/* The PEM text that SSL_CERT_FILE names. */
err_t enrol_read_anchors(const struct client *c, struct buf *pem);
/* The time by which a chain is looked at: a clock that is behind is no reason to take none. */
int64_t held_when(int64_t now, int64_t not_before);

/* enrol_ask.c */

/* What is at a path for everybody, appended. */
err_t asking_get(const struct enrol_asking *ask, const char *path, struct buf *out);
/* A new key, its certificate and the root, all checked. */
err_t held_ask(const struct enrol_asking *ask, const struct wanted *w, struct held *out);

/* enrol_lists.c and enrol_lists_state.c: revocation lists. */

#define LISTED_MAX 65 /* a root, and as many issuing authorities as a hub has at most */
struct listed {
  unsigned number; /* of the issuing authority; 0: the root's */
  struct buf ca, crl;
  uint64_t crl_number;
  int64_t next_update;
  bool saved;
};
struct lists {
  struct listed items[LISTED_MAX];
  size_t count;
  struct buf issuing; /* the authority that issues now, as the hub last said */
};
void lists_free(struct lists *l); /* a zeroed struct is fine */
struct listed *lists_find(struct lists *l, unsigned number);
/* The entry of an authority, to be filled; ERR_BAD_PARAMETER when there are too many. */
err_t lists_add(struct lists *l, unsigned number, struct bytes ca, struct listed **out);
void lists_drop(struct lists *l, struct listed *item);
/* Takes a list over if its authority has signed it, it is not older than the one in hand and does
 * not begin after now: ERR_BAD_PARAMETER, FAILed, else. *changed: it is another one. */
err_t listed_take(struct listed *item, struct buf *crl, int64_t now, bool *changed);
/* ERR_BAD_PARAMETER unless the root issued that authority and has not revoked it. */
err_t lists_check_authority(struct lists *l, struct bytes root, struct bytes ca, int64_t now);
/* Whether the list of the certificate's issuer is there, and the root's. */
bool lists_serve(struct lists *l, const struct held *id);
bool lists_revoke(struct lists *l, const struct held *id);

/* What the directory has of them; what is not good is passed over. */
void lists_load(const char *dir, const struct held *id, int64_t now, struct lists *out);
err_t lists_save(const char *dir, const struct listed *item);
void lists_remove(const char *dir, unsigned number);
/* Asks for all of them. What can be had is taken; the first error is returned. *changed: some are
 * others now. */
err_t lists_ask(const struct enrol_asking *ask, const char *dir, const struct held *id,
                struct lists *l, bool *changed);

/* enrol_due.c: when, and how loudly. */

/* Two thirds of the way from begin to end, or up to a tenth of it earlier: random of UINT16_MAX. */
int64_t due_renewal(int64_t begin, int64_t end, uint16_t random);
/* Microseconds until it is tried again, after so many failures (1 or more): 5 s, doubled each time,
 * at most 10 minutes; a tenth more or less. */
uint64_t due_retry_us(uint64_t failures, uint16_t random);
/* How much of a life is left, for who has failed to renew it. */
/* DUE_REVOKED: what is left counts for nothing. */
enum due_stage { DUE_FINE, DUE_FAILED, DUE_NEAR, DUE_LAST, DUE_OVER, DUE_REVOKED };
enum due_stage due_stage(int64_t begin, int64_t end, int64_t now);
/* Tells what stands in its place, if that is worse than *told, and keeps it there. what: "the
 * certificate". */
void due_tell(enum due_stage *told, enum due_stage now, const char *what, int64_t end,
              const char *trouble);

/* enrolled.c */
err_t enrolled_new(const struct held *id, const struct lists *l, struct enrolled **out);

#endif
