/*
 * Encrypted data as one message of bytes. What an AES algorithm needs besides the ciphertext goes
 * with it:
 *
 *   A*GCM           iv (12) || ciphertext || tag (16)
 *   A*CBC, A*CBCPAD iv (16) || ciphertext
 *   RSA             ciphertext
 */
#ifndef CLI_KEY_MESSAGE_H
#define CLI_KEY_MESSAGE_H

#include "cli/key/use.h"

/* The parts of a message; ERR_USAGE (FAILed) when it is too short to have them. */
err_t message_split(const char *alg, struct bytes message, struct use_fields *out);
/* What an answer of "encrypt" and the iv that was sent (if any) make. */
err_t message_join(json_t *answer, struct bytes sent_iv, struct buf *out);
bool message_needs_iv(const char *alg); /* the client chooses it: CBC */

#define CBC_IV_SIZE 16

#endif
