/*
 * Bech32 (BIP 173) as age uses it: a prefix that says what it is, '1', data and checksum; without
 * the limit of 90 characters. All of it in lower or all in upper case. Any thread.
 */
#ifndef SEAL_BECH32_H
#define SEAL_BECH32_H

#include "base/bytes.h"

#define BECH32_PREFIX_MAX 83
#define BECH32_TEXT_MAX 8192 /* characters: four times the longest that there is */

/* Appended, in lower case. */
void bech32_encode(const char *prefix, struct bytes data, struct buf *out);
/* The prefix (in lower case, whatever the text's) and the data, appended to *data. upper (may be
 * NULL): the text was in upper case. ERR_BAD_PARAMETER for all that bech32_encode() would not have
 * written. The text may be a secret: no reason repeats any of it. */
err_t bech32_decode(struct bytes text, char prefix[static BECH32_PREFIX_MAX + 1], struct buf *data,
                    bool *upper);

#endif
