/*
 * What age_recipients and age_identities hold, and a file key's way into a header and out of it.
 * For the age_* files and their tests.
 */
#ifndef SEAL_AGE_KEY_H
#define SEAL_AGE_KEY_H

#include "seal/age.h"
#include "seal/age_type.h"

/* A header for a fresh file key, appended. */
err_t age_wrap(const struct age_recipients *r, struct secret *file_key, struct buf *out);
/* The file key out of a header, the MAC verified. ERR_WRONG_KEY as in age_open(). */
err_t age_unwrap(const struct age_identities *i, const struct age_header *h,
                 struct secret *file_key);
/* The stanzas that are of a known type must have its form; an scrypt stanza must be alone. */
err_t age_check_stanzas(struct bytes stanzas);

#endif
