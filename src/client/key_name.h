/* What names a key of the vault: key_name_parse() of use.h, and the rest of an id. Any thread. */
#ifndef CLIENT_KEY_NAME_H
#define CLIENT_KEY_NAME_H

#include "client/use.h"

/* The host (and port) of a key id or of an address; empty when it is only a name. */
struct bytes key_name_host(const char *key);

#endif
