/*
 * Another key of the vault for an age file: what header_write_slot() is to a sealed file. Stanzas
 * have no room to be replaced in place, so that a new header is made, and the payload, which stays
 * as it is, has to be copied behind it. Any thread.
 */
#ifndef SEAL_AGE_RESEAL_H
#define SEAL_AGE_RESEAL_H

#include "client/data_key.h"

struct age_resealed {
  bool changed;        /* else nothing below is set: it was under that version already */
  struct buf header;   /* the new one, complete */
  uint64_t payload_at; /* where the payload stands in the file */
  char key_id[KEY_ID_MAX], was[KEY_ID_MAX]; /* of the last of its keys; also without a change */
};
/* Wraps the file key anew for those recipients that are keys of the vault, under key (its newest
 * version unless it names one) or, NULL, each under the newest version of its own; the others stay
 * as they are. ERR_WRONG_KEY: no recipient is a key of the vault. ERR_BAD_PARAMETER: it is armored,
 * or several of them are and key says which one it shall be; or the key is RSA, and some of the
 * others are post-quantum recipients. */
err_t age_reseal(const struct key_service *vault, const char *key, int file,
                 struct age_resealed *out);

#endif
