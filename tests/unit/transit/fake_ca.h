/*
 * An authority behind the fake hub: a root and issuing authorities, certificates, revocation lists.
 *
 *   POST /hub/ca/issue              a certificate of the newest issuing authority
 *   GET  /pki/root.cer, root.crl, issuing.cer, issuing-N.cer, issuing-N.crl
 *
 * What a test changes while requests may come is changed under the lock (fake_ca_lock()), or
 * atomic.
 */
#ifndef TEST_TRANSIT_FAKE_CA_H
#define TEST_TRANSIT_FAKE_CA_H

#include "fake_hub.h"

#include "crypto/cert.h"

#define FAKE_ISSUERS 4
#define FAKE_REVOKED 8

struct fake_issuer {
  struct key *key;
  struct buf der, crl;
  uint8_t revoked[FAKE_REVOKED][CERT_SERIAL_SIZE];
  size_t revoked_count;
  uint64_t crl_number;
};
struct fake_ca {
  struct fake_hub hub;
  pthread_mutex_t lock;
  struct fake_issuer issuers[FAKE_ISSUERS]; /* 0 is the root; the last one issues */
  size_t count;
  char dir[64], anchors[96], state[96];
  struct client *client;
  _Atomic int64_t life_s;   /* of what is issued, if the request says nothing */
  _Atomic unsigned issued;  /* certificates */
  _Atomic unsigned asked;   /* requests, answered or not */
  _Atomic bool forbids;     /* whatever is asked for */
  _Atomic bool other_names; /* issues for another name than asked for */
};
/* With one issuing authority. The client trusts the hub's own certificate and the root. */
void fake_ca_start(struct fake_ca *f);
void fake_ca_stop(struct fake_ca *f);
void fake_ca_away(struct fake_ca *f, bool away);
/* Whether the client trusts the root, from its next look on. */
void fake_ca_trust(struct fake_ca *f, bool root);
void fake_ca_add_issuer(struct fake_ca *f);
/* Of the issuer's list, which is signed anew. */
void fake_ca_revoke(struct fake_ca *f, size_t issuer, struct bytes serial);
/* A list of that number, signed by the key of another issuer if signer is not issuer. */
void fake_ca_sign(struct fake_ca *f, size_t issuer, size_t signer, uint64_t number);
void fake_ca_set_list(struct fake_ca *f, size_t issuer, struct bytes der);

#endif
