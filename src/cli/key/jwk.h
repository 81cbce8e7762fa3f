/* A private key as JSON (RFC 7517), for import. */
#ifndef CLI_KEY_JWK_H
#define CLI_KEY_JWK_H

#include "base/json.h"

/* From a JWK's text, or from a PEM private key. ERR_USAGE (FAILed) when it is neither. */
err_t jwk_read(struct bytes text, json_t **out);

#endif
